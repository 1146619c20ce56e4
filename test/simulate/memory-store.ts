import type { LaneHeadRow } from '../../server/src/store/tables/lanes.ts';
import { type AnyRow, type TableName, tableNamed } from '../../server/src/store/tables.ts';
import type { Changes } from '../../server/src/writer/batch-state.ts';
import type { BatchHead } from '../../server/src/writer/statement.ts';

/** A model of the database for the simulation: it makes the same writes and the same checks. */
export interface MemoryStore {
  readonly heads: LaneHeadRow[];
  readonly batches: Map<string, number>;
  rows(table: TableName): AnyRow[];
  find(table: TableName, bucket: number, id: string): AnyRow | undefined;
  /** The statement of a batch: all or nothing. @returns whether the head was in the expected state */
  apply(head: BatchHead, changes: Changes): boolean;
  /** The checks of the statement of a batch. @throws Error as PostgreSQL reports it */
  check(changes: Changes): void;
  /** Replaces rows without any check, for planted faults. */
  corrupt(table: TableName, rows: readonly AnyRow[], instead: readonly AnyRow[]): void;
  /** Increments a lane's `seq`. @returns whether the batch was committed */
  fence(lane: number, batchId: string): boolean;
}

/** An error as PostgreSQL reports it. */
function sqlError(code: string, constraint?: string): Error {
  return Object.assign(new Error(`SQLSTATE ${code} ${constraint ?? ''}`), { code, constraint });
}

/** The unique constraints of the schema besides the primary keys. */
const uniques: readonly { table: TableName; name: string; columns: readonly string[] }[] = [
  { table: 'idempotency_keys', name: 'idempotency_keys_one_effect', columns: ['environment_id', 'key'] },
  { table: 'journals', name: 'journals_once', columns: ['bucket', 'transaction_id', 'kind'] },
  { table: 'journals', name: 'journals_sequence', columns: ['environment_id', 'lane', 'seq'] },
  { table: 'events', name: 'events_sequence', columns: ['environment_id', 'lane', 'seq'] },
  { table: 'wallets', name: 'wallets_derivation_index', columns: ['derivation_index'] },
  { table: 'deposit_addresses', name: 'deposit_addresses_address', columns: ['chain', 'address'] },
  { table: 'postings', name: 'postings_pkey', columns: ['bucket', 'journal_id', 'line'] },
];

/** The rows of each table, and the values that its unique constraints hold. */
interface Data {
  readonly rows: Map<TableName, Map<string, AnyRow>>;
  readonly taken: Map<string, Set<string>>;
}

export function createMemoryStore(laneCount: number): MemoryStore {
  const data: Data = { rows: new Map(), taken: new Map() };
  const heads = Array.from({ length: laneCount }, (_, lane) => ({
    bucket: lane,
    lane_count: laneCount,
    seq: 0n,
    batch_id: '',
  }));
  const batches = new Map<string, number>();
  return {
    heads,
    batches,
    check: (changes) => check(data, changes),
    rows: (table) => [...rowsIn(data, table).values()],
    find: (table, bucket, id) => rowsIn(data, table).get(`${bucket}/${id}`),
    apply({ batchId, expected, lane, laneCount: count }, changes) {
      const head = heads[lane];
      if (head?.seq !== expected.seq || head.batch_id !== expected.batchId || head.lane_count !== count)
        return false;
      check(data, changes);
      head.seq += 1n;
      head.batch_id = batchId;
      batches.set(batchId, lane);
      for (const { table, rows } of changes.inserts) for (const row of rows) insert(data, table, row);
      for (const { table, rows } of changes.updates) for (const row of rows) update(data, table, row);
      return true;
    },
    corrupt(table, rows, instead) {
      for (const row of instead) rowsIn(data, table).delete(keyOf(table, row));
      for (const row of rows) rowsIn(data, table).set(keyOf(table, row), row);
    },
    fence(lane, batchId) {
      (heads[lane] as LaneHeadRow).seq += 1n;
      return batches.get(batchId) === lane;
    },
  };
}

function rowsIn(data: Data, table: TableName): Map<string, AnyRow> {
  const rows = data.rows.get(table) ?? new Map<string, AnyRow>();
  data.rows.set(table, rows);
  return rows;
}

function takenIn(data: Data, name: string): Set<string> {
  const values = data.taken.get(name) ?? new Set<string>();
  data.taken.set(name, values);
  return values;
}

function keyOf(table: TableName, row: AnyRow): string {
  const id = row[tableNamed(table).key];
  return `${row.bucket}/${typeof id === 'string' ? id : JSON.stringify(Object.values(row), text)}`;
}

function insert(data: Data, table: TableName, row: AnyRow): void {
  rowsIn(data, table).set(keyOf(table, row), row);
  for (const { columns, name } of uniques.filter((unique) => unique.table === table))
    takenIn(data, name).add(uniqueValue(columns, row));
}

/** Only mutable columns change, as in the statement. */
function update(data: Data, table: TableName, row: AnyRow): void {
  const old = rowsIn(data, table).get(keyOf(table, row)) as AnyRow;
  const changed = Object.fromEntries(tableNamed(table).mutable.map((column) => [column, row[column]]));
  rowsIn(data, table).set(keyOf(table, row), { ...old, ...changed });
}

/** Throws what the statement of a batch would throw. */
function check(data: Data, { inserts, updates }: Changes): void {
  const added = new Set<string>();
  for (const { table, rows } of inserts) {
    for (const row of rows) {
      checkUnique(data, table, row, added);
      if (table === 'accounts') checkAccount(row);
    }
    if (table === 'postings') checkBalanced(rows);
  }
  for (const { table, rows } of updates) {
    for (const row of rows) {
      if (!rowsIn(data, table).has(keyOf(table, row))) throw sqlError('22012');
      if (table === 'accounts') checkAccount(row);
    }
  }
}

/** @param added the values of the batch so far, to which those of the row are added */
function checkUnique(data: Data, table: TableName, row: AnyRow, added: Set<string>): void {
  const key = `${table}:${keyOf(table, row)}`;
  if (hasId(table, row) && (rowsIn(data, table).has(keyOf(table, row)) || added.has(key)))
    throw sqlError('23505', `${table}_pkey`);
  added.add(key);
  for (const unique of uniques.filter((other) => other.table === table)) {
    const value = uniqueValue(unique.columns, row);
    if (takenIn(data, unique.name).has(value) || added.has(`${unique.name}:${value}`))
      throw sqlError('23505', unique.name);
    added.add(`${unique.name}:${value}`);
  }
}

/** The check constraint of the schema: no wallet account below zero. */
function checkAccount(row: AnyRow): void {
  if (row.wallet_id !== null && (row.balance_minor as bigint) < 0n)
    throw sqlError('23514', 'accounts_wallet');
}

/** The statement's check of the postings that it inserts. */
function checkBalanced(rows: readonly AnyRow[]): void {
  const sums = new Map<string, bigint>();
  for (const { amount_minor, currency, journal_id } of rows) {
    const key = `${journal_id} ${currency}`;
    sums.set(key, (sums.get(key) ?? 0n) + (amount_minor as bigint));
  }
  if ([...sums.values()].some((sum) => sum !== 0n)) throw sqlError('22012');
}

/** Tables without an id have their primary keys among `uniques`. */
function hasId(table: TableName, row: AnyRow): boolean {
  return typeof row[tableNamed(table).key] === 'string';
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

function uniqueValue(columns: readonly string[], row: AnyRow): string {
  return columns.map((column) => String(row[column])).join('\n');
}
