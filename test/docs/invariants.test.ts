import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checks } from '../../server/src/ledger/verify-checks.ts';
import { createPool, type Pool } from '../../server/src/store/pool.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';

/** Everything that docs/invariants.md names is there: constraints in the database, code, tests. */

const root = join(import.meta.dirname, '../..');
const docs = join(root, 'docs');
const text = readFileSync(join(docs, 'invariants.md'), 'utf8');

interface Invariant {
  readonly number: number;
  readonly database: string;
  readonly code: string;
  readonly tests: string;
}

const invariants = text
  .split(/^(?=\d+\. \*\*)/m)
  .slice(1)
  .map((item): Invariant => {
    const part = (from: string, to: string): string =>
      new RegExp(`^ +${from}:([\\s\\S]*?)(?=^ +${to}:|^##|$(?![\\s\\S]))`, 'm').exec(item)?.[1]?.trim() ?? '';
    return {
      number: Number.parseInt(item, 10),
      database: part('Database', 'Code'),
      code: part('Code', 'Tests?'),
      tests: part('Tests?', 'never'),
    };
  });

const named = (part: string): string[] => [...part.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
const linked = (part: string): string[] =>
  [...part.matchAll(/\]\(([^)]+)\)/g)].map(([, path]) => join(docs, path as string));

/** The text of all sources: what is named as code stands somewhere in it. */
const sources = readdirSync(join(root, 'server/src'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  .map((name) => readFileSync(join(root, 'server/src', name), 'utf8'))
  .join('\n');

/** Kinds of problems that are no statement of the database's. */
const kinds = [
  ...checks.map(({ kind }) => kind),
  'trial_balance',
  'chain_broken',
  'row_not_authentic',
  'deposit_address_wrong',
];

let database: TestDatabase;
let pool: Pool;
/** Names of tables, `table.column`s, constraints and indexes. */
let names: Set<string>;
/** What constraints and indexes say. */
let definitions: string[];
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool(database.url, 'test');
  const { rows } = await pool.query<{ name: string; definition: string | null }>(`
    select conname::text as name, pg_get_constraintdef(oid) as definition from pg_constraint
      where connamespace = 'public'::regnamespace
    union all select indexname, indexdef from pg_indexes where schemaname = 'public'
    union all select table_name, null from information_schema.tables where table_schema = 'public'
    union all select table_name || '.' || column_name, null from information_schema.columns
      where table_schema = 'public'`);
  names = new Set(rows.map(({ name }) => name));
  definitions = rows.flatMap(({ definition }) => definition ?? []);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Whether the database has what a piece of text names: a constraint, an index, a table, a column, or a condition. */
function isInDatabase(piece: string): boolean {
  const column = /^[a-z_]+\.[a-z_]+/.exec(piece)?.[0];
  if (column !== undefined && !names.has(column)) return false;
  const condition = piece.slice(column?.length ?? 0).trim();
  if (condition === '') return true;
  if (names.has(condition) || /^(update|delete|truncate)$/.test(condition)) return true;
  // PostgreSQL prints conditions in its own way: every word and number of it is in one definition.
  const words = piece
    .slice(column === undefined ? 0 : column.indexOf('.') + 1)
    .match(/'[^']+'|\w+/g)
    ?.filter((word) => !/^(in|like|and|or)$/.test(word));
  return definitions.some((definition) => words?.every((word) => definition.includes(word)));
}

it('the invariants are numbered from one, without a gap', () => {
  expect(invariants.length).toBeGreaterThan(0);
  expect(invariants.map(({ number }) => number)).toEqual(invariants.map((_, index) => index + 1));
});

it('every link leads to a file', () => {
  const paths = linked(text);
  expect(paths.length).toBeGreaterThan(invariants.length);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
});

describe.each(invariants)('invariant $number', ({ code, database: guard, tests }) => {
  it('names constraints that the database has, or none', () => {
    expect(guard).not.toBe('');
    const inCode = (piece: string) => /^\w+$/.test(piece) && new RegExp(`\\b${piece}\\b`).test(sources);
    expect(named(guard).filter((piece) => !isInDatabase(piece) && !inCode(piece))).toEqual([]);
  });

  it('names code that is there', () => {
    expect([...linked(code), ...named(code)].length).toBeGreaterThan(0);
    const [, checked = ''] = /verify\s([\s\S]*)/.exec(code) ?? [];
    expect(named(checked).filter((kind) => !kinds.includes(kind))).toEqual([]);
    const own = linked(code).filter((path) => path.endsWith('.ts'));
    const texts = own.map((path) => readFileSync(path, 'utf8')).join('\n') || sources;
    const missing = named(code).filter(
      (name) => !kinds.includes(name) && !new RegExp(`\\b${name}\\b`).test(texts) && !sources.includes(name),
    );
    expect(missing).toEqual([]);
  });

  it('names a test', () => {
    expect(linked(tests).some((path) => path.endsWith('.test.ts'))).toBe(true);
  });
});

it('what is not in the database is found to be missing', () => {
  for (const piece of [
    'accounts_never',
    'accounts.colour',
    'amount_minor > 7777',
    '(environment_id, colour)',
  ])
    expect(isInDatabase(piece), piece).toBe(false);
});
