import type { LaneHeadRow } from '../../server/src/store/rows.ts';
import { type AnyRow, type TableName, tableNamed } from '../../server/src/store/tables.ts';
import type { Changes } from '../../server/src/writer/batch-state.ts';
import type { BatchHead } from '../../server/src/writer/statement.ts';

/** What the database holds. The model of it that the simulator runs on: the same writes, the same checks. */
export interface MemoryStore {
  readonly heads: LaneHeadRow[];
  readonly batches: Map<string, number>;
  rows(table: TableName): AnyRow[];
  find(table: TableName, bucket: number, id: string): AnyRow | undefined;
  /** The batch statement: whole or not at all. @returns whether the head was where it was expected */
  apply(head: BatchHead, changes: Changes): boolean;
  /** What the batch statement would refuse. @throws Error as PostgreSQL does */
  check(changes: Changes): void;
  /** Puts rows in the place of others without any check: what planted faults do. */
  corrupt(table: TableName, rows: readonly AnyRow[], instead: readonly AnyRow[]): void;
  /** Raises a lane's head. @returns whether the batch is there */
  fence(lane: number, batchId: string): boolean;
}

/** An error as PostgreSQL reports it. */
function sqlError(code: string, constraint?: string): Error {
  return Object.assign(new Error(`SQLSTATE ${code} ${constraint ?? ''}`), { code, constraint });
}

/** The unique constraints of the migrations beside the primary keys. */
const uniques: readonly { table: TableName; name: string; columns: readonly string[] }[] = [
  { table: 'idempotency_keys', name: 'idempotency_keys_one_effect', columns: ['environment_id', 'key'] },
  { table: 'journals', name: 'journals_once', columns: ['bucket', 'transaction_id', 'kind'] },
  { table: 'journals', name: 'journals_chain', columns: ['environment_id', 'lane', 'seq'] },
  { table: 'events', name: 'events_sequence', columns: ['environment_id', 'lane', 'seq'] },
  { table: 'wallets', name: 'wallets_derivation_index', columns: ['derivation_index'] },
  { table: 'deposit_addresses', name: 'deposit_addresses_address', columns: ['chain', 'address'] },
  { table: 'postings', name: 'postings_pkey', columns: ['bucket', 'journal_id', 'line'] },
];

export function createMemoryStore(laneCount: number): MemoryStore {
  const data = new Map<TableName, Map<string, AnyRow>>();
  const taken = new Map<string, Set<string>>();
  const heads = Array.from({ length: laneCount }, (_, lane) => ({
    bucket: lane,
    lane_count: laneCount,
    seq: 0n,
    batch_id: '',
  }));
  const batches = new Map<string, number>();
  const tableOf = (table: TableName): Map<string, AnyRow> => {
    const rows = data.get(table) ?? new Map<string, AnyRow>();
    data.set(table, rows);
    return rows;
  };
  const takenOf = (name: string): Set<string> => {
    const values = taken.get(name) ?? new Set<string>();
    taken.set(name, values);
    return values;
  };
  const keyOf = (table: TableName, row: AnyRow): string => {
    const id = row[tableNamed(table).key];
    return `${row.bucket}/${typeof id === 'string' ? id : JSON.stringify(Object.values(row), text)}`;
  };

  /** What the statement's inserts would violate. */
  const check = ({ inserts, updates }: Changes): void => {
    const added = new Set<string>();
    for (const { table, rows } of inserts) {
      for (const row of rows) {
        const key = `${table}:${keyOf(table, row)}`;
        if (hasId(table, row) && (tableOf(table).has(keyOf(table, row)) || added.has(key)))
          throw sqlError('23505', `${table}_pkey`);
        added.add(key);
        for (const unique of uniques.filter((other) => other.table === table)) {
          const value = uniqueValue(unique.columns, row);
          if (takenOf(unique.name).has(value) || added.has(`${unique.name}:${value}`))
            throw sqlError('23505', unique.name);
          added.add(`${unique.name}:${value}`);
        }
        if (table === 'accounts') checkAccount(row);
      }
      if (table === 'postings') checkBalanced(rows);
    }
    for (const { table, rows } of updates) {
      for (const row of rows) {
        if (!tableOf(table).has(keyOf(table, row))) throw sqlError('22012');
        if (table === 'accounts') checkAccount(row);
      }
    }
  };

  return {
    heads,
    batches,
    check,
    rows: (table) => [...tableOf(table).values()],
    find: (table, bucket, id) => tableOf(table).get(`${bucket}/${id}`),
    apply({ batchId, expected, lane, laneCount: count }, changes) {
      const head = heads[lane];
      if (head?.seq !== expected.seq || head.batch_id !== expected.batchId || head.lane_count !== count)
        return false;
      check(changes);
      head.seq += 1n;
      head.batch_id = batchId;
      batches.set(batchId, lane);
      for (const { table, rows } of changes.inserts) {
        for (const row of rows) {
          tableOf(table).set(keyOf(table, row), row);
          for (const { columns, name } of uniques.filter((unique) => unique.table === table))
            takenOf(name).add(uniqueValue(columns, row));
        }
      }
      for (const { table, rows } of changes.updates) for (const row of rows) update(table, row);
      return true;
    },
    corrupt(table, rows, instead) {
      for (const row of instead) tableOf(table).delete(keyOf(table, row));
      for (const row of rows) tableOf(table).set(keyOf(table, row), row);
    },
    fence(lane, batchId) {
      (heads[lane] as LaneHeadRow).seq += 1n;
      return batches.get(batchId) === lane;
    },
  };

  /** Only changeable columns change, as in the statement. */
  function update(table: TableName, row: AnyRow): void {
    const old = tableOf(table).get(keyOf(table, row)) as AnyRow;
    const changed = Object.fromEntries(tableNamed(table).mutable.map((column) => [column, row[column]]));
    tableOf(table).set(keyOf(table, row), { ...old, ...changed });
  }
}

/** CHECK constraint of the migrations: no wallet account below zero. */
function checkAccount(row: AnyRow): void {
  if (row.wallet_id !== null && (row.balance_minor as bigint) < 0n)
    throw sqlError('23514', 'accounts_wallet');
}

/** The statement's own check of the lines that it adds. */
function checkBalanced(rows: readonly AnyRow[]): void {
  const sums = new Map<string, bigint>();
  for (const { amount_minor, currency, journal_id } of rows) {
    const key = `${journal_id} ${currency}`;
    sums.set(key, (sums.get(key) ?? 0n) + (amount_minor as bigint));
  }
  if ([...sums.values()].some((sum) => sum !== 0n)) throw sqlError('22012');
}

/** Other tables have their own constraints below, by the names that the migrations give them. */
function hasId(table: TableName, row: AnyRow): boolean {
  return typeof row[tableNamed(table).key] === 'string';
}

const text = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? `${value}` : value);

function uniqueValue(columns: readonly string[], row: AnyRow): string {
  return columns.map((column) => String(row[column])).join('\n');
}
