import type { SelectQueryBuilder } from 'kysely';
import type { Db } from './database.ts';
import type { CreatedSpan, PageRequest } from './paging.ts';
import type { Database } from './tables.ts';

/** Tables that are listed by id, newest first. */
type ListedTable = {
  [Name in keyof Database]: Database[Name] extends { id: string } ? Name : never;
}[keyof Database];

/** A list before its order and its page are added: conditions can be added to it. */
export type ListQuery<Name extends ListedTable> = SelectQueryBuilder<Database, Name, Database[Name]>;

/**
 * The values that columns must have. An array matches any of its values, at least one; null matches null only;
 * undefined matches everything. Filters of a request are plain texts, so every column with a union of texts takes any text.
 */
export type Narrowing<Row> = {
  readonly [Column in keyof Row]?:
    | (Row[Column] extends string | null ? string : Row[Column])
    | null
    | readonly string[]
    | undefined;
};

/**
 * Selects the rows of a table whose columns have the given values.
 *
 * @param created when they were created, on tables with `created_at`
 */
export function selectList<Name extends ListedTable>(
  db: Db,
  table: Name,
  narrowing: Narrowing<Database[Name]>,
  created?: CreatedSpan,
): ListQuery<Name> {
  // Kysely cannot resolve the columns of a table that is a type parameter: the query is built as if for `events`.
  let query = db.selectFrom(table as 'events').selectAll();
  for (const [name, value] of Object.entries(narrowing)) {
    const column = name as 'object_id';
    if (value === undefined) continue;
    if (value === null) query = query.where(column, 'is', null);
    else if (Array.isArray(value)) query = query.where(column, 'in', [...value]);
    else query = query.where(column, '=', value as string);
  }
  if (created?.createdAfter !== undefined) query = query.where('created_at', '>=', created.createdAfter);
  if (created?.createdBefore !== undefined) query = query.where('created_at', '<', created.createdBefore);
  return query as unknown as ListQuery<Name>;
}

/**
 * Reads the rows of a page, newest first, and one more if there is a next page: `toPage` makes the page of them.
 */
export function readPageRows<Name extends ListedTable>(
  query: ListQuery<Name>,
  { afterId, limit }: PageRequest,
): Promise<Database[Name][]> {
  const list = query as unknown as ListQuery<'events'>;
  const from = afterId === undefined ? list : list.where('id', '<', afterId);
  return from
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute() as unknown as Promise<Database[Name][]>;
}
