import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { deleteCreatedBefore } from '../../server/src/store/retention.ts';
import { type ApiAnswer, type ApiClient, createClient } from '../support/client.ts';
import {
  approvedCustomer,
  countRows,
  decideKyc,
  deposit,
  environmentOf,
  fundedWallet,
  missingLike,
  newCustomer,
  newOrganisation,
  newWallet,
  ok,
  person,
  rawExchange,
  stoppedClock,
  transferBody,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A POST that makes one row in a table, and another body for the same path. */
interface Post {
  readonly path: string;
  readonly body: object;
  readonly other: object;
  readonly table: string;
}

const postNames = [
  'a customer',
  'a wallet',
  'a transfer',
  'a deposit',
  'a webhook',
  'a test event',
  'a KYC decision',
] as const;

/** Every POST of the API, on things that have just been made for it. */
async function prepare(api: ApiClient, name: (typeof postNames)[number]): Promise<Post> {
  const url = 'http://127.0.0.1:9/hooks';
  switch (name) {
    case 'a customer':
      return {
        path: '/v1/customers',
        body: { ...person, metadata: { a: '1', b: '2' } },
        other: person,
        table: 'customers',
      };
    case 'a wallet': {
      const [one, two] = [await approvedCustomer(api), await approvedCustomer(api)];
      const path = '/v1/crypto-wallets';
      return { path, body: { customerId: one.id }, other: { customerId: two.id }, table: 'wallets' };
    }
    case 'a transfer': {
      const wallet = await fundedWallet(api, '1000.00');
      const body = transferBody(wallet, { metadata: { a: '1', b: '2' } });
      return { path: '/v1/transfers', body, other: { ...body, amount: '2.00' }, table: 'transactions' };
    }
    case 'a deposit': {
      const body = { walletId: (await newWallet(api)).id, chain: 'base', currency: 'usdc', amount: '5.00' };
      const other = { ...body, amount: '5.01' };
      return { path: '/v1/sandbox/crypto-deposits', body, other, table: 'transactions' };
    }
    case 'a webhook': {
      const body = { url, events: ['webhook.test'] };
      return { path: '/v1/webhooks', body, other: { url, events: ['*'] }, table: 'webhooks' };
    }
    case 'a test event': {
      const { id } = await ok(api.post('/v1/webhooks', { url, events: ['webhook.test'] }));
      const [body, other] = [{ data: { a: 1, b: [1] } }, { data: { a: 1, b: [2] } }];
      return { path: `/v1/webhooks/${id}/test`, body, other, table: 'events' };
    }
    case 'a KYC decision': {
      const { id } = await newCustomer(api);
      const path = `/v1/sandbox/customers/${id}/kyc`;
      const [body, other] = [{ kycStatus: 'approved' }, { kycStatus: 'rejected' }];
      return { path, body, other, table: 'events' };
    }
  }
}

const withKey = (key: string) => ({ 'idempotency-key': key });
const isReplay = ({ headers }: ApiAnswer) => headers['idempotent-replayed'];
const newKey = () => randomUUID();

/** The same JSON with every object's keys the other way round, and with white space. */
function writtenOtherwise(body: object): string {
  const turn = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(turn);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(
      Object.entries(value)
        .reverse()
        .map(([key, inner]) => [key, turn(inner)]),
    );
  };
  return `\n ${JSON.stringify(turn(body), null, 3)}\t`;
}

const json = { 'content-type': 'application/json' };

function expectReplay(again: ApiAnswer, first: ApiAnswer): void {
  expect(again.text).toBe(first.text);
  expect(again.status).toBe(first.status);
  expect(isReplay(again)).toBe('true');
}

function expectReuseRefused(answer: ApiAnswer): void {
  expect(answer.status, answer.text).toBe(409);
  expect(answer.error).toMatchObject({ code: 'CONFLICT', reason: 'idempotency_key_reused' });
  expect(answer.error.details).toEqual([
    { path: 'header.Idempotency-Key', message: expect.stringMatching(/\w/) },
  ]);
  expect(isReplay(answer)).toBeUndefined();
}

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  // Transfers stay where they are, so that rows can be counted.
  server = await startServer({ sandboxStepMs: 3_600_000 });
  api = server.api;
});
afterAll(() => server.stop());

describe.each(postNames)('%s with an idempotency key', (name) => {
  it('runs once and is answered byte for byte again, however its JSON is written', async () => {
    const { body, path, table } = await prepare(api, name);
    const key = newKey();
    const before = await countRows(server.app, table);
    const first = await api.post(path, body, withKey(key));
    expect(first.status, first.text).toBe(200);
    expect(isReplay(first)).toBeUndefined();
    expectReplay(await api.post(path, body, withKey(key)), first);
    expectReplay(await api.raw('POST', path, writtenOtherwise(body), { ...json, ...withKey(key) }), first);
    expect(await countRows(server.app, table)).toBe(before + 1);
  });

  it('is refused on another route and with another body', async () => {
    const { body, other, path } = await prepare(api, name);
    const key = newKey();
    const first = await ok(api.post(path, body, withKey(key)));
    expectReuseRefused(await api.post(path, other, withKey(key)));
    expectReuseRefused(await api.post(path, { nonsense: true }, withKey(key)));
    expectReuseRefused(await api.raw('POST', path, '{', { ...json, ...withKey(key) }));
    const elsewhere = name === 'a customer' ? '/v1/webhooks' : '/v1/customers';
    expectReuseRefused(await api.post(elsewhere, person, withKey(key)));
    expect(await ok(api.post(path, body, withKey(key)))).toEqual(first);
  });
});

/** Sends the same request many times concurrently; all must get the same answer and one effect. */
async function expectOneEffect(app: App, clients: readonly ApiClient[], post: Post): Promise<void> {
  const key = newKey();
  const before = await countRows(app, post.table);
  const sent = Array.from({ length: 50 }, (_, index) =>
    (clients[index % clients.length] as ApiClient).post(post.path, post.body, withKey(key)),
  );
  const answers = await Promise.all(sent);
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
  expect(answers.filter((answer) => isReplay(answer) === undefined)).toHaveLength(1);
  expect(await countRows(app, post.table)).toBe(before + 1);
}

const countedPosts = ['a customer', 'a wallet', 'a transfer', 'a webhook'] as const;

describe('fifty concurrent duplicates', () => {
  it.each(countedPosts)('make %s once', async (name) => {
    await expectOneEffect(server.app, [api], await prepare(api, name));
  });

  it.each([1, 4])('make one of each through two servers with %i lanes', async (lanes) => {
    const pair = await startServer({ lanes, sandboxStepMs: 3_600_000 });
    try {
      const clients = [pair.api, await createClient((await pair.second()).url, pair.testKey)];
      for (const name of countedPosts)
        await expectOneEffect(pair.app, clients, await prepare(pair.api, name));
      expect((await ok(pair.api.get('/v1/ledger/verify'))).problems).toEqual([]);
    } finally {
      await pair.stop();
    }
  });

  it.each([1, 4])('on two routes make one effect through two servers with %i lanes', async (lanes) => {
    const pair = await startServer({ lanes });
    try {
      const clients = [pair.api, await createClient((await pair.second()).url, pair.testKey)];
      const posts = [await prepare(pair.api, 'a customer'), await prepare(pair.api, 'a webhook')];
      const key = newKey();
      const rows = async () =>
        (await countRows(pair.app, 'customers')) + (await countRows(pair.app, 'webhooks'));
      const before = await rows();
      const answers = await Promise.all(
        clients.flatMap((client) => posts.map(({ body, path }) => client.post(path, body, withKey(key)))),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 409, 409]);
      for (const answer of answers) if (answer.status === 409) expectReuseRefused(answer);
      expect(await rows()).toBe(before + 1);
    } finally {
      await pair.stop();
    }
  });
});

describe('a refused first request is kept and replayed', () => {
  async function expectKept(
    send: (headers: Record<string, string>) => Promise<ApiAnswer>,
    status: number,
    reason: string,
    removeCause: () => Promise<unknown> = async () => undefined,
  ): Promise<string> {
    const key = newKey();
    const first = await send(withKey(key));
    expect(first.status, first.text).toBe(status);
    expect(first.error.reason).toBe(reason);
    await removeCause();
    expectReplay(await send(withKey(key)), first);
    return key;
  }

  it('400 of a faulty body', async () => {
    const key = await expectKept(
      (headers) => api.post('/v1/customers', {}, headers),
      400,
      'validation_failed',
    );
    expectReuseRefused(await api.post('/v1/customers', person, withKey(key)));
  });

  it('400 insufficient_funds, even when the money has come since', async () => {
    const wallet = await newWallet(api);
    await expectKept(
      (headers) => api.post('/v1/transfers', transferBody(wallet), headers),
      400,
      'insufficient_funds',
      () => deposit(api, wallet.id, '10.00'),
    );
    await ok(api.post('/v1/transfers', transferBody(wallet), withKey(newKey())));
  });

  it('404, on every route that looks for something in its path', async () => {
    const { id } = await newCustomer(api);
    const kyc = `/v1/sandbox/customers/${missingLike(id)}/kyc`;
    await expectKept(
      (headers) => api.post(kyc, { kycStatus: 'approved' }, headers),
      404,
      'customer_not_found',
    );
    const test = `/v1/webhooks/${missingLike(id).replace('cus_', 'whk_')}/test`;
    await expectKept((headers) => api.post(test, undefined, headers), 404, 'webhook_not_found');
  });

  it('409 kyc_required, even when the customer has been approved since', async () => {
    const { id } = await newCustomer(api);
    await expectKept(
      (headers) => api.post('/v1/crypto-wallets', { customerId: id }, headers),
      409,
      'kyc_required',
      () => decideKyc(api, id, 'approved'),
    );
    await ok(api.post('/v1/crypto-wallets', { customerId: id }, withKey(newKey())));
  });

  it('409 of a frozen wallet, even when it has been thawed since', async () => {
    const wallet = await fundedWallet(api, '10.00');
    const path = `/v1/crypto-wallets/${wallet.id}`;
    await ok(api.patch(path, { status: 'frozen' }));
    await expectKept(
      (headers) => api.post('/v1/transfers', transferBody(wallet), headers),
      409,
      'wallet_frozen',
      () => ok(api.patch(path, { status: 'active' })),
    );
  });

  it('malformed JSON', async () => {
    const key = await expectKept(
      (headers) => api.raw('POST', '/v1/customers', '{"email":', { ...json, ...headers }),
      400,
      'invalid_json',
    );
    expectReuseRefused(await api.post('/v1/customers', person, withKey(key)));
  });

  it('a wrong content type', async () => {
    const body = JSON.stringify(person);
    await expectKept(
      (headers) => api.raw('POST', '/v1/customers', body, { 'content-type': 'text/plain', ...headers }),
      400,
      'unsupported_content_type',
    );
  });

  it('a body of 2 MiB', async () => {
    const body = JSON.stringify({ ...person, metadata: { big: 'x'.repeat(2 * 1024 * 1024) } });
    const key = await expectKept(
      (headers) => api.raw('POST', '/v1/customers', body, { ...json, ...headers }),
      400,
      'body_too_large',
    );
    expectReuseRefused(await api.post('/v1/customers', person, withKey(key)));
    // It was refused by its length, unread: that is all there is to compare.
    expectReuseRefused(
      await api.raw('POST', '/v1/customers', body.replace('xxx', 'xx'), { ...json, ...withKey(key) }),
    );
  });

  it('and what broke off is not: the retry runs', async () => {
    const key = newKey();
    const body = JSON.stringify(person);
    const before = await countRows(server.app, 'idempotency_keys');
    const head = `POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.testKey}\r\n`;
    await breakOff(
      server.app.url,
      `${head}content-type: application/json\r\nidempotency-key: ${key}\r\ncontent-length: ${body.length}\r\n\r\n{`,
    );
    expect(await countRows(server.app, 'idempotency_keys')).toBe(before);
    const retry = await api.post('/v1/customers', person, withKey(key));
    expect([retry.status, isReplay(retry)]).toEqual([200, undefined]);
  });

  it('and through another server too', async () => {
    const client = await createClient((await server.second()).url, server.testKey);
    const wallet = await newWallet(api);
    const key = newKey();
    const first = await api.post('/v1/transfers', transferBody(wallet), withKey(key));
    expect(first.error.reason).toBe('insufficient_funds');
    await deposit(api, wallet.id, '10.00');
    expectReplay(await client.post('/v1/transfers', transferBody(wallet), withKey(key)), first);
    const malformed = await api.raw('POST', '/v1/transfers', '[', { ...json, ...withKey('broken') });
    const again = await client.raw('POST', '/v1/transfers', '[', { ...json, ...withKey('broken') });
    expectReplay(again, malformed);
  });
});

/** Sends a part of a request and hangs up; resolves when the server has noticed. */
async function breakOff(baseUrl: string, bytes: string): Promise<void> {
  const { hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  await new Promise<void>((resolve) => socket.write(bytes, () => resolve()));
  socket.end();
  socket.resume();
  await new Promise((resolve) => socket.once('close', resolve));
}

describe('what is not kept', () => {
  it('a 401: the retry with a good key runs', async () => {
    const key = newKey();
    const wrong = { ...withKey(key), authorization: `Bearer ${server.testKey.slice(0, -4)}1111` };
    expect((await api.post('/v1/customers', person, wrong)).status).toBe(401);
    const retry = await api.post('/v1/customers', person, withKey(key));
    expect([retry.status, isReplay(retry)]).toEqual([200, undefined]);
  });

  it('a 429: the retry runs', async () => {
    const clock = stoppedClock();
    const limited = await startServer({ clock, rateLimit: { writesPerSecond: 1, readsPerSecond: 100 } });
    try {
      const key = newKey();
      for (let count = 0; count < limits.burstFactor; count += 1)
        await ok(limited.api.post('/v1/customers', person));
      expect((await limited.api.post('/v1/customers', person, withKey(key))).status).toBe(429);
      clock.advance(1000);
      const retry = await limited.api.post('/v1/customers', person, withKey(key));
      expect([retry.status, isReplay(retry)]).toEqual([200, undefined]);
    } finally {
      await limited.stop();
    }
  });

  it('409 request_in_progress: a request that waits too long for the first one is refused', async () => {
    const slow = await startServer();
    // As the same role: what others wait for is hidden.
    const blocker = new Client(slow.servingUrl);
    await blocker.connect();
    try {
      const key = newKey();
      const send = () => slow.api.post('/v1/customers', person, withKey(key));
      await blocker.query('begin');
      await blocker.query('select 1 from lane_heads for update');
      const first = send();
      await expect
        .poll(async () => {
          const waiting = `select 1 from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'`;
          return (await blocker.query(waiting)).rowCount;
        })
        .toBeGreaterThan(0);
      const second = await send();
      expect(second.status, second.text).toBe(409);
      expect(second.error.reason).toBe('request_in_progress');
      expect(second.headers['retry-after']).toMatch(/^[1-9]\d*$/);
      await blocker.query('rollback');
      const answer = await first;
      expect(answer.status).toBe(200);
      expectReplay(await send(), answer);
      expect(await countRows(slow.app, 'customers')).toBe(1);
    } finally {
      await blocker.end();
      await slow.stop();
    }
  });
});

describe('the key', () => {
  const send = (key: string) => api.post('/v1/customers', person, withKey(key));

  it.each([
    ['one character', '!'],
    ['255 characters', 'k'.repeat(255)],
    ['every printable ASCII character', String.fromCharCode(...Array.from({ length: 94 }, (_, i) => 33 + i))],
  ])('may be %s', async (_name, key) => {
    const first = await send(key);
    expect(first.status, first.text).toBe(200);
    expectReplay(await send(key), first);
  });

  it.each([
    ['empty', ''],
    ['256 characters long', 'k'.repeat(256)],
    ['not ASCII', 'schl\u00fcssel'],
  ])('must not be %s', async (_name, key) => {
    const before = await countRows(server.app, 'customers');
    const { error, status } = await send(key);
    expect([status, error.reason]).toEqual([400, 'invalid_idempotency_key']);
    expect(error.details).toMatchObject([{ path: 'header.Idempotency-Key' }]);
    expect(await countRows(server.app, 'customers')).toBe(before);
  });

  it.each([
    ['a tab', 'a\tb'],
    ['DEL', 'a\x7fb'],
    ['NUL', 'a\0b'],
    ['an escape', 'a\x1bb'],
  ])('must not hold %s', async (_name, key) => {
    const before = await countRows(server.app, 'customers');
    const body = JSON.stringify(person);
    const answer = await rawExchange(
      server.app.url,
      `POST /v1/customers HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${server.testKey}\r\n` +
        `content-type: application/json\r\nidempotency-key: ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"INVALID_REQUEST"');
    expect(await countRows(server.app, 'customers')).toBe(before);
  });

  it('belongs to one environment of one organisation', async () => {
    const key = newKey();
    const other = await newOrganisation(server, 'another organisation');
    const ids = new Set<string>();
    for (const client of [api, server.live, other.api, other.live]) {
      const answer = await client.post('/v1/customers', person, withKey(key));
      expect([answer.status, isReplay(answer)]).toEqual([200, undefined]);
      ids.add(answer.data.id);
      expectReplay(await client.post('/v1/customers', person, withKey(key)), answer);
    }
    expect(ids.size).toBe(4);
  });

  it('is ignored on GET, PATCH and DELETE', async () => {
    const wallet = await newWallet(api);
    const webhook = (await prepare(api, 'a webhook')).body;
    const { id } = await ok(api.post('/v1/webhooks', webhook));
    const key = newKey();
    const call = (method: string, path: string, body?: object) =>
      body
        ? api.raw(method, path, JSON.stringify(body), { ...json, ...withKey(key) })
        : api.raw(method, path, '', withKey(key));
    const path = `/v1/crypto-wallets/${wallet.id}`;
    const answers = [
      await api.get(path, withKey(key)),
      await api.get('/v1/customers', withKey(key)),
      await call('PATCH', path, { status: 'frozen' }),
      await call('PATCH', path, { status: 'active' }),
      await call('DELETE', `/v1/webhooks/${id}`),
      await api.post('/v1/customers', person, withKey(key)),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(answers.map(isReplay)).toEqual(answers.map(() => undefined));
    expect(answers[3]?.data.status).toBe('active');
  });
});

describe('what is kept at rest', () => {
  it('shows the secret of a webhook again in a replay, though it lies sealed', async () => {
    const { body, path } = await prepare(api, 'a webhook');
    const key = newKey();
    const first = await api.post(path, body, withKey(key));
    expect(first.data.secret).toMatch(/^whsec_/);
    const client = await createClient((await server.second()).url, server.testKey);
    expectReplay(await client.post(path, body, withKey(key)), first);
    const { rows } = await server.app.pool.query('select body from idempotency_keys where key = $1', [key]);
    expect(rows).toEqual([{ body: expect.stringMatching(/^sealed\.v2\./) }]);
  });

  it('is replayed after a restart', async () => {
    const again = await startServer();
    try {
      const { body, path } = await prepare(again.api, 'a webhook');
      const [good, bad] = [newKey(), newKey()];
      const first = await again.api.post(path, body, withKey(good));
      const refused = await again.api.post(path, {}, withKey(bad));
      await again.app.stop();
      const client = await createClient((await again.second()).url, again.testKey);
      expectReplay(await client.post(path, body, withKey(good)), first);
      expectReplay(await client.post(path, {}, withKey(bad)), refused);
      expectReuseRefused(await client.post('/v1/customers', person, withKey(good)));
    } finally {
      await again.stop();
    }
  });
});

describe('after the retention', () => {
  const hourMs = 60 * 60 * 1000;
  let clock: ReturnType<typeof stoppedClock>;
  let aged: TestServer;
  beforeAll(async () => {
    clock = stoppedClock();
    aged = await startServer({ clock, idempotencyHours: 24 });
  });
  afterAll(() => aged.stop());
  const keptRows = async (key: string) => {
    const environment = await environmentOf(aged, aged.testKey);
    const { rowCount } = await aged.app.pool.query(
      'select 1 from idempotency_keys where environment_id = $1 and key = $2',
      [environment, key],
    );
    return rowCount;
  };

  it('not before 24 hours', async () => {
    const key = newKey();
    const first = await aged.api.post('/v1/customers', person, withKey(key));
    clock.advance(23.9 * hourMs);
    await deleteCreatedBefore(aged.app.pool, 'idempotency_keys', clock.now() - 24 * hourMs);
    expectReplay(await aged.api.post('/v1/customers', person, withKey(key)), first);
  });

  it('is deleted by the retention of a server, and the next request runs again', async () => {
    const key = newKey();
    const first = await ok(aged.api.post('/v1/customers', person, withKey(key)));
    clock.advance(24.1 * hourMs);
    // Retention runs when a server starts, and every minute.
    const client = await createClient((await aged.second()).url, aged.testKey);
    await expect.poll(() => keptRows(key), { timeout: 10_000 }).toBe(0);
    const again = await client.post(
      '/v1/webhooks',
      { url: 'http://127.0.0.1:9', events: ['*'] },
      withKey(key),
    );
    expect([again.status, isReplay(again)]).toEqual([200, undefined]);
    expect(again.data.id).not.toBe(first.id);
  });

  it('the server that gave the answer forgets it too', async () => {
    const key = newKey();
    const first = await ok(aged.api.post('/v1/customers', person, withKey(key)));
    clock.advance(24.1 * hourMs);
    await deleteCreatedBefore(aged.app.pool, 'idempotency_keys', clock.now() - 24 * hourMs);
    expect(await keptRows(key)).toBe(0);
    const again = await aged.api.post('/v1/customers', person, withKey(key));
    expect([again.status, isReplay(again)]).toEqual([200, undefined]);
    expect(again.data.id).not.toBe(first.id);
  });
});
