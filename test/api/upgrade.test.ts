import { cp, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { verifyLedger } from '../../server/src/ledger/verify.ts';
import { migrate } from '../../server/src/store/migrate.ts';
import { createPool } from '../../server/src/store/pool.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { createDatabase, runSql, type TestDatabase } from '../support/database.ts';
import { checkEvents } from '../support/events.ts';
import { completed, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Upgrades databases that earlier releases wrote. Each file of `fixtures/upgrade` holds the rows of a database at the
 * migration that it is named after: keys, customers, accounts, transfers and webhooks. `npm run schema` makes the file of a
 * new migration.
 */

interface Fixture {
  readonly about: Readonly<Record<string, string>>;
  readonly tables: Readonly<Record<string, readonly object[]>>;
}

const migrations = 'server/migrations';
const fixtures = 'test/support/fixtures/upgrade';
const masterKey = Buffer.alloc(32, 7);
/** Tables that foreign keys refer to, in the order in which their rows can be inserted. */
const referenced = [
  'organisations',
  'environments',
  'api_keys',
  'customers',
  'identity_cases',
  'wallets',
  'transactions',
];

const numbers = (await readdir(fixtures)).map((name) => name.slice(0, 4)).sort();

it('every migration has its fixture', async () => {
  expect(numbers).toEqual((await readdir(migrations)).map((name) => name.slice(0, 4)).sort());
});

describe.each(numbers)('a database at migration %s', (number) => {
  let server: TestServer;
  let database: TestDatabase;
  let upgraded: App;
  let api: ApiClient;
  let live: ApiClient;
  let fixture: Fixture;

  beforeAll(async () => {
    fixture = JSON.parse(await readFile(join(fixtures, `${number}.json`), 'utf8'));
    database = await createDatabase();
    await runSql(database.url, 'drop schema public cascade; create schema public');
    await load(database.url, number, fixture);
    server = await startServer();
    upgraded = await server.second({
      databaseUrl: database.servingUrl,
      migrationUrl: database.url,
      masterKey,
    });
    api = await createClient(upgraded.url, fixture.about.testKey as string);
    live = await createClient(upgraded.url, fixture.about.liveKey as string);
  }, 120_000);
  afterAll(async () => {
    await server.stop();
    await database.drop();
  });

  it('keeps its keys and customers', async () => {
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
  });

  it('has valid books, row codes and events', async () => {
    const { checked, problems } = await verifyLedger(upgraded.pool);
    expect(problems).toEqual([]);
    expect(checked.authenticatedRows).toBeGreaterThan(20);
    expect(checked.events).toBeGreaterThan(20);
    await checkEvents(database.url, masterKey);
  });

  it('accepts and completes transfers', async () => {
    const { customerId, walletId } = fixture.about as Record<'customerId' | 'walletId', string>;
    const body = transferBody({ id: walletId, customerId }, { amount: '40.00' });
    await completed(api, (await ok(api.post('/v1/transfers', body))).id);
    expect((await verifyLedger(upgraded.pool)).problems).toEqual([]);
  });
});

/** Makes the schema that the database had at a migration, and fills it with the rows of the fixture. */
async function load(databaseUrl: string, number: string, { tables }: Fixture): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'openledger-migrations-'));
  const pool = createPool(databaseUrl, 'test owner', { max: 1 });
  try {
    for (const name of await readdir(migrations))
      if (name.slice(0, 4) <= number) await cp(join(migrations, name), join(folder, name));
    await migrate(pool, folder);
    const names = [...referenced, ...Object.keys(tables).filter((name) => !referenced.includes(name))];
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

const idOf = ({ id }: { readonly id: string }): string => id;
