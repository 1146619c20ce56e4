import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { stoppedClock } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());

const paths = [
  '/docs',
  '/docs/guides/configuration',
  '/docs/guides/configuration.md',
  '/docs/reference/bundle.js',
  '/openapi.json',
  '/events.schema.json',
];

async function get(path: string, headers: Record<string, string> = {}, url = server.app.url) {
  const answer = await request(url + path, { headers });
  const bytes = Buffer.from(await answer.body.arrayBuffer());
  return { status: answer.statusCode, headers: answer.headers, bytes };
}

describe.each(paths)('%s', (path) => {
  it.each([
    ['br', 'br'],
    ['gzip', 'gzip'],
    ['gzip, deflate, br', 'br'],
    ['br;q=0.1, gzip;q=0.9', 'gzip'],
    ['br;q=0, gzip', 'gzip'],
    ['*', 'br'],
    ['BR', 'br'],
    ['deflate', undefined],
    ['identity', undefined],
    ['identity;q=1, br;q=0.5', undefined],
    ['', undefined],
  ])('for a client that takes %j is sent as %s', async (accepted, encoding) => {
    const plain = await get(path);
    const { bytes, headers, status } = await get(path, { 'accept-encoding': accepted });
    expect(status).toBe(200);
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers.vary).toBe('Accept-Encoding');
    expect(headers['content-length']).toBe(String(bytes.length));
    const decode = { br: brotliDecompressSync, gzip: gunzipSync }[encoding ?? ''] ?? ((same: Buffer) => same);
    expect(decode(bytes).equals(plain.bytes)).toBe(true);
    if (encoding) expect(bytes.length).toBeLessThan(plain.bytes.length / 3);
  });

  it('is not sent again to a client that has it', async () => {
    const { headers } = await get(path, { 'accept-encoding': 'br' });
    const etag = headers.etag as string;
    expect(etag).toMatch(/^"[\w-]{20,}"$/);
    expect(headers['cache-control']).toMatch(/^public, max-age=\d+$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await get(path, { 'accept-encoding': 'br', 'if-none-match': known });
      expect([again.status, again.bytes.length], known).toEqual([304, 0]);
      expect(again.headers).toMatchObject({ etag, vary: 'Accept-Encoding' });
    }
    expect((await get(path, { 'accept-encoding': 'br', 'if-none-match': '"other"' })).status).toBe(200);
  });

  it('has another strong validator in each encoding', async () => {
    const tags = ['br', 'gzip', 'identity'].map(
      async (encoding) => (await get(path, { 'accept-encoding': encoding })).headers.etag,
    );
    expect(new Set(await Promise.all(tags)).size).toBe(3);
  });
});

describe('the documentation', () => {
  it('is at /docs, and / leads there', async () => {
    const { headers, status } = await get('/');
    expect([status, headers.location]).toEqual([302, '/docs']);
  });

  it('has the section that docUrl of an error points to', async () => {
    const { error } = JSON.parse(String((await get('/v1/customers')).bytes));
    expect(error.docUrl).toBe(`${server.app.url}/docs#error-missing_api_key`);
    const url = new URL(error.docUrl);
    const page = await get(url.pathname);
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(String(page.bytes)).toContain(` id="${url.hash.slice(1)}"`);
  });

  it.each([
    ['/docs/reference', 'text/html; charset=utf-8'],
    ['/docs/reference/bundle.js', 'text/javascript; charset=utf-8'],
    ['/docs/guides/webhooks', 'text/html; charset=utf-8'],
    ['/docs/guides/webhooks.md', 'text/markdown; charset=utf-8'],
  ])('%s needs no key and is %s', async (path, type) => {
    const { headers, status } = await get(path);
    expect([status, headers['content-type']]).toEqual([200, type]);
    expect(headers['x-content-type-options']).toBe('nosniff');
  });

  it('has no page for a guide that does not exist', async () => {
    for (const path of ['/docs/guides/nothing', '/docs/guides/..%2f..%2fpackage.json', '/docs/guides/'])
      expect((await get(path)).status, path).toBe(404);
  });
});

describe('the documents', () => {
  it('have a rate limit of their own by client address, which leaves the API alone', async () => {
    const limited = await startServer({
      rateLimit: { writesPerSecond: 500, readsPerSecond: 2000 },
      clock: stoppedClock(),
    });
    try {
      const small = ['/docs', '/openapi.json', '/events.schema.json'];
      const burst = limits.documentsPerSecond * limits.burstFactor;
      const answers = await Promise.all(
        Array.from({ length: 3 * burst }, (_, index) =>
          get(small[index % small.length] as string, {}, limited.app.url),
        ),
      );
      const refused = answers.filter(({ status }) => status === 429);
      expect(answers.every(({ status }) => status === 200 || status === 429)).toBe(true);
      // The clients of the test server have read the document before.
      expect(refused.length).toBeGreaterThanOrEqual(2 * burst);
      expect(JSON.parse(String(refused[0]?.bytes))).toMatchObject({
        ok: false,
        error: { code: 'RATE_LIMITED', reason: 'rate_limited' },
      });
      expect(Number(refused[0]?.headers['retry-after'])).toBeGreaterThanOrEqual(1);
      expect((await get('/v1/health', {}, limited.app.url)).status).toBe(200);
    } finally {
      await limited.stop();
    }
  });
});

describe('probes and metrics', () => {
  it.each(['/metrics', '/livez', '/readyz'])('%s is on the admin listener only', async (path) => {
    const ofPublic = await get(path);
    expect(ofPublic.status).toBe(404);
    expect(JSON.parse(String(ofPublic.bytes))).toMatchObject({
      ok: false,
      error: { code: 'NOT_FOUND', reason: 'route_not_found' },
    });
    expect((await get(path, {}, server.app.adminUrl)).status).toBe(200);
  });

  it('the admin listener has nothing of the API', async () => {
    for (const path of ['/v1/health', '/docs', '/openapi.json', '/'])
      expect((await get(path, {}, server.app.adminUrl)).status).toBe(404);
  });

  it('several servers on one machine each have one of their own', async () => {
    const second = await server.second();
    expect(second.adminUrl).not.toBe(server.app.adminUrl);
    expect((await get('/livez', {}, second.adminUrl)).status).toBe(200);
  });

  it('a port that was set and is in use is an error that names the setting', async () => {
    const { port } = new URL(server.app.adminUrl ?? '');
    await expect(server.second({ adminPort: Number(port) })).rejects.toThrow(
      /^OPENLEDGER_ADMIN_PORT: 127\.0\.0\.1:\d+ is in use\. .*--admin-port/,
    );
  });

  it('can be off', async () => {
    const second = await server.second({ adminPort: 'off' });
    expect(second.adminUrl).toBeUndefined();
  });
});
