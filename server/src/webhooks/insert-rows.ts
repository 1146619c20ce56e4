import { arrayParameters, columnArrays, columnList } from '../store/insert.ts';
import type { PoolClient } from '../store/pool.ts';
import type { Table } from '../store/tables.ts';

/** Inserts rows with one statement. @param onConflict what follows the values, e.g. `on conflict do nothing` */
export async function insertRows<Row>(
  client: PoolClient,
  table: Table<Row>,
  rows: readonly Row[],
  onConflict = '',
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(table.columns) as (keyof Row & string)[];
  await client.query({
    name: `insert_${table.name}`,
    text: `insert into ${table.name} (${columnList(table)})
      select * from unnest(${arrayParameters(Object.values(table.columns), 1)}) ${onConflict}`,
    values: columnArrays(table, columns, rows),
  });
}
