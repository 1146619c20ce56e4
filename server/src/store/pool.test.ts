import { afterAll, beforeAll, beforeEach, expect, inject, it } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../../../test/support/tcp-proxy.ts';
import { createClient, createPool } from './pool.ts';
import { inTransaction, isConnectionLoss } from './transaction.ts';

/** Lost connections, simulated by a proxy. */

let proxy: TcpProxy;
let url: string;
beforeAll(async () => {
  const database = new URL(inject('databaseUrl'));
  const target = { host: database.hostname, port: Number(database.port) };
  proxy = await startTcpProxy(() => target);
  database.port = String(proxy.port);
  url = database.href;
});
beforeEach(() => proxy.meddle(undefined));
afterAll(() => proxy.close());

it('a connection that is lost during a query fails the query, and the next query succeeds', async () => {
  const pool = createPool(url, 'test');
  const lost = inTransaction(pool, async (client) => {
    proxy.resetAll();
    await client.query('select pg_sleep(10)');
  });
  expect(isConnectionLoss(await lost.catch((error: unknown) => error))).toBe(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

it('a connection that is lost while it is idle does not end the process', async () => {
  const pool = createPool(url, 'test');
  const client = await pool.connect();
  proxy.resetAll();
  await new Promise((resolve) => client.once('end', resolve));
  client.release(true);
  expect((await pool.query('select 1 as one')).rows).toEqual([{ one: 1 }]);
  await pool.end();
});

it('a connection that stops responding counts as lost after its timeout', async () => {
  const client = createClient(url, 'test', 200);
  await client.connect();
  proxy.meddle({ toServer: () => 'swallow' });
  const lost = await client.query('select 1').catch((error: unknown) => error);
  expect(lost).toBeInstanceOf(Error);
  expect(isConnectionLoss(lost)).toBe(true);
  await client.end();
});

it.each([
  ['2026-01-15 11:00:00Z', '2026-01-15T11:00:00.000Z'],
  ['2026-01-15 11:00:00.5Z', '2026-01-15T11:00:00.500Z'],
  ['2026-01-15 11:00:00.04Z', '2026-01-15T11:00:00.040Z'],
  ['2026-01-15 11:00:00.123Z', '2026-01-15T11:00:00.123Z'],
  ['2026-01-15 11:00:00.123456Z', '2026-01-15T11:00:00.123Z'],
  ['2026-01-15 13:00:00.007+02', '2026-01-15T11:00:00.007Z'],
])('reads the time %s as %s', async (given, expected) => {
  const pool = createPool(url, 'test');
  const { rows } = await pool.query('select $1::text::timestamptz as at', [given]);
  expect(rows).toEqual([{ at: expected }]);
  await pool.end();
});
