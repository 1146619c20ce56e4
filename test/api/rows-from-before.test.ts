import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyRows } from '../../server/src/ledger/verify-rows.ts';
import { ConfigError } from '../../server/src/platform/config.ts';
import {
  areRowsAuthenticated,
  authenticateRows,
  isAnyRowAuthenticated,
} from '../../server/src/store/authenticate-rows.ts';
import { authenticatedTables } from '../../server/src/store/authenticated-rows.ts';
import { fundedWallet, ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A database from before rows were authenticated, and one that somebody makes look like it. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ masterKey: randomBytes(32) });
  await fundedWallet(server.api, '5.00');
}, 60_000);
afterAll(() => server.stop());

async function takeCodesAway(): Promise<void> {
  for (const table of Object.keys(authenticatedTables))
    await server.app.pool.query(`update ${table} set mac = null`);
}

it('a server does not start on it, and names the command', async () => {
  await takeCodesAway();
  const start = server.second();
  await expect(start).rejects.toThrow(ConfigError);
  await expect(start).rejects.toThrow(/openledger authenticate-rows/);
});

it('the first start of the embedded sandbox gives all rows their codes, and tells when it has', async () => {
  await takeCodesAway();
  let isTold = false;
  await server.second({
    rowsFromBefore: 'bless',
    onRowsAuthenticated: async () => {
      isTold = true;
    },
  });
  const { pool } = server.app;
  const { problems, rows } = await verifyRows(pool, pool.guard, null);
  expect({ isTold, problems }).toEqual({ isTold: true, problems: [] });
  expect(rows).toBeGreaterThan(10);
  await ok(server.api.get('/v1/customers'));
});

it('what was interrupted goes on, and gives no other code to what has one', async () => {
  const { pool } = server.app;
  await takeCodesAway();
  expect(await isAnyRowAuthenticated(pool)).toBe(false);
  await pool.query("update customers set mac = 'mac.v1.0.forged'");
  const counts = await authenticateRows(pool);
  expect(counts).toMatchObject({ customers: 0, organisations: 1, environments: 2, api_keys: 2 });
  expect(await areRowsAuthenticated(pool)).toBe(true);
  const { problems } = await verifyRows(pool, pool.guard, null);
  expect(problems).toMatchObject([
    { kind: 'row_not_authentic', message: expect.stringContaining('customers') },
  ]);
});

it('a row without a code is forged from then on: a start changes nothing about it', async () => {
  const { pool } = server.app;
  await pool.query('update customers set mac = null');
  await server.second({ rowsFromBefore: 'bless' });
  const { problems } = await verifyRows(pool, pool.guard, null);
  expect(problems).toMatchObject([
    { kind: 'row_not_authentic', message: expect.stringContaining('customers') },
  ]);
});
