import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import type { Pool } from '../../server/src/store/pool.ts';
import { type ApiAnswer, type ApiClient, createClient } from '../support/client.ts';
import {
  addKey,
  countRows,
  newOrganisation,
  ok,
  person,
  rawExchange,
  stoppedClock,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

const unknownKey = `ld_test_abcdefgh_${'1'.repeat(44)}`;

describe('the key', () => {
  const clock = stoppedClock();
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ clock });
  });
  afterAll(() => server.stop());

  /** Sends headers as they are, without the key that the client would add. */
  async function get(headers: Record<string, string>): Promise<ApiAnswer> {
    const answer = await fetch(`${server.app.url}/v1/customers`, { headers });
    const text = await answer.text();
    return { ...JSON.parse(text), text, status: answer.status, headers: Object.fromEntries(answer.headers) };
  }

  it.each([
    ['Authorization: Bearer', (key: string) => ({ authorization: `Bearer ${key}` })],
    ['X-API-Key', (key: string) => ({ 'x-api-key': key })],
    ['both, when they are the same', (key: string) => ({ authorization: `Bearer ${key}`, 'x-api-key': key })],
    ['any case of the scheme', (key: string) => ({ authorization: `bearer ${key}` })],
  ])('is taken from %s', async (_name, headers) => {
    expect(await get(headers(server.testKey))).toMatchObject({ status: 200, ok: true });
  });

  it.each([
    ['no key at all', () => ({}), 'missing_api_key'],
    [
      'two different keys',
      () => ({ authorization: `Bearer ${server.testKey}`, 'x-api-key': server.liveKey }),
      'two_api_keys',
    ],
    ['another scheme', () => ({ authorization: `Basic ${server.testKey}` }), 'invalid_api_key'],
    ['no scheme', () => ({ authorization: server.testKey }), 'invalid_api_key'],
    ['a good X-API-Key beside another scheme', otherScheme, 'invalid_api_key'],
    ['nothing after the scheme', () => ({ authorization: 'Bearer ' }), 'invalid_api_key'],
    ['an empty X-API-Key', () => ({ 'x-api-key': '' }), 'invalid_api_key'],
    ['another form', () => ({ 'x-api-key': 'sk_test_12345' }), 'invalid_api_key'],
    [
      'another environment word',
      () => ({ 'x-api-key': server.testKey.replace('test', 'prod') }),
      'invalid_api_key',
    ],
    ['something behind the key', () => ({ 'x-api-key': `${server.testKey}_x` }), 'invalid_api_key'],
    ['a very long key', () => ({ 'x-api-key': `ld_test_abcdefgh_${'1'.repeat(9000)}` }), 'invalid_api_key'],
    ['an unknown key', () => ({ 'x-api-key': unknownKey }), 'invalid_api_key'],
    ['a wrong secret', () => ({ 'x-api-key': changedAt(server.testKey, -1) }), 'invalid_api_key'],
    ['a cut secret', () => ({ 'x-api-key': server.testKey.slice(0, -1) }), 'invalid_api_key'],
    ['a wrong prefix', () => ({ 'x-api-key': changedAt(server.testKey, 9) }), 'invalid_api_key'],
    [
      'the other environment',
      () => ({ 'x-api-key': server.testKey.replace('test', 'live') }),
      'invalid_api_key',
    ],
    ['upper case', () => ({ 'x-api-key': server.testKey.toUpperCase() }), 'invalid_api_key'],
  ])('is refused: %s', async (_name, headers, reason) => {
    const { error, status } = await get(headers() as Record<string, string>);
    expect([status, error.code, error.reason]).toEqual([401, 'UNAUTHORIZED', reason]);
  });

  function otherScheme() {
    return { authorization: 'Basic dXNlcjpwYXNz', 'x-api-key': server.testKey };
  }

  it('is asked for before anything else is looked at, and nothing is written', async () => {
    const before = await countRows(server.app, 'customers');
    const headers = { authorization: `Bearer ${unknownKey}`, 'idempotency-key': 'x' };
    for (const body of [person, {}, { ...person, nick: 'x' }]) {
      expect((await server.api.post('/v1/customers', body, headers)).status).toBe(401);
    }
    expect((await server.api.get('/v1/customers?limit=0', { authorization: '' })).status).toBe(401);
    expect(await countRows(server.app, 'customers')).toBe(before);
    expect(await countRows(server.app, 'idempotency_keys')).toBe(0);
  });

  it('is no longer taken once it is revoked, at the latest when its cached check has run out', async () => {
    const { key, revoke } = await addKey(server);
    const api = await createClient(server.app.url, key);
    await ok(api.get('/v1/customers'));
    await revoke();
    clock.advance(limits.apiKeyCacheMs);
    const refused = await api.get('/v1/customers');
    expect([refused.status, refused.error.reason]).toEqual([401, 'invalid_api_key']);
    await ok(server.api.get('/v1/customers'));
  });

  it('lies in no table', async () => {
    const secrets = [server.testKey, server.liveKey].map((key) => key.split('_')[3] as string);
    const { rows } = await server.app.pool.query<{ row: string }>('select k::text as row from api_keys k');
    expect(rows.length).toBeGreaterThanOrEqual(2);
    for (const { row } of rows) for (const secret of secrets) expect(row).not.toContain(secret);
  });

  it('is not needed for health, the document and the docs', async () => {
    for (const path of ['/v1/health', '/openapi.json', '/events.schema.json', '/docs']) {
      expect((await fetch(server.app.url + path)).status, path).toBe(200);
    }
  });

  it('is needed for every other operation of the document', async () => {
    const document = (await (await fetch(`${server.app.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { security?: unknown[] }>>;
    };
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const url = server.app.url + path.replaceAll(/\{\w+\}/g, 'x');
        const { status } = await fetch(url, { method: method.toUpperCase() });
        expect(status, `${method} ${path}`).toBe(security?.length === 0 ? 200 : 401);
      }
    }
  });
});

/** Counts the statements that look keys up from now on. */
function watchLookUps({ app }: TestServer): () => number {
  // Of all pools of the server: which one looks keys up is not the matter.
  const { mock } = vi.spyOn(Object.getPrototypeOf(app.pool) as Pool, 'query');
  const isLookUp = (query: unknown): boolean =>
    (query as { name?: string }).name === 'find_authentic_api_keys';
  return () => mock.calls.filter(([query]) => isLookUp(query)).length;
}

function changedAt(key: string, at: number): string {
  const index = at < 0 ? key.length + at : at;
  return key.slice(0, index) + (key[index] === 'a' ? 'b' : 'a') + key.slice(index + 1);
}

describe('the request id', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  it('is kept when it is well-formed', async () => {
    for (const id of ['abc', 'A.b_c:d-9', 'r'.repeat(limits.requestIdLength)]) {
      const { headers } = await server.api.get('/v1/customers', { 'x-request-id': id });
      expect(headers['x-request-id']).toBe(id);
    }
  });

  it('is replaced when it is not, and is there when none was sent', async () => {
    const wrong = ['', 'a b', 'a"b', '<script>', 'r'.repeat(limits.requestIdLength + 1), 'é'];
    const all = await Promise.all([
      server.api.get('/v1/customers'),
      ...wrong.map((id) => server.api.get('/v1/customers', { 'x-request-id': id })),
    ]);
    const ids = all.map(({ headers }) => headers['x-request-id']);
    expect(ids).toEqual(ids.map(() => expect.stringMatching(/^req_[0-9a-z]{26}$/)));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is the same in the header and in a refusal', async () => {
    const { error, headers } = await server.api.get('/v1/customers/none', { 'x-request-id': 'mine-1' });
    expect([headers['x-request-id'], (error as { requestId?: string }).requestId]).toEqual([
      'mine-1',
      'mine-1',
    ]);
  });

  it.each([
    ['a path that no route has', 'GET /nothing HTTP/1.1\r\nhost: x'],
    ['a path that cannot be read', 'GET /v1/customers/%zz HTTP/1.1\r\nhost: x'],
    ['a request without a key', 'GET /v1/customers HTTP/1.1\r\nhost: x'],
    ['the document', 'GET /openapi.json HTTP/1.1\r\nhost: x'],
    ['what is not HTTP', 'nonsense'],
  ])('is on the answer to %s', async (_name, head) => {
    const answer = await rawExchange(server.app.url, `${head}\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 \d{3} /);
    expect(answer).toMatch(/\r\nx-request-id: \S+\r\n/i);
  });
});

describe('the rate limit', () => {
  const writesPerSecond = 2;
  const readsPerSecond = 5;
  let clock: ReturnType<typeof stoppedClock>;
  let server: TestServer;
  let api: ApiClient;
  beforeEach(async () => {
    clock = stoppedClock();
    server = await startServer({ clock, rateLimit: { writesPerSecond, readsPerSecond } });
    api = server.api;
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await server.stop();
  });

  const read = () => api.get('/v1/customers');
  const write = () => api.post('/v1/customers', person);
  const statuses = async (count: number, send: () => Promise<ApiAnswer>) =>
    (await Promise.all(Array.from({ length: count }, send))).map(({ status }) => status).sort();
  const times = (count: number, status: number) => Array.from({ length: count }, () => status);

  it('tells on every answer how much is left', async () => {
    const left = [];
    for (let count = 0; count < 3; count += 1) {
      const { headers } = await read();
      left.push([headers['ratelimit-limit'], headers['ratelimit-remaining'], headers['ratelimit-reset']]);
    }
    expect(left).toEqual([
      ['10', '9', '1'],
      ['10', '8', '1'],
      ['10', '7', '1'],
    ]);
    const paths = ['/v1/customers/none', '/v1/health', '/nothing'];
    for (const path of paths) expect((await api.get(path)).headers).toHaveProperty('ratelimit-remaining');
    const refused = await api.get('/v1/customers', { authorization: `Bearer ${unknownKey}` });
    expect(refused.status).toBe(401);
    expect(refused.headers).toHaveProperty('ratelimit-remaining');
    const faulty = await api.post('/v1/customers', {});
    expect(faulty.headers['ratelimit-remaining']).toBe('3');
  });

  it('lets a burst through and refuses the rest, telling when to come again', async () => {
    expect(await statuses(13, read)).toEqual([...times(10, 200), ...times(3, 429)]);
    const { error, headers, status } = await read();
    expect([status, error.code, error.reason]).toEqual([429, 'RATE_LIMITED', 'rate_limited']);
    expect(headers).toMatchObject({ 'retry-after': '1', 'ratelimit-remaining': '0', 'ratelimit-reset': '2' });
  });

  it('counts reads and writes apart, and refused writes write nothing', async () => {
    expect(await statuses(11, read)).toContain(429);
    expect(await statuses(7, write)).toEqual([...times(4, 200), ...times(3, 429)]);
    expect(await countRows(server.app, 'customers')).toBe(4);
  });

  it('lets as many through again as the time since then is worth', async () => {
    await statuses(4, write);
    expect((await write()).headers['retry-after']).toBe('1');
    clock.advance(499);
    expect((await write()).status).toBe(429);
    clock.advance(1);
    expect(await statuses(3, write)).toEqual([...times(1, 200), ...times(2, 429)]);
    clock.advance(60_000);
    expect(await statuses(6, write)).toEqual([...times(4, 200), ...times(2, 429)]);
  });

  it('is one key of its own: others are not held up', async () => {
    const second = await createClient(server.app.url, (await addKey(server)).key);
    const other = await newOrganisation(server, 'another organisation');
    await statuses(11, read);
    for (const client of [second, server.live, other.api]) await ok(client.get('/v1/customers'));
  });

  it('makes guessing keys slow, by address, while a key that is in use still passes', async () => {
    await ok(read());
    const guess = (number: number) =>
      api.get('/v1/customers', { authorization: `Bearer ld_test_guess${number}x_${'1'.repeat(44)}` });
    const burst = limits.unauthenticatedPerSecond * limits.burstFactor;
    const guesses = await Promise.all(Array.from({ length: burst + 10 }, (_, number) => guess(number)));
    expect(guesses.map(({ status }) => status).sort()).toEqual([...times(burst, 401), ...times(10, 429)]);
    const refused = await guess(0);
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '1']);
    await ok(read());
    await ok(write());
  });

  it('limits by address only those who have no valid key: one that was never used before passes', async () => {
    const fresh = await createClient(server.app.url, (await addKey(server)).key);
    await ok(read());
    clock.advance(limits.apiKeyCacheMs * 10);
    const burst = limits.unauthenticatedPerSecond * limits.burstFactor;
    for (let count = 0; count <= burst; count += 1)
      await api.get('/v1/customers', { authorization: 'Bearer x' });
    expect((await api.get('/v1/customers', { authorization: 'Bearer x' })).status).toBe(429);
    expect((await read()).status).toBe(200);
    await ok(fresh.get('/v1/customers'));
    const wrongSecret = await api.get('/v1/customers', {
      authorization: `Bearer ${changedAt(server.testKey, -1)}`,
    });
    expect(wrongSecret.status).toBe(429);
  });

  it('counts the addresses of one IPv6 network as one client', async () => {
    const proxied = await server.second({
      trustProxy: ['loopback'],
      rateLimit: { writesPerSecond, readsPerSecond },
    });
    const from = async (address: string): Promise<number> => {
      const answer = await fetch(`${proxied.url}/nothing`, { headers: { 'x-forwarded-for': address } });
      return answer.status;
    };
    const addresses = Array.from({ length: 12 }, (_, host) => `2001:db8:0:1::${host + 1}`);
    expect((await Promise.all(addresses.map(from))).sort()).toEqual([...times(10, 404), ...times(2, 429)]);
    expect(await from('2001:db8:0:2::1')).toBe(404);
  });

  it('looks unknown prefixes up by few statements, however many are guessed, and wrong secrets by none', async () => {
    await ok(read());
    const lookUps = watchLookUps(server);
    const guess = (key: string) => api.get('/v1/customers', { authorization: `Bearer ${key}` });
    const begunMs = performance.now();
    const secret = '1'.repeat(44);
    await Promise.all(Array.from({ length: 300 }, (_, at) => guess(`ld_test_guess${at}x_${secret}`)));
    const mostStatements = 2 + (performance.now() - begunMs) / limits.prefixLookUpMs;
    const statements = lookUps();
    expect(statements).toBeGreaterThan(0);
    expect(statements).toBeLessThanOrEqual(mostStatements);
    await Promise.all(Array.from({ length: 100 }, () => guess(changedAt(server.testKey, -1))));
    expect(lookUps()).toBe(statements);
  });

  it('a reset of the sandbox forgets the cached keys of its own environment only', async () => {
    const other = await newOrganisation(server, 'another organisation');
    const all = [api, server.live, other.api, other.live];
    for (const client of all) await ok(client.get('/v1/customers'));
    const lookUps = watchLookUps(server);
    await ok(api.post('/v1/sandbox/reset'));
    for (const client of [server.live, other.api, other.live]) await ok(client.get('/v1/customers'));
    expect(lookUps()).toBe(0);
    expect(await ok(read())).toEqual([]);
    expect(lookUps()).toBe(1);
  });

  it('can be switched off', async () => {
    const free = await startServer();
    try {
      const answers = await Promise.all(Array.from({ length: 100 }, () => free.api.get('/v1/customers')));
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    } finally {
      await free.stop();
    }
  });
});
