import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { migrate } from '../../server/src/store/migrate.ts';
import { createPool } from '../../server/src/store/pool.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { createDatabase, runSql, type TestDatabase } from '../support/database.ts';
import { ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * A database as the release before wrote it, with customers, an account, a transfer and a webhook, is served by this one.
 * `fixtures/upgrade/<last migration>.json` has its rows; its master key is 32 times the byte 7.
 */

interface Fixture {
  readonly about: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, readonly object[]>>;
}

const migrations = 'server/migrations';
const lastMigration = '0015';
/** Tables that others refer to come first. */
const first = ['organisations', 'environments', 'customers', 'wallets', 'transactions'];

let server: TestServer;
let database: TestDatabase;
let upgraded: App;
let api: ApiClient;
let live: ApiClient;
let fixture: Fixture;

beforeAll(async () => {
  fixture = JSON.parse(await readFile(`test/support/fixtures/upgrade/${lastMigration}.json`, 'utf8'));
  database = await createDatabase();
  await runSql(database.url, 'drop schema public cascade; create schema public');
  await loadOld(fixture);
  server = await startServer();
  upgraded = await server.second({
    databaseUrl: database.servingUrl,
    migrationUrl: database.url,
    masterKey: Buffer.alloc(32, 7),
    rowsFromBefore: 'bless',
  });
  api = await createClient(upgraded.url, fixture.about.testKey as string);
  live = await createClient(upgraded.url, fixture.about.liveKey as string);
}, 120_000);
afterAll(async () => {
  await server.stop();
  await database.drop();
});

/** Makes the schema of the fixture, and fills it. */
async function loadOld({ tables }: Fixture): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'openledger-migrations-'));
  const pool = createPool(database.url, 'test owner', { max: 1 });
  try {
    for (const name of await readdir(migrations))
      if (name.slice(0, 4) <= lastMigration) await cp(join(migrations, name), join(folder, name));
    await migrate(pool, folder);
    const names = [...first, ...Object.keys(tables).filter((name) => !first.includes(name))];
    for (const name of names) {
      const rows = JSON.stringify(tables[name] ?? []);
      await pool.query(`insert into ${name} select * from json_populate_recordset(null::${name}, $1)`, [
        rows,
      ]);
    }
  } finally {
    await pool.end();
    await rm(folder, { recursive: true });
  }
}

it('its keys open it, its customers are read, and its books verify', async () => {
  const { counterpartyId, customerId, liveCustomerId, virtualAccountId, walletId } = fixture.about;
  expect(await ok(api.get(`/v1/customers/${customerId}`))).toMatchObject({
    firstName: 'Mary',
    email: 'mary@example.com',
    externalId: 'mary-1',
  });
  expect((await ok(api.get('/v1/customers?email=mary@example.com'))).map(idOf)).toEqual([customerId]);
  expect((await ok(live.get(`/v1/customers/${liveCustomerId}`))).email).toBe('live@example.com');
  expect((await ok(api.get(`/v1/crypto-wallets/${walletId}/balance`))).balance).toBe('90.00');
  expect((await ok(api.get(`/v1/counterparties/${counterpartyId}`))).accountOwnerName).toBe(
    'Mary Somerville',
  );
  expect((await ok(api.get(`/v1/virtual-accounts/${virtualAccountId}`))).id).toBe(virtualAccountId);
  expect((await ok(api.get('/v1/events'))).length).toBeGreaterThan(5);
  expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
});

it('money goes on moving in it', async () => {
  const { customerId, walletId } = fixture.about;
  const transfer = await ok(
    api.post('/v1/transfers', {
      customerId,
      walletId,
      amount: '40.00',
      destinationCurrency: 'usdc',
      destinationPaymentRail: 'solana',
      destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
    }),
  );
  const status = async () => (await ok(api.get(`/v1/transfers/${transfer.id}`))).status;
  await expect.poll(status, { timeout: 20_000 }).toBe('completed');
  expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
});

const idOf = ({ id }: { readonly id: string }): string => id;
