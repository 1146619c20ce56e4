import { arrayLiteral } from '../store/arrays.ts';
import { authenticatedTable } from '../store/authenticated-rows.ts';
import { columnList } from '../store/insert.ts';
import type { Queryable } from '../store/pool.ts';
import type { RowGuard } from '../store/row-guard.ts';
import type { IdempotencyKeyRow } from '../store/tables/lanes.ts';
import { type AnyRow, type TableName, tableNamed } from '../store/tables.ts';
import type { Holdings, HoldingsRef } from './command.ts';
import { forgedRow } from './kept-rows.ts';

/** Rows of one table to be loaded: the bucket and the key of each. */
export interface WantedRows {
  readonly buckets: number[];
  readonly ids: string[];
}

/** Idempotency keys, each with its environment. */
export interface TakenKeys {
  readonly environments: string[];
  readonly keys: string[];
}

/** Reads rows from the database. In place of a row that is not authentic it returns `forgedRow`. */
export async function selectRows(
  db: Queryable,
  table: TableName,
  { buckets, ids }: WantedRows,
  guard: RowGuard,
): Promise<AnyRow[]> {
  const spec = tableNamed(table);
  const guarded = authenticatedTable(table);
  const { rows } = await db.query<AnyRow>({
    name: `load_${table}`,
    text: `select ${columnList(spec)}${guarded === undefined ? '' : ', mac'} from ${table}
        join unnest($1::int2[], $2::text[]) as wanted(wanted_bucket, wanted_id)
          on bucket = wanted_bucket and ${spec.key} = wanted_id`,
    values: [arrayLiteral('int2', buckets), arrayLiteral('text', ids)],
  });
  if (guarded === undefined) return rows;
  return rows.map((row) => (guard.admits(guarded, row) ? row : forgedRow(spec.key, row[spec.key])));
}

/** Reads the stored responses of idempotency keys from the database. */
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

/** Reads what belongs to a customer from the database. */
export async function selectHoldings(
  db: Queryable,
  { bucket, customerId, environmentId, sinceId }: HoldingsRef,
): Promise<Holdings> {
  const { rows } = await db.query<{ wallet_ids: string[]; open: bigint; last: string | null }>({
    name: 'load_holdings',
    text: `select array(select w.id from wallets w
          where w.bucket = $1::int2 and w.customer_id = $2 and w.environment_id = $3) as wallet_ids,
        count(*) filter (where t.status not in ('completed', 'failed', 'returned', 'refunded')) as open,
        max(t.updated_at) as last
      from transactions t
      where t.bucket = $1::int2 and t.customer_id = $2 and t.environment_id = $3 and t.id > $4`,
    values: [bucket, customerId, environmentId, sinceId],
  });
  const row = rows[0];
  return {
    walletIds: row?.wallet_ids ?? [],
    openTransactions: Number(row?.open ?? 0n),
    lastTransactionAt: row?.last ?? null,
  };
}
