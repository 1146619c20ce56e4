import { sql } from 'kysely';
import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from './arrays.ts';
import type { Db } from './database.ts';
import { type GuardedRow, RowNotAuthenticError } from './row-guard.ts';
import type { RowOf } from './tables.ts';

/** Tables whose rows belong to an environment and are found by their id. */
export type OwnedTable =
  | 'counterparties'
  | 'customers'
  | 'events'
  | 'transactions'
  | 'virtual_accounts'
  | 'wallets'
  | 'webhooks';

type OwnedRow = { [Name in OwnedTable]: RowOf<Name> }[OwnedTable];

/** Whether a row of a list is ours; those that are not are left out of it, and told of. */
export function isOwn(db: Db, table: (typeof guardedReads)[number]): (row: object) => boolean {
  return (row) => db.guard.admits(table, row as GuardedRow);
}

/**
 * Tables of which reading a row gives something away that is sealed. Of wallets and transactions it does not: whoever acts on
 * one loads it through the writer, which checks it.
 */
const guardedReads = [
  'counterparties',
  'customers',
  'virtual_accounts',
  'webhooks',
] as const satisfies readonly OwnedTable[];

interface Wanted {
  readonly environmentId: string;
  readonly id: string;
  resolve(row: OwnedRow | undefined): void;
  reject(error: unknown): void;
}

/** What is looked up in one table: what waits for the statements that are on their way forms the next one. */
interface Finder {
  waiting: Wanted[];
  running: number;
}

const finders = new WeakMap<Db, Map<OwnedTable, Finder>>();

/**
 * The row by this id, if it is one of the environment's: what never was and what is somebody else's look the same.
 * Rejects with a RowNotAuthenticError when it is not ours.
 *
 * As it is when this is called, or later: the statement starts after that. Rows that are asked for while
 * others are being read share a statement (decision 0015).
 */
export function findRow<Name extends OwnedTable>(
  db: Db,
  table: Name,
  environmentId: string,
  id: string,
): Promise<RowOf<Name> | undefined> {
  const finder = finderOf(db, table);
  return new Promise((resolve, reject) => {
    finder.waiting.push({ environmentId, id, resolve: resolve as Wanted['resolve'], reject });
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
    const wanted = finder.waiting.splice(0, limits.readBatchRows);
    try {
      const rows = await readRows(db, table, wanted);
      for (const { environmentId, id, reject, resolve } of wanted) {
        const row = rows.get(`${environmentId}/${id}`);
        if (!row || guarded === undefined || db.guard.admits(guarded, row as unknown as GuardedRow))
          resolve(row);
        else reject(new RowNotAuthenticError(guarded, id));
      }
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
  finder.running -= 1;
}

async function readRows(
  db: Db,
  table: OwnedTable,
  wanted: readonly Wanted[],
): Promise<Map<string, OwnedRow>> {
  const { rows } = await (wanted.length === 1
    ? readOne(db, table, wanted[0] as Wanted)
    : readMany(db, table, wanted));
  return new Map(rows.map((row) => [`${row.environment_id}/${row.id}`, row]));
}

function readOne(db: Db, table: OwnedTable, { environmentId, id }: Wanted) {
  return sql<OwnedRow>`select * from ${sql.table(table)}
    where bucket = ${bucketOfId(id)} and id = ${id} and environment_id = ${environmentId}`.execute(db);
}

function readMany(db: Db, table: OwnedTable, wanted: readonly Wanted[]) {
  const ids = [...new Set(wanted.map(({ id }) => id))];
  const buckets = arrayLiteral('int2', ids.map(bucketOfId));
  return sql<OwnedRow>`select t.* from unnest(${buckets}::int2[], ${arrayLiteral('text', ids)}::text[])
      as wanted(bucket, id)
    join ${sql.table(table)} t on t.bucket = wanted.bucket and t.id = wanted.id`.execute(db);
}
