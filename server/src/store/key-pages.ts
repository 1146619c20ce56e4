import type { QueryResult } from 'pg';
import type { Queryable } from './pool.ts';
import type { ColumnType } from './tables/table.ts';
import type { AnyRow } from './tables.ts';

/** What is read page by page: parts of a `select` in which `t` is the table. */
export interface PagedSelect {
  readonly columns: string;
  /** The table with its alias `t`, and joins. */
  readonly from: string;
  /** Conditions that must all hold. */
  readonly where: readonly string[];
  /** The values of `$1`, `$2`, … in `where`. */
  readonly values: readonly unknown[];
  /** The columns of `t` that identify a row, in the order of an index, with their types. */
  readonly key: Readonly<Record<string, ColumnType>>;
  readonly pageRows: number;
}

/**
 * Reads rows page by page in the order of their key. Each page is a statement of its own, which starts after the last key
 * of the page before: rows that are inserted in between with a lower key are not read.
 *
 * @param run runs a statement; `client.query` by default
 */
export async function* readKeyPages<Row extends AnyRow>(
  client: Queryable,
  { columns, from, key, pageRows, values, where }: PagedSelect,
  run: (client: Queryable, text: string, values: unknown[]) => Promise<QueryResult<Row>> = runPlain,
): AsyncGenerator<Row[]> {
  const names = Object.keys(key);
  const ordered = names.map((name) => `t.${name}`).join(', ');
  const parameters = Object.values(key).map((type, index) => `$${values.length + index + 1}::${type}`);
  for (let last: Row | undefined; ; ) {
    const before = last;
    const conditions = before ? [...where, `(${ordered}) > (${parameters.join(', ')})`] : where;
    const after = before ? names.map((name) => before[name]) : [];
    const { rows } = await run(
      client,
      `select ${columns} from ${from} ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
        order by ${ordered} limit ${pageRows}`,
      [...values, ...after],
    );
    if (rows.length > 0) yield rows;
    if (rows.length < pageRows) return;
    last = rows.at(-1);
  }
}

function runPlain<Row extends AnyRow>(
  client: Queryable,
  text: string,
  values: unknown[],
): Promise<QueryResult<Row>> {
  return client.query<Row>(text, values);
}
