import { arrayLiteral } from './arrays.ts';
import type { Table } from './tables/table.ts';

/** `a, b, c` for the columns of a table. */
export function columnList<Row>(table: Table<Row>): string {
  return Object.keys(table.columns).join(', ');
}

/** `$1::text[], $2::int8[], …`: an array parameter for each column, for `unnest`. */
export function arrayParameters(types: readonly string[], first: number): string {
  return types.map((type, index) => `$${first + index}::${type}[]`).join(', ');
}

/** The values of columns of many rows, as array literals in the order of `columns`. */
export function columnArrays<Row>(
  table: Table<Row>,
  columns: readonly (keyof Row & string)[],
  rows: readonly Row[],
): string[] {
  return columns.map((column) =>
    arrayLiteral(
      table.columns[column],
      rows.map((row) => row[column]),
    ),
  );
}
