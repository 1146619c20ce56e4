import { arrayParameters, columnArrays, columnList } from '../store/insert.ts';
import type { PoolClient } from '../store/pool.ts';
import type { Table } from '../store/tables/table.ts';

/** The conflict clause for rows whose key exists. */
export interface OnConflict {
  /** Part of the name of the prepared statement, which must identify its text. */
  readonly name: string;
  /** For example `do nothing`. */
  readonly text: string;
}

/** Inserts rows with one prepared statement. */
export async function insertRows<Row>(
  client: PoolClient,
  table: Table<Row>,
  rows: readonly Row[],
  onConflict: OnConflict,
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(table.columns) as (keyof Row & string)[];
  await client.query({
    name: `insert_${table.name}_${onConflict.name}`,
    text: `insert into ${table.name} (${columnList(table)})
      select * from unnest(${arrayParameters(Object.values(table.columns), 1)}) on conflict ${onConflict.text}`,
    values: columnArrays(table, columns, rows),
  });
}
