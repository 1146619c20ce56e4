import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { type EmbeddedServer, startEmbedded } from '../embedded-postgres/embedded.ts';
import { createLogger } from '../platform/logger.ts';
import { servingGrants, wantedPrivileges } from './grants.ts';
import { migrate } from './migrate.ts';
import { createPool, type Pool } from './pool.ts';
import { listPrivileges, prepareSchema } from './roles.ts';

const migrations = fileURLToPath(new URL('../../migrations', import.meta.url));

async function withPool<Result>(url: string, work: (pool: Pool) => Promise<Result>): Promise<Result> {
  const pool = createPool(url, 'test', { max: 2 });
  try {
    return await work(pool);
  } finally {
    await pool.end();
  }
}

const rowsOf = (url: string, text: string): Promise<Record<string, unknown>[]> =>
  withPool(url, async (pool) => (await pool.query(text)).rows);

describe('the serving role', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  test('has exactly the privileges of the list, which has every table', async () => {
    const columns = await rowsOf(
      server.databaseUrl,
      `select table_name, column_name from information_schema.columns where table_schema = 'public'`,
    );
    const byTable = new Map<string, Set<string>>();
    for (const { column_name: column, table_name: table } of columns as Record<string, string>[]) {
      byTable.set(table as string, (byTable.get(table as string) ?? new Set()).add(column as string));
    }
    byTable.delete('kysely_migration_lock');
    expect(Object.keys(servingGrants).sort()).toEqual([...byTable.keys()].sort());
    const missing = Object.entries(servingGrants).flatMap(([table, { update }]) =>
      update.filter((column) => !byTable.get(table)?.has(column)).map((column) => `${table}.${column}`),
    );
    expect(missing).toEqual([]);

    const held = await withPool(server.servingUrl, (pool) => listPrivileges(pool, 'openledger'));
    const textOf = (one: object): string => JSON.stringify(Object.entries(one).sort());
    expect(held.map(textOf).sort()).toEqual(wantedPrivileges(byTable).map(textOf).sort());
    const changing = held.filter(({ privilege }) => !['SELECT', 'INSERT'].includes(privilege));
    // Append-only, except for what a rotation of the master key writes.
    const rotated = {
      journals: [],
      postings: [],
      events: ['data', 'previous_attributes'],
      idempotency_keys: ['body'],
      terms_acceptances: ['evidence', 'mac'],
      chain_attempts: ['mac'],
    };
    for (const [name, columns] of Object.entries(rotated)) {
      const changed = changing.filter(({ privilege, table }) => table === name && privilege === 'UPDATE');
      expect({ name, columns: changed.map(({ column }) => column).sort() }).toEqual({ name, columns });
    }
  });

  test('owns nothing, is a member of no role, and may create nothing', async () => {
    const [found] = await rowsOf(
      server.servingUrl,
      `select current_user as name, rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls,
          (select count(*)::int from pg_shdepend where refobjid = r.oid and refclassid = 'pg_authid'::regclass
            and deptype = 'o') as owned,
          (select count(*)::int from pg_auth_members where member = r.oid) as memberships,
          has_database_privilege(current_database(), 'create, temporary') as in_database,
          has_schema_privilege('public', 'create') as in_schema
        from pg_roles r where rolname = current_user`,
    );
    expect(found).toEqual({
      name: 'openledger',
      rolsuper: false,
      rolcreatedb: false,
      rolcreaterole: false,
      rolreplication: false,
      rolbypassrls: false,
      owned: 0,
      memberships: 0,
      in_database: false,
      in_schema: false,
    });
  });

  test.each([
    'update postings set amount_minor = amount_minor + 1',
    'delete from postings',
    'update journals set kind = kind',
    'update events set type = type',
    'update events set lane = lane, seq = seq',
    'update terms_acceptances set text_sha256 = text_sha256',
    'delete from transactions',
    'update transactions set destination_address = destination_address',
    'update transactions set amount_minor = amount_minor',
    'update api_keys set secret_hash = secret_hash',
    'update deposit_addresses set address = address',
    'truncate postings',
    'drop table postings',
    'alter table postings disable trigger all',
    'alter table postings add column more int',
    'alter table accounts drop constraint accounts_wallet_never_negative',
    'alter table postings owner to openledger',
    'create index mine on postings (amount_minor)',
    'create trigger mine before insert on postings execute function suppress_redundant_updates_trigger()',
    'create table mine (n int)',
    'create temporary table mine (n int)',
    'create schema mine',
    'create database mine',
    'create role mine',
    'alter role openledger createdb',
    'alter role openledger_owner password null',
    'set role openledger_owner',
    'grant openledger_owner to openledger',
    'reassign owned by openledger_owner to openledger',
    'grant update on api_keys to public',
    'insert into kysely_migration (name, timestamp) values ($$mine$$, $$now$$)',
    'delete from kysely_migration',
    'begin; lock table postings in access exclusive mode',
    `copy postings to program 'true'`,
  ])('cannot do this: %s', async (text) => {
    const before = await withPool(server.servingUrl, (pool) => listPrivileges(pool, 'openledger'));
    const client = new Client(server.servingUrl);
    await client.connect();
    const notices: (string | undefined)[] = [];
    client.on('notice', ({ code }) => notices.push(code));
    const outcome = await client.query(text).then(
      () => (notices.includes('01007') ? '42501' : 'done'),
      (error: { code?: string }) => error.code,
    );
    await client.end();
    // A grant without effect is a warning.
    expect(outcome).toBe('42501');
    const after = await withPool(server.servingUrl, (pool) => listPrivileges(pool, 'openledger'));
    expect(after).toEqual(before);
  });

  test('loses at the next start what was granted to it manually', async () => {
    await rowsOf(
      server.databaseUrl,
      'grant update on postings to openledger; grant all on api_keys to public; grant update (address) on deposit_addresses to openledger',
    );
    expect(await rowsOf(server.servingUrl, 'update postings set line = line')).toEqual([]);
    const second = await server.second();
    await second.stop();
    await expect(rowsOf(server.servingUrl, 'update postings set line = line')).rejects.toMatchObject({
      code: '42501',
    });
    await expect(rowsOf(server.servingUrl, 'delete from api_keys')).rejects.toMatchObject({ code: '42501' });
    await expect(
      rowsOf(server.servingUrl, 'update deposit_addresses set address = address'),
    ).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('an external PostgreSQL', () => {
  let database: TestDatabase;
  const made: string[] = [];
  afterEach(async () => {
    for (const role of made.splice(0)) await asSuperuser(`drop owned by ${role}; drop role ${role}`);
    await database?.drop();
  });

  async function asSuperuser(text: string): Promise<void> {
    await rowsOf(inject('superuserUrl').replace('/openledger', new URL(database.url).pathname), text);
  }

  async function emptyDatabase(): Promise<void> {
    database = await createDatabase();
    await rowsOf(
      database.url,
      'drop schema public cascade; create schema public; grant usage on schema public to public',
    );
  }

  const prepare = (url: string, migrationUrl?: string) =>
    withPool(url, (pool) => prepareSchema(pool, migrationUrl, migrations));

  test('is migrated by several processes that start concurrently, and serves them all', async () => {
    await emptyDatabase();
    const all = await Promise.all(
      Array.from({ length: 6 }, () => prepare(database.servingUrl, database.url)),
    );
    expect(all).toEqual(Array.from({ length: 6 }, () => ({ isOneRole: false })));
    const count = 'select count(*)::int as n from kysely_migration';
    expect(await rowsOf(database.servingUrl, count)).toEqual([{ n: (await readdir(migrations)).length }]);
    await expect(rowsOf(database.servingUrl, 'delete from postings')).rejects.toMatchObject({
      code: '42501',
    });
    // Serving needs no second URL unless there is a migration to run.
    expect(await prepare(database.servingUrl)).toEqual({ isOneRole: false });
    await rowsOf(database.url, `delete from kysely_migration where name = '0001_initial'`);
    await expect(prepare(database.servingUrl)).rejects.toThrow(
      'OPENLEDGER_MIGRATION_URL: the database lacks 0001_initial, and the role of DATABASE_URL does not own it.',
    );
  });

  test('may contain objects of others in the same schema, such as the view of an extension', async () => {
    await emptyDatabase();
    await asSuperuser('create view public.of_others as select 1 as one');
    expect(await prepare(database.servingUrl, database.url)).toEqual({ isOneRole: false });
  });

  test('works with one role', async () => {
    await emptyDatabase();
    expect(await prepare(database.url)).toEqual({ isOneRole: true });
    expect(await prepare(database.url)).toEqual({ isOneRole: true });
  });

  test('refuses roles that are not separate', async () => {
    await emptyDatabase();
    await expect(prepare(database.url, database.url)).rejects.toThrow('it is the owner role itself');
    const elsewhere = new URL(database.url);
    elsewhere.pathname = '/template_openledger';
    await expect(prepare(database.servingUrl, elsewhere.href)).rejects.toThrow(
      'it must name the database of',
    );

    const role = `test_role_${process.pid}`;
    made.push(role);
    await asSuperuser(`create role ${role} login password 'secret' createdb createrole`);
    const url = new URL(database.url);
    url.username = role;
    url.password = 'secret';
    await asSuperuser(`grant openledger_owner to ${role}; grant create on schema public to ${role}`);
    await rowsOf(url.href, 'create table public.mine (n int)');
    const refused = await prepare(url.href, database.url).catch((error: Error) => error.message);
    for (const fault of ['create roles', 'create databases', 'is a member', `reassign owned by ${role} to`]) {
      expect(refused).toContain(fault);
    }
    expect(refused).not.toContain('secret');
  });
});

describe('an embedded cluster whose one role owns everything', () => {
  let dataDir: string;
  const running: EmbeddedServer[] = [];
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'openledger-roles-'));
  });
  afterAll(async () => {
    for (const server of running) await server.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
  const start = async (): Promise<EmbeddedServer> => {
    const server = await startEmbedded({ dataDir, logger: createLogger('silent') });
    running.push(server);
    return server;
  };
  const passwordsPath = () => join(dataDir, 'postgres.json');
  const superuserUrl = async (server: EmbeddedServer, database: string): Promise<string> => {
    const { superuser } = JSON.parse(await readFile(passwordsPath(), 'utf8'));
    const url = new URL(server.url);
    Object.assign(url, { username: 'postgres', password: superuser, pathname: `/${database}` });
    return url.href;
  };
  /** A cluster without an owner role. */
  async function makeOneRole(server: EmbeddedServer): Promise<void> {
    const admin = await superuserUrl(server, 'postgres');
    for (const text of [
      'drop database openledger',
      'drop role openledger_owner',
      'alter role openledger createdb',
      'create database openledger owner openledger',
      'grant connect, temporary on database postgres to public',
      'grant connect on database template1 to public',
    ]) {
      await rowsOf(admin, text);
    }
    const { owner: _, ...passwords } = JSON.parse(await readFile(passwordsPath(), 'utf8'));
    await writeFile(passwordsPath(), JSON.stringify(passwords));
    await withPool(server.url, (pool) => migrate(pool, migrations));
    await rowsOf(
      server.url,
      `insert into organisations values (0, 'org_1', 'kept', null, now());
       insert into postings values (0, 'jnl_1', 1, 0, 'acc_1', 1, 'usdc', 1, 1)`,
    );
  }
  const ownersOf = (server: EmbeddedServer): Promise<unknown[]> =>
    rowsOf(
      server.url,
      `select distinct r.rolname from pg_class c join pg_roles r on r.oid = c.relowner
        where c.relnamespace = 'public'::regnamespace
       union select r.rolname from pg_database d join pg_roles r on r.oid = d.datdba where datname = 'openledger'`,
    );

  test('gets its owner role at the next start, and keeps its data', async () => {
    const old = await start();
    await makeOneRole(old);
    expect(await ownersOf(old)).toEqual([{ rolname: 'openledger' }]);
    await rowsOf(old.url, 'grant update on postings to openledger; update postings set line = line');
    await old.stop();

    const next = await start();
    expect(await ownersOf(next)).toEqual([{ rolname: 'openledger_owner' }]);
    expect(await rowsOf(next.url, 'select name from organisations')).toEqual([{ name: 'kept' }]);
    expect(await rowsOf(next.url, 'select journal_id from postings')).toEqual([{ journal_id: 'jnl_1' }]);
    for (const text of [
      'update postings set line = line',
      'create database mine',
      'create temporary table mine (n int)',
    ]) {
      await expect(rowsOf(next.url, text)).rejects.toMatchObject({ code: '42501' });
    }
    const elsewhere = next.url.replace(/openledger$/, 'postgres');
    await expect(rowsOf(elsewhere, 'select 1')).rejects.toMatchObject({ code: '42501' });
    const prepared = await withPool(next.url, (pool) => prepareSchema(pool, next.migrationUrl, migrations));
    expect(prepared).toEqual({ isOneRole: false });
    await rowsOf(next.url, `insert into organisations values (0, 'org_2', 'new', null, now())`);
    await next.stop();
  });

  test('gets it again if the process ended before it had stored the password', async () => {
    const { owner, ...passwords } = JSON.parse(await readFile(passwordsPath(), 'utf8'));
    expect(owner).toMatch(/^[0-9a-f]{48}$/);
    await writeFile(passwordsPath(), JSON.stringify(passwords));
    const again = await start();
    expect(await rowsOf(again.migrationUrl, 'select name from organisations order by id')).toEqual([
      { name: 'kept' },
      { name: 'new' },
    ]);
    expect(JSON.parse(await readFile(passwordsPath(), 'utf8')).owner).not.toBe(owner);
    await again.stop();
  });
});
