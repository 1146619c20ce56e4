import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../../server/src/platform/clock.ts';
import { bucketOfId, createIdSource } from '../../server/src/platform/ids.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { createCustomer } from '../../server/src/resources/customers/commands.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { deposit, environmentOf, newCustomer, newWallet, ok, person, walk } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * A walk over ten thousand rows, while other processes add to them and change them, returns each of the ten thousand
 * exactly once, newest first.
 */

const count = 10_000;
const workers = 4;

let server: TestServer;
let api: ApiClient;
let other: ApiClient;
let wallet: { id: string; customerId: string };
beforeAll(async () => {
  server = await startServer({ lanes: 2 });
  api = server.api;
  other = await createClient((await server.second()).url, server.testKey);
  wallet = await newWallet(api);
});
afterAll(() => server.stop());

/** Walks a list while `add` is called again and again by several others; returns the ids seen, and how many were added. */
async function walkWhile(path: string, add: (client: ApiClient) => Promise<{ id: string }>) {
  const added: string[] = [];
  let done = false;
  const adding = Array.from({ length: workers }, async (_, index) => {
    while (!done) added.push((await add(index % 2 === 0 ? api : other)).id);
  });
  // Each page comes after something more has been added, so that the two are truly concurrent.
  let before = 0;
  const items = await walk(api, path, limits.pageMax, async () => {
    await expect.poll(() => added.length, { interval: 5 }).toBeGreaterThan(before);
    before = added.length;
  });
  done = true;
  await Promise.all(adding);
  return { ids: items.map(({ id }: { id: string }) => id), added };
}

function expectEachOnce(ids: readonly string[], existing: readonly string[], added: readonly string[]): void {
  expect(new Set(ids).size).toBe(ids.length);
  expect(ids).toEqual([...ids].sort().reverse());
  const seen = new Set(ids);
  expect(existing.filter((id) => !seen.has(id))).toEqual([]);
  const known = new Set([...existing, ...added]);
  expect(ids.filter((id) => !known.has(id))).toEqual([]);
  expect(added.length).toBeGreaterThanOrEqual(count / limits.pageMax);
}

it('of transactions, through every filter that has an index of its own', async () => {
  const first = await deposit(api, wallet.id, '1.00');
  const idSource = createIdSource(systemClock);
  const copies = Array.from({ length: count - 1 }, () => idSource.next('txn', bucketOfId(first.id)));
  await server.app.pool.query(
    `insert into transactions select copy.* from transactions t cross join unnest($1::text[]) as ids(id),
      lateral jsonb_populate_record(t, jsonb_build_object('id', ids.id)) as copy where t.id = $2`,
    [copies, first.id],
  );
  const existing = [first.id, ...copies];
  const add = (client: ApiClient) => deposit(client, wallet.id, '0.01');
  for (const path of ['/v1/transactions', `/v1/transactions?customerId=${wallet.customerId}`]) {
    const { added, ids } = await walkWhile(path, add);
    expectEachOnce(ids, existing, added);
    // What this walk has met underway is there before the next one.
    existing.push(...added);
  }
}, 60_000);

it('of customers, in every bucket and lane', async () => {
  const environmentId = await environmentOf(server, server.testKey);
  const existing = (await ok(api.get('/v1/customers'))).map(({ id }: { id: string }) => id);
  while (existing.length < count) {
    const outcomes = await Promise.all(
      Array.from({ length: Math.min(2000, count - existing.length) }, (_, index) =>
        server.app.writer.submit(createCustomer(environmentId, person, undefined, index % limits.buckets)),
      ),
    );
    for (const outcome of outcomes) {
      if (outcome.kind !== 'accepted') throw new Error('A customer was not created');
      existing.push(JSON.parse(outcome.result).id);
    }
  }
  const { added, ids } = await walkWhile('/v1/customers', (client) => newCustomer(client));
  expectEachOnce(ids, existing, added);
}, 60_000);
