import { ConfigError } from '../platform/config.ts';
import { grantStatements, type Privilege, wantedPrivileges } from './grants.ts';
import { listPending, migrate } from './migrate.ts';
import { createPool, type Pool, type Queryable } from './pool.ts';
import { inTransaction } from './transaction.ts';

/** The advisory lock of changes to privileges: concurrent grants would fail. */
const grantLock = 4_171_018;

/**
 * Brings the schema up to date and grants the serving role its privileges. Several processes may call this concurrently.
 *
 * With a migration URL, the role of that URL owns everything, and the role of the pool has its grants only. Without one, the
 * pool's role does both, unless another role owns the tables: then the schema must be up to date.
 *
 * @param pool as the serving role
 * @param folder where the SQL files are
 * @returns whether one role owns the tables and serves them
 * @throws ConfigError when the roles are not separate, when migrations are missing that the role may not run, or when an
 *   unreleased build made the database
 */
export async function prepareSchema(
  pool: Pool,
  migrationUrl: string | undefined,
  folder: string,
): Promise<{ readonly isOneRole: boolean }> {
  if (migrationUrl !== undefined) {
    await migrateAsOwner(pool, migrationUrl, folder);
    return { isOneRole: false };
  }
  if (await isServedOnly(pool)) {
    const pending = await listPending(pool, folder);
    if (pending.length === 0) return { isOneRole: false };
    throw new ConfigError(
      `OPENLEDGER_MIGRATION_URL: the database lacks ${pending.join(', ')}, and the role of DATABASE_URL does not own it.`,
    );
  }
  await migrate(pool, folder);
  return { isOneRole: true };
}

async function migrateAsOwner(pool: Pool, migrationUrl: string, folder: string): Promise<void> {
  const owner = createPool(migrationUrl, 'openledger migrate', { max: 2 });
  try {
    const serving = await roleOf(pool);
    await requireApart(owner, serving);
    await migrate(owner, folder);
    await grantServing(owner, serving.role);
  } finally {
    await owner.end();
  }
}

/** Whether the tables belong to a role that this role is not a member of. */
async function isServedOnly(pool: Pool): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from pg_class where relnamespace = to_regnamespace('public') and relname = 'kysely_migration'
      and not pg_has_role(current_user, relowner, 'member')`,
  );
  return rowCount !== 0;
}

interface ServingRole {
  readonly role: string;
  readonly database: string;
}

async function roleOf(pool: Pool): Promise<ServingRole> {
  const { rows } = await pool.query<ServingRole>(
    'select current_user as role, current_database() as database',
  );
  return rows[0] as ServingRole;
}

/** @throws ConfigError when the serving role could give itself more than its grants */
async function requireApart(owner: Pool, { database, role }: ServingRole): Promise<void> {
  const found = await roleOf(owner);
  if (found.database !== database) {
    throw new ConfigError(
      `OPENLEDGER_MIGRATION_URL: it must name the database of DATABASE_URL, ${database}, not ${found.database}.`,
    );
  }
  const { rows } = await owner.query<{ fault: string }>(
    `select fault from pg_roles r, lateral (values
        (r.rolname = current_user, 'it is the owner role itself'),
        (r.rolsuper, 'it is a superuser'),
        (r.rolcreaterole, 'it may create roles (nocreaterole)'),
        (r.rolcreatedb, 'it may create databases (nocreatedb)'),
        (r.rolname <> current_user and pg_has_role(r.oid, current_user, 'member'), 'it is a member of the owner role'),
        (exists (select from pg_class c where c.relnamespace = to_regnamespace('public') and c.relowner = r.oid)
          or exists (select from pg_database d where d.datname = current_database() and d.datdba = r.oid),
          format('it owns tables or the database (reassign owned by %I to %I)', r.rolname, current_user))
      ) as found(is_so, fault) where r.rolname = $1 and is_so`,
    [role],
  );
  if (rows.length === 0) return;
  const faults = rows.map(({ fault }) => fault).join(', and ');
  throw new ConfigError(
    `OPENLEDGER_MIGRATION_URL: the role ${role} of DATABASE_URL must have its grants only, but ${faults}.`,
  );
}

/**
 * Grants a role the privileges of `servingGrants`, and revokes all others on the server's tables. Does nothing if the role has
 * exactly these.
 *
 * @param owner as the role that owns the tables, or a superuser
 */
export async function grantServing(owner: Pool, role: string): Promise<void> {
  await inTransaction(owner, (client) => grantWithin(client, role));
}

/** The same within a transaction of the caller. */
export async function grantWithin(client: Queryable, role: string): Promise<void> {
  await client.query('select pg_advisory_xact_lock($1)', [grantLock]);
  const columns = await listColumns(client);
  const wanted = wantedPrivileges(columns);
  const held = (await listPrivileges(client, role)).filter(({ table }) => columns.has(table));
  if (sameTexts(wanted.map(textOf), held.map(textOf)) && !(await canCreate(client, role))) return;
  const { rows } = await client.query<{ database: string }>('select current_database() as database');
  const statements = grantStatements(role, rows[0]?.database ?? '', columns.keys(), wanted);
  await client.query(statements.join(';\n'));
}

/** The tables, views and sequences that the current role owns, with their columns. Those of extensions are not among them. */
async function listColumns(client: Queryable): Promise<Map<string, Set<string>>> {
  const { rows } = await client.query<{ table: string; columns: string[] }>(
    `select c.relname::text as "table",
        array(select attname::text from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
      from pg_class c
      where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and pg_has_role(current_user, c.relowner, 'member') order by 1`,
  );
  return new Map(rows.map(({ columns, table }) => [table, new Set(columns)]));
}

/** The privileges on tables and columns that are granted to a role, or to all roles. */
export async function listPrivileges(client: Queryable, role: string): Promise<Privilege[]> {
  const { rows } = await client.query<Privilege>(
    `with tables as (select c.oid, c.relname, c.relacl, c.relowner from pg_class c
        where c.relnamespace = to_regnamespace('public') and c.relkind in ('r', 'p', 'v', 'm', 'f', 'S'))
      select o.relname::text as "table", null::text as "column", x.privilege_type as privilege
        from tables o, aclexplode(o.relacl) x where x.grantee in (0, $1::regrole) and x.grantee <> o.relowner
      union all
      select o.relname::text, a.attname::text, x.privilege_type from tables o
        join pg_attribute a on a.attrelid = o.oid, aclexplode(a.attacl) x
        where x.grantee in (0, $1::regrole) and x.grantee <> o.relowner
      order by 1, 2, 3`,
    [`"${role.replaceAll('"', '""')}"`],
  );
  return rows;
}

async function canCreate(client: Queryable, role: string): Promise<boolean> {
  const { rows } = await client.query<{ can: boolean }>(
    `select has_database_privilege($1, current_database(), 'create, temporary')
      or has_schema_privilege($1, 'public', 'create') as can`,
    [role],
  );
  return rows[0]?.can === true;
}

function textOf({ column, privilege, table }: Privilege): string {
  return `${table}.${column ?? ''} ${privilege}`;
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  const set = new Set(one);
  return set.size === new Set(other).size && other.every((text) => set.has(text));
}
