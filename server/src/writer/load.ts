import { arrayLiteral } from '../store/arrays.ts';
import { columnList } from '../store/insert.ts';
import type { Queryable } from '../store/pool.ts';
import type { IdempotencyKeyRow } from '../store/rows.ts';
import { type AnyRow, type TableName, tableNamed } from '../store/tables.ts';
import type { Submission } from './batch.ts';
import { keyName } from './idempotency.ts';
import type { KeptRows } from './kept-rows.ts';
import type { LaneStore } from './lane-store.ts';

/** Rows of one table to be loaded: the bucket and the key of each. */
export interface WantedRows {
  readonly buckets: number[];
  readonly ids: string[];
}

/**
 * Loads the rows that the commands read and that are not kept yet, one statement a table. Rows that are not there are
 * kept as missing.
 */
export async function loadRows(
  store: LaneStore,
  submissions: readonly Submission[],
  lane: number,
  kept: KeptRows,
): Promise<void> {
  for (const [table, wanted] of missingRows(submissions, lane, kept)) {
    const { key } = tableNamed(table);
    const rows = await store.loadRows(table, wanted);
    for (const id of wanted.ids) kept.set(table, id, null);
    for (const row of rows) kept.set(table, row[key] as string, row);
  }
}

/** Reads rows from the database. */
export async function selectRows(
  db: Queryable,
  table: TableName,
  { buckets, ids }: WantedRows,
): Promise<AnyRow[]> {
  const spec = tableNamed(table);
  const { rows } = await db.query<AnyRow>({
    name: `load_${table}`,
    text: `select ${columnList(spec)} from ${table}
        join unnest($1::int2[], $2::text[]) as wanted(wanted_bucket, wanted_id)
          on bucket = wanted_bucket and ${spec.key} = wanted_id`,
    values: [arrayLiteral('int2', buckets), arrayLiteral('text', ids)],
  });
  return rows;
}

function missingRows(
  submissions: readonly Submission[],
  lane: number,
  kept: KeptRows,
): Map<TableName, WantedRows> {
  const missing = new Map<TableName, WantedRows>();
  const seen = new Set<string>();
  const want = (table: TableName, bucket: number, id: string): void => {
    if (kept.get(table, id) !== undefined) return;
    const name = `${table}/${id}`;
    if (seen.has(name)) return;
    seen.add(name);
    const wanted = missing.get(table) ?? { buckets: [], ids: [] };
    wanted.buckets.push(bucket);
    wanted.ids.push(id);
    missing.set(table, wanted);
  };
  for (const { command, reads } of submissions) {
    for (const ref of reads) want(ref.table, ref.bucket, ref.id);
    want('chain_heads', lane, command.environmentId);
  }
  return missing;
}

/** Idempotency keys, each with its environment. */
export interface TakenKeys {
  readonly environments: string[];
  readonly keys: string[];
}

/** Finds the answers that idempotency keys of these commands already have. */
export async function loadTakenKeys(
  store: LaneStore,
  submissions: readonly Submission[],
): Promise<Map<string, IdempotencyKeyRow>> {
  const environments: string[] = [];
  const keys: string[] = [];
  for (const { command, answering } of submissions) {
    if (!answering) continue;
    environments.push(command.environmentId);
    keys.push(answering.claim.key);
  }
  const rows = await store.loadTakenKeys({ environments, keys });
  return new Map(rows.map((row) => [keyName(row.environment_id, row.key), row]));
}

/** Reads the answers of idempotency keys from the database. */
export async function selectTakenKeys(
  db: Queryable,
  { environments, keys }: TakenKeys,
): Promise<IdempotencyKeyRow[]> {
  const { rows } = await db.query<IdempotencyKeyRow>({
    name: 'load_idempotency_keys',
    text: `select k.bucket, k.environment_id, k.key, k.route, k.request_hash, k.status, k.body, k.created_at
      from idempotency_keys k join unnest($1::text[], $2::text[]) as wanted(environment_id, key)
        on k.environment_id = wanted.environment_id and k.key = wanted.key`,
    values: [arrayLiteral('text', environments), arrayLiteral('text', keys)],
  });
  return rows;
}
