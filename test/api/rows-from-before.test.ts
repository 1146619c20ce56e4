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

/** Databases whose rows lack their codes, and an attacker who removes codes. */

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ masterKey: randomBytes(32) });
  await fundedWallet(server.api, '5.00');
}, 60_000);
afterAll(() => server.stop());

async function removeCodes(): Promise<void> {
  for (const table of Object.keys(authenticatedTables))
    await server.app.pool.query(`update ${table} set mac = null`);
}

it('a server refuses to start, and names the command', async () => {
  await removeCodes();
  const start = server.second();
  await expect(start).rejects.toThrow(ConfigError);
  await expect(start).rejects.toThrow(/openledger authenticate-rows/);
});

it('the first start of the embedded sandbox computes all codes, and reports when it has', async () => {
  await removeCodes();
  let isReported = false;
  await server.second({
    rowsFromBefore: 'bless',
    onRowsAuthenticated: async () => {
      isReported = true;
    },
  });
  const { pool } = server.app;
  const { problems, rows } = await verifyRows(pool, pool.guard, null);
  expect({ isReported, problems }).toEqual({ isReported: true, problems: [] });
  expect(rows).toBeGreaterThan(10);
  await ok(server.api.get('/v1/customers'));
});

it('an interrupted run continues, and keeps existing codes', async () => {
  const { pool } = server.app;
  await removeCodes();
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

it('a row without a code is not authentic from then on: a start does not give it one', async () => {
  const { pool } = server.app;
  await pool.query('update customers set mac = null');
  await server.second({ rowsFromBefore: 'bless' });
  const { problems } = await verifyRows(pool, pool.guard, null);
  expect(problems).toMatchObject([
    { kind: 'row_not_authentic', message: expect.stringContaining('customers') },
  ]);
});
