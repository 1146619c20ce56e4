import { hash } from 'node:crypto';
import { arrayLiteral } from '../store/arrays.ts';
import { authenticatedTable } from '../store/authenticated-rows.ts';
import { arrayParameters, columnArrays } from '../store/insert.ts';
import type { RowGuard } from '../store/row-guard.ts';
import type { Table } from '../store/tables/table.ts';
import { type AnyRow, type TableName, tableNamed } from '../store/tables.ts';
import type { Changes, TableChange } from './batch-state.ts';

/** A prepared statement with its values. */
export interface Statement {
  readonly name: string;
  readonly text: string;
  readonly values: unknown[];
}

/** The state of a lane: how many batches were written, and which came last. Only both together identify the state. */
export interface LaneHead {
  readonly seq: bigint;
  readonly batchId: string;
}

/** The lane of a batch, and the state that it was decided on. */
export interface BatchHead {
  readonly lane: number;
  readonly laneCount: number;
  readonly expected: LaneHead;
  readonly batchId: string;
  readonly now: string;
}

const headParameters = 6;

/**
 * Builds the single statement that writes a batch: it increments the lane's head if the head is in the expected state, writes
 * the rows only then, and is a transaction of its own.
 *
 * The statement checks that every updated row exists, and that the postings of each journal sum to zero in each currency. If
 * not, it fails (division by zero) and has no effect.
 *
 * Rows that grant access or direct money get their codes here, so that no command can omit them.
 *
 * The result is one row with `applied`: 1, or 0 if another server has written to the lane.
 */
export function buildBatchStatement(
  head: BatchHead,
  { inserts, updates }: Changes,
  guard: MacMaker,
): Statement {
  const { name, text } = textFor(
    inserts.map(({ table }) => table),
    updates.map(({ table }) => table),
  );
  const values: unknown[] = [
    head.lane,
    head.expected.seq.toString(),
    head.laneCount,
    head.batchId,
    head.now,
    head.expected.batchId,
    ...inserts.flatMap((change) => insertValues(change, guard)),
    ...updates.flatMap((change) => updateValues(change, guard)),
  ];
  return { name, text, values };
}

type MacMaker = Pick<RowGuard, 'macOf'>;

function insertValues(change: TableChange, guard: MacMaker): string[] {
  const spec = tableNamed(change.table);
  return [...columnArrays(spec, Object.keys(spec.columns), change.rows), ...macValues(change, guard)];
}

function updateValues(change: TableChange, guard: MacMaker): string[] {
  const spec = tableNamed(change.table);
  return [...columnArrays(spec, updateColumns(spec), change.rows), ...macValues(change, guard)];
}

/** The codes of the rows; none for a table without codes. */
function macValues({ rows, table }: TableChange, guard: MacMaker): string[] {
  const name = authenticatedTable(table);
  if (name === undefined) return [];
  return [
    arrayLiteral(
      'text',
      rows.map((row) => guard.macOf(name, row)),
    ),
  ];
}

/** The columns with their types, and the column of the code if the table has one. */
function withMac(
  table: Table<AnyRow>,
  columns: readonly string[],
): { columns: readonly string[]; types: readonly string[] } {
  const types = columns.map((column) => table.columns[column] ?? 'text');
  if (authenticatedTable(table.name) === undefined) return { columns, types };
  return { columns: [...columns, 'mac'], types: [...types, 'text'] };
}

function updateColumns(table: Table<AnyRow>): string[] {
  return ['bucket', table.key, ...table.mutable];
}

const texts = new Map<string, { name: string; text: string }>();

/** The text depends only on the tables that are written, so that PostgreSQL plans each text once. */
function textFor(
  inserts: readonly TableName[],
  updates: readonly TableName[],
): { name: string; text: string } {
  const shape = `${inserts.join()}|${updates.join()}`;
  const known = texts.get(shape);
  if (known) return known;
  const name = `batch_${hash('sha256', shape, 'hex').slice(0, 16)}`;
  const built = { name, text: buildText(inserts, updates) };
  texts.set(shape, built);
  return built;
}

function buildText(inserts: readonly TableName[], updates: readonly TableName[]): string {
  const parts = [
    `head as (update lane_heads set seq = seq + 1, batch_id = $4::text
      where bucket = $1::int2 and seq = $2::int8 and batch_id = $6::text and lane_count = $3::int2 returning seq)`,
    `batch as (insert into batches (bucket, id, seq, created_at)
      select $1::int2, $4::text, seq, $5::timestamptz from head)`,
  ];
  const checks: string[] = [];
  let next = headParameters + 1;
  for (const name of inserts) {
    const table = tableNamed(name);
    const { columns, types } = withMac(table, Object.keys(table.columns));
    parts.push(`insert_${name} as (insert into ${name} (${columns.join(', ')})
      select u.* from head, unnest(${arrayParameters(types, next)}) as u(${columns.join(', ')}))`);
    if (name === 'postings') checks.push(balanceCheck(columns, types, next));
    next += columns.length;
  }
  for (const name of updates) {
    const table = tableNamed(name);
    const { columns, types } = withMac(table, updateColumns(table));
    const assignments = columns
      .slice(2)
      .map((column) => `${column} = u.${column}`)
      .join(', ');
    parts.push(`update_${name} as (update ${name} t set ${assignments}
      from head, unnest(${arrayParameters(types, next)}) as u(${columns.join(', ')})
      where t.bucket = u.bucket and t.${table.key} = u.${table.key} returning 1)`);
    checks.push(`(select count(*) from update_${name}) = cardinality($${next}::int2[])`);
    next += columns.length;
  }
  const held = checks.length === 0 ? 'true' : checks.join(' and ');
  return `with ${parts.join(',\n')}
    select (select count(*)::int4 from head) as applied,
      1 / (case when not exists (select from head) or (${held}) then 1 else 0 end) as held`;
}

function balanceCheck(columns: readonly string[], types: readonly string[], first: number): string {
  const parameter = (column: string): string => {
    const index = columns.indexOf(column);
    return `$${first + index}::${types[index]}[]`;
  };
  return `not exists (select from unnest(${parameter('journal_id')}, ${parameter('currency')},
    ${parameter('amount_minor')}) as p(journal_id, currency, amount_minor)
    group by p.journal_id, p.currency having sum(p.amount_minor) <> 0)`;
}
