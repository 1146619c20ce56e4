import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openStream } from '../support/event-stream.ts';
import { newCustomer, person, rawExchange } from '../support/factories.ts';
import { openPage } from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';

let plain: TestServer;
let secure: TestServer;
beforeAll(async () => {
  plain = await startServer();
  secure = await startServer({ publicUrl: 'https://ledger.example.com' });
});
afterAll(() => Promise.all([plain.stop(), secure.stop()]));

type Headers = Readonly<Record<string, string | string[] | undefined>>;
type Ask = (server: TestServer) => Promise<{ status: number; headers: Headers }>;

const withIdempotencyKey = { 'idempotency-key': 'again' };

describe.each<[string, number, Ask]>([
  ['a thing', 200, ({ api }) => api.get('/v1/health')],
  ['a list', 200, ({ api }) => api.get('/v1/customers')],
  ['a write', 200, ({ api }) => api.post('/v1/customers', person, withIdempotencyKey)],
  ['the same again', 200, ({ api }) => api.post('/v1/customers', person, withIdempotencyKey)],
  ['a refusal', 400, ({ api }) => api.post('/v1/customers', {})],
  ['a refusal of a body unread', 400, ({ api }) => api.raw('POST', '/v1/customers', 'x')],
  ['no key', 401, ({ api }) => api.get('/v1/customers', { authorization: 'x' })],
  ['no such path', 404, ({ api }) => api.get('/nope')],
  ['a path that cannot be read', 400, ({ api }) => api.get('/v1/customers/%zz')],
  [
    'a stream',
    200,
    async ({ app, testKey }) => {
      const stream = await openStream(app.url, testKey);
      await stream.close();
      return stream;
    },
  ],
])('%s', (_name, status, ask) => {
  it('is kept by nobody and is what it says', async () => {
    const answer = await ask(plain);
    expect(answer.status).toBe(status);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.headers['strict-transport-security']).toBeUndefined();
  });

  it('asks for https where the public URL is https', async () => {
    const { headers } = await ask(secure);
    expect(headers['strict-transport-security']).toMatch(/^max-age=\d{8}$/);
  });
});

it('a hosted page asks for https where the public URL is https', async () => {
  for (const server of [plain, secure]) {
    const { kycLink } = await newCustomer(server.api);
    const { headers, status } = await openPage(`${server.app.url}${new URL(kycLink).pathname}`);
    expect(status).toBeLessThan(400);
    expect(headers['strict-transport-security'] !== undefined).toBe(server === secure);
  }
});

it('what is no HTTP is answered with them too', async () => {
  const text = (await rawExchange(plain.app.url, 'nonsense\r\n\r\n')).toLowerCase();
  expect(text).toContain('\r\ncache-control: no-store\r\n');
  expect(text).toContain('\r\nx-content-type-options: nosniff\r\n');
});
