import { sql } from 'kysely';
import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from './arrays.ts';
import type { Db } from './database.ts';
import { type GuardedRow, RowNotAuthenticError } from './row-guard.ts';
import type { RowOf } from './tables.ts';

/** Tables whose rows belong to an environment and are looked up by id. */
export type OwnedTable =
  | 'counterparties'
  | 'customers'
  | 'events'
  | 'transactions'
  | 'virtual_accounts'
  | 'wallets'
  | 'webhooks';

type OwnedRow = { [Name in OwnedTable]: RowOf<Name> }[OwnedTable];

/** Whether a row of a list is authentic. Rows that are not are left out of the list, and reported. */
export function isOwn(db: Db, table: (typeof guardedReads)[number]): (row: object) => boolean {
  return (row) => db.guard.admits(table, row as GuardedRow);
}

/**
 * Tables whose rows are checked when they are read, because reading one reveals a sealed value. Wallets and transactions are
 * checked by the writer, which loads them before anything is done with them.
 */
const guardedReads = [
  'counterparties',
  'customers',
  'virtual_accounts',
  'webhooks',
] as const satisfies readonly OwnedTable[];

interface Lookup {
  readonly environmentId: string;
  readonly id: string;
  resolve(row: OwnedRow | undefined): void;
  reject(error: unknown): void;
}

/** The lookups in one table: those that wait for running statements form the next statement. */
interface Finder {
  waiting: Lookup[];
  running: number;
}

const finders = new WeakMap<Db, Map<OwnedTable, Finder>>();

/**
 * Finds a row of an environment by its id. The statement starts after the call, so that it sees everything that was committed
 * before. Concurrent lookups share a statement (decision 0015).
 *
 * @returns undefined if there is no such row, or it belongs to another environment
 * @throws RowNotAuthenticError
 */
export function findRow<Name extends OwnedTable>(
  db: Db,
  table: Name,
  environmentId: string,
  id: string,
): Promise<RowOf<Name> | undefined> {
  const finder = finderOf(db, table);
  return new Promise((resolve, reject) => {
    finder.waiting.push({ environmentId, id, resolve: resolve as Lookup['resolve'], reject });
    if (finder.running < limits.readBatches) void work(db, table, finder);
  });
}

function finderOf(db: Db, table: OwnedTable): Finder {
  const byTable = finders.get(db) ?? new Map<OwnedTable, Finder>();
  finders.set(db, byTable);
  const finder = byTable.get(table) ?? { waiting: [], running: 0 };
  byTable.set(table, finder);
  return finder;
}

async function work(db: Db, table: OwnedTable, finder: Finder): Promise<void> {
  const guarded = guardedReads.find((name) => name === table);
  finder.running += 1;
  while (finder.waiting.length > 0) {
    const lookups = finder.waiting.splice(0, limits.readBatchRows);
    try {
      const rows = await readRows(db, table, lookups);
      for (const { environmentId, id, reject, resolve } of lookups) {
        const row = rows.get(`${environmentId}/${id}`);
        if (!row || guarded === undefined || db.guard.admits(guarded, row as unknown as GuardedRow))
          resolve(row);
        else reject(new RowNotAuthenticError(guarded, id));
      }
    } catch (error) {
      for (const { reject } of lookups) reject(error);
    }
  }
  finder.running -= 1;
}

async function readRows(
  db: Db,
  table: OwnedTable,
  lookups: readonly Lookup[],
): Promise<Map<string, OwnedRow>> {
  const { rows } = await (lookups.length === 1
    ? readOne(db, table, lookups[0] as Lookup)
    : readMany(db, table, lookups));
  return new Map(rows.map((row) => [`${row.environment_id}/${row.id}`, row]));
}

function readOne(db: Db, table: OwnedTable, { environmentId, id }: Lookup) {
  return sql<OwnedRow>`select * from ${sql.table(table)}
    where bucket = ${bucketOfId(id)} and id = ${id} and environment_id = ${environmentId}`.execute(db);
}

function readMany(db: Db, table: OwnedTable, lookups: readonly Lookup[]) {
  const ids = [...new Set(lookups.map(({ id }) => id))];
  const buckets = arrayLiteral('int2', ids.map(bucketOfId));
  return sql<OwnedRow>`select t.* from unnest(${buckets}::int2[], ${arrayLiteral('text', ids)}::text[])
      as wanted(bucket, id)
    join ${sql.table(table)} t on t.bucket = wanted.bucket and t.id = wanted.id`.execute(db);
}
