import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { type ApiAnswer, type ApiClient, createClient } from '../support/client.ts';
import {
  approvedCustomer,
  completed,
  deposit,
  newCustomer,
  newWallet,
  ok,
  person,
  stoppedClock,
  transferBody,
  walk,
} from '../support/factories.ts';
import { importSnippet } from '../support/guides.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ lanes: 4 });
  api = server.api;
});
afterAll(() => server.stop());

const forward = '/v1/events?order=oldest';
const idsOf = (events: readonly { id: string }[]): string[] => events.map(({ id }) => id);

/** Reads on from a cursor until it moves no more. */
async function readOn(client: ApiClient, cursor: string, query = '', limit = 3) {
  const events: ApiAnswer['data'][] = [];
  for (let at = cursor; ; ) {
    const page = await client.get(`${forward}&cursor=${at}&limit=${limit}${query}`);
    expect([page.status, page.data.length <= limit]).toEqual([200, true]);
    events.push(...page.data);
    if (page.nextCursor === at) return { events, cursor: at };
    at = page.nextCursor ?? '';
  }
}

describe('a list of events is narrowed', () => {
  it('to one customer, with everything that is the customer’s', async () => {
    const customer = await approvedCustomer(api);
    const other = await approvedCustomer(api);
    const wallet = await newWallet(api, customer.id);
    const { id: transactionId } = await deposit(api, wallet.id, '5.00');
    await newWallet(api, other.id);
    for (const order of ['newest', 'oldest']) {
      const path = `/v1/events?order=${order}&customerId=${customer.id}`;
      const { data } = await api.get(path);
      const types = data.map(({ type }: { type: string }) => type);
      const inTime = order === 'newest' ? types.toReversed() : types;
      expect(inTime).toEqual([
        'customer.created',
        'customer.updated',
        'wallet.created',
        'transaction.created',
        'transaction.completed',
      ]);
      const objects = new Set(data.map((event: ApiAnswer['data']) => event.data.id));
      expect(objects).toEqual(new Set([customer.id, wallet.id, transactionId]));
    }
  });

  it('to one object, of one type or of all', async () => {
    const customer = await approvedCustomer(api);
    const both = await ok(api.get(`/v1/events?objectId=${customer.id}`));
    expect(both.map(({ type }: { type: string }) => type)).toEqual(['customer.updated', 'customer.created']);
    const one = await ok(api.get(`/v1/events?objectId=${customer.id}&type=customer.created`));
    expect(idsOf(one)).toEqual([both[1].id]);
    expect(await ok(api.get('/v1/events?objectId=cus_none'))).toEqual([]);
  });

  it('to a time span, whose beginning is in it and whose end is not', async () => {
    const clock = stoppedClock();
    const own = await startServer({ clock });
    try {
      const times: string[] = [];
      for (let index = 0; index < 3; index += 1) {
        times.push((await newCustomer(own.api)).createdAt);
        clock.advance(60_000);
      }
      const [first, second, third] = times;
      const found = async (query: string) =>
        (await ok(own.api.get(`/v1/events?${query}`))).map(
          ({ createdAt }: { createdAt: string }) => createdAt,
        );
      expect(await found(`createdAfter=${second}`)).toEqual([third, second]);
      expect(await found(`createdBefore=${second}`)).toEqual([first]);
      expect(await found(`createdAfter=${second}&createdBefore=${third}`)).toEqual([second]);
      expect(await found(`order=oldest&createdAfter=${second}`)).toEqual([second, third]);
      expect(await found(`createdAfter=${third}&createdBefore=${first}`)).toEqual([]);
      const wrong = await own.api.get('/v1/events?createdAfter=yesterday');
      expect([wrong.status, wrong.error.details?.[0]?.path]).toEqual([400, 'query.createdAfter']);
    } finally {
      await own.stop();
    }
  });

  it('page by page, without a change of what is found', async () => {
    const customer = await approvedCustomer(api);
    for (let index = 0; index < 8; index += 1) await newWallet(api, customer.id);
    const path = `/v1/events?customerId=${customer.id}`;
    const whole = await ok(api.get(`${path}&limit=100`));
    expect(idsOf(await walk(api, path, 3))).toEqual(idsOf(whole));
    const { events } = await readOn(api, 'start', `&customerId=${customer.id}`);
    expect(new Set(idsOf(events))).toEqual(new Set(idsOf(whole)));
  });
});

describe('reading forward', () => {
  it('begins at the first event, or with what comes from now on, and goes on where it was', async () => {
    const before = await readOn(api, 'start');
    expect(new Set(idsOf(before.events))).toEqual(new Set(idsOf(await walk(api, '/v1/events', 100))));
    const { nextCursor: end } = await api.get(`${forward}&cursor=end`);
    const customers = [await newCustomer(api), await newCustomer(api)];
    for (const cursor of [before.cursor, end as string]) {
      const { events } = await readOn(api, cursor);
      expect(events.map(({ data }) => data.id).sort()).toEqual(customers.map(({ id }) => id).sort());
    }
  });

  it('gives the events of an object in the order in which they happened', async () => {
    const wallet = await newWallet(api);
    await deposit(api, wallet.id, '20.00');
    const { nextCursor } = await api.get(`${forward}&cursor=end`);
    const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '5.00' })));
    await completed(api, id);
    const { events } = await readOn(api, nextCursor ?? '', '', 1);
    const statuses = events.filter(({ data }) => data.id === id).map(({ data }) => data.status);
    const whole = await ok(api.get(`/v1/events?objectId=${id}&limit=100`));
    expect(statuses).toEqual(whole.map(({ data }: ApiAnswer['data']) => data.status).reverse());
    expect([statuses[0], statuses.at(-1)]).toEqual(['in_review', 'completed']);
  });

  it('moves past what a filter leaves out', async () => {
    const { nextCursor: from } = await api.get(`${forward}&cursor=end`);
    for (let index = 0; index < 5; index += 1) await newCustomer(api);
    const page = await api.get(`${forward}&cursor=${from}&type=counterparty.created`);
    expect(page.data).toEqual([]);
    expect(page.nextCursor).not.toBe(from);
    expect((await readOn(api, page.nextCursor ?? '')).events).toEqual([]);
  });

  it.each([
    ['no cursor at all', 'nonsense'],
    ['bytes of another kind', 'AAAA'],
    ['the cursor of another list', Buffer.from('c1.evt_01').toString('base64url')],
    ['a lane too far', Buffer.from(`e1.env_${'0'.repeat(26)}.999:1`).toString('base64url')],
    ['a lane named so often that it is too long', 'A'.repeat(limits.eventCursorLength + 1)],
  ])('refuses %s', async (_, cursor) => {
    const { error, status } = await api.get(`${forward}&cursor=${cursor}`);
    expect([status, error.reason, error.details?.[0]?.path]).toEqual([
      400,
      'validation_failed',
      'query.cursor',
    ]);
  });

  it('refuses a number that no position can have', async () => {
    const { nextCursor } = await api.get(`${forward}&cursor=end`);
    const [version, environment] = Buffer.from(nextCursor ?? '', 'base64url')
      .toString()
      .split('.');
    for (const place of ['0:9999999999999999999', '0:1,0:2']) {
      const cursor = Buffer.from(`${version}.${environment}.${place}`).toString('base64url');
      expect((await api.get(`${forward}&cursor=${cursor}`)).status).toBe(400);
    }
  });

  it('refuses a cursor from before a reset, and one of another environment', async () => {
    const own = await startServer();
    try {
      await newCustomer(own.api);
      const { nextCursor } = await own.api.get(forward);
      const live = await own.live.get(`${forward}&cursor=${nextCursor}`);
      expect([live.status, live.error.reason]).toEqual([400, 'cursor_outdated']);
      await ok(own.api.post('/v1/sandbox/reset'));
      const { error, status } = await own.api.get(`${forward}&cursor=${nextCursor}`);
      expect([status, error.reason, error.details?.[0]?.path]).toEqual([
        400,
        'cursor_outdated',
        'query.cursor',
      ]);
      expect((await own.api.get(`${forward}&cursor=start`)).data).toEqual([]);
    } finally {
      await own.stop();
    }
  });
});

it('the reader in the guide on events reads every event, and continues', async () => {
  type Handle = (event: { id: string }) => Promise<void>;
  const { readOn: read } = await importSnippet<{
    readOn(url: string, key: string, cursor: string, handle: Handle): Promise<string>;
  }>('events', 'readOn');
  const ids: string[] = [];
  const handle = async ({ id }: { id: string }) => void ids.push(id);
  const cursor = await read(server.app.url, server.testKey, 'start', handle);
  expect(ids.toSorted()).toEqual(await storedIds());
  await newCustomer(api);
  await read(server.app.url, server.testKey, cursor, handle);
  expect(ids.toSorted()).toEqual(await storedIds());
  await expect(read(server.app.url, server.testKey, 'nonsense', handle)).rejects.toThrow('cursor');
});

it('a consumer that polls while 32 clients write on two servers misses nothing and sees nothing twice', async () => {
  const second = await createClient((await server.second()).url, server.testKey);
  const servers = [api, second];
  const before = new Set(await storedIds());
  const cursors = await Promise.all(
    [1, 7, limits.pageMax].map(async (limit) => ({
      limit,
      cursor: (await api.get(`${forward}&cursor=end`)).nextCursor ?? '',
      seen: [] as string[],
    })),
  );
  const wallets = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const wallet = await newWallet(api);
      await deposit(api, wallet.id, '1000.00');
      return wallet;
    }),
  );
  let isOver = false;
  // What is written is written once more with the same key: that makes no event.
  const writing = Array.from({ length: 32 }, async (_, index) => {
    for (let turn = 0; turn < 30; turn += 1) {
      const client = servers[(index + turn) % 2] as ApiClient;
      const wallet = wallets[(index * 7 + turn) % wallets.length];
      const key = { 'idempotency-key': `${index}-${turn}` };
      const send = (to: ApiClient) =>
        turn % 3 === 0
          ? to.post('/v1/customers', { ...person, externalId: `${index}-${turn}` }, key)
          : to.post('/v1/transfers', transferBody(wallet, { amount: '0.50' }), key);
      await ok(send(client));
      await ok(send(servers[turn % 2] as ApiClient));
    }
  });
  const reading = cursors.map(async (reader, index) => {
    for (let turn = index; ; turn += 1) {
      const lastLook = isOver;
      const client = servers[turn % 2] as ApiClient;
      const page = await client.get(`${forward}&cursor=${reader.cursor}&limit=${reader.limit}`);
      reader.seen.push(...idsOf(page.data));
      // The page after the last write has nothing: it is the end.
      if (lastLook && page.nextCursor === reader.cursor) return;
      reader.cursor = page.nextCursor ?? '';
    }
  });
  await Promise.all(writing);
  await untilNothingMoves();
  isOver = true;
  await Promise.all(reading);
  const written = (await storedIds()).filter((id) => !before.has(id));
  for (const { seen } of cursors) expect(seen.toSorted()).toEqual(written);
  expect(written.length).toBeGreaterThan(32 * 30 * 2);
}, 120_000);

async function storedIds(): Promise<string[]> {
  const { rows } = await server.app.pool.query<{ id: string }>('select id from events order by id');
  return rows.map(({ id }) => id);
}

/** Waits until every transfer has ended. */
async function untilNothingMoves(): Promise<void> {
  await expect
    .poll(
      async () => {
        const { rows } = await server.app.pool.query<{ n: bigint }>(
          `select count(*) as n from transactions where next_action_at is not null`,
        );
        return rows[0]?.n;
      },
      { timeout: 60_000, interval: 200 },
    )
    .toBe(0n);
}
