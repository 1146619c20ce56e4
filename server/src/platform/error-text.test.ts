import { Kysely, PostgresDialect, sql } from 'kysely';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { safeMessage, safeStack } from './error-text.ts';
import { createLogger } from './logger.ts';

const secret = 'hunter2.ada@example.com';
let pool: Pool;
beforeAll(() => {
  pool = new Pool({ connectionString: inject('databaseUrl'), max: 1 });
});
afterAll(() => pool.end());

const table = `create temporary table if not exists people (
  id int primary key, email text constraint people_email unique, age int not null
    constraint people_age check (age > 0))`;
const insert = `insert into people values (1, '${secret}', 40)`;

/** Statements that fail, each with the value in another part of the error. */
const failing: [what: string, statements: string[], told: string[]][] = [
  ['a unique violation (detail)', [insert, insert.replace('(1', '(2')], ['23505', 'people_email', 'people']],
  [
    'a check violation (detail)',
    [`insert into people values (3, '${secret}', -1)`],
    ['23514', 'people_age', 'people'],
  ],
  ['a null (detail)', [`insert into people values (4, '${secret}', null)`], ['23502', 'age', 'people']],
  ['an invalid text (message)', [`select '${secret}'::uuid`], ['22P02']],
  ['an invalid time (message)', [`select '${secret}'::timestamptz`], ['22007']],
  [
    'an exception of a function (message, where)',
    [`do $$ begin raise exception '${secret}'; end $$`],
    ['P0001'],
  ],
  [
    'an exception with a hint',
    [`do $$ begin raise exception 'x' using hint = '${secret}', detail = '${secret}'; end $$`],
    ['P0001'],
  ],
  [
    'a statement inside a function (internalQuery)',
    [`do $$ begin execute 'select ''${secret}''::int'; end $$`],
    ['22P02'],
  ],
  ['a wrong statement (message)', [`select "${secret}"`], ['42703']],
];

async function errorOf(statements: readonly string[]): Promise<Error> {
  await pool.query(table);
  await pool.query('truncate people');
  for (const statement of statements) {
    const error = await pool.query(statement).catch((cause: unknown) => cause);
    if (error instanceof Error) return error;
  }
  throw new Error('No statement has failed');
}

async function errorByKysely(): Promise<Error> {
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) });
  const error = await sql`select ${secret}::uuid`.execute(db).catch((cause: unknown) => cause);
  if (error instanceof Error) return error;
  throw new Error('The statement has not failed');
}

/** What wraps a database's error: causes, collections, and errors that repeat its message. */
const wrapped: [how: string, wrap: (error: Error) => Error][] = [
  ['as it is', (error) => error],
  ['as a cause', (cause) => new Error('the batch failed', { cause })],
  ['as the cause of a cause', (cause) => new Error('outer', { cause: new TypeError('inner', { cause }) })],
  ['repeated in a message', (cause) => new Error(`the batch failed: ${cause.message}`, { cause })],
  ['in an AggregateError', (error) => new AggregateError([new Error('other'), error], 'both failed')],
  [
    'in a cause’s AggregateError',
    (error) => new Error('x', { cause: new AggregateError([error], error.message) }),
  ],
  [
    'with the error attached',
    (error) => Object.assign(new Error('x', { cause: error }), { original: error }),
  ],
];

function logged(err: unknown): string {
  let text = '';
  const write = (line: string): void => {
    text += line;
  };
  createLogger('info', { write }).error({ err }, 'failed');
  return text;
}

describe.each(failing)('the error of %s', (_what, statements, told) => {
  it.each(wrapped)('is logged %s by code and names, without a value', async (_how, wrap) => {
    const error = await errorOf(statements);
    const carried = JSON.stringify({ ...error, message: error.message });
    expect(carried).toContain(secret);
    const text = logged(wrap(error));
    expect(text).not.toContain('hunter2');
    for (const part of told) expect(text).toContain(part);
    expect(text).toMatch(/error-text\.test\.ts|pg-pool|pg\/lib/);
  });

  it('is shown to a user in the same way', async () => {
    const error = await errorOf(statements);
    for (const [, wrap] of wrapped) {
      expect(safeMessage(wrap(error))).not.toContain('hunter2');
      expect(safeStack(wrap(error))).not.toContain('hunter2');
    }
    for (const part of told) expect(safeMessage(error)).toContain(part);
  });
});

it('holds for errors by way of kysely', async () => {
  const text = logged(await errorByKysely());
  expect(text).toContain('22P02');
  expect(text).not.toContain('hunter2');
});

it('ends where an error is its own cause', () => {
  const error = new Error('round');
  error.cause = error;
  expect(logged(error)).toContain('round');
});

it('leaves other errors their message', () => {
  const error = Object.assign(new Error('no such file'), { code: 'ENOENT' });
  expect(JSON.parse(logged(error)).err).toMatchObject({ message: 'no such file', code: 'ENOENT' });
  expect(safeMessage('a text')).toBe('a text');
});
