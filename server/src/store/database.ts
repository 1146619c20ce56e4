import { Kysely, PostgresDialect } from 'kysely';
import type { Pool } from './pool.ts';
import { preparingPool } from './prepared.ts';
import type { RowGuard } from './row-guard.ts';
import type { Database } from './tables.ts';

/** Typed queries, for statements that are composed at run time: lists and their filters. */
export type Db = Kysely<Database> & {
  /** The pool's guard, which checks the rows that queries return. */
  readonly guard: RowGuard;
};

/** Wraps a pool for typed queries. */
export function createDb(pool: Pool): Db {
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool: preparingPool(pool) }) });
  return Object.defineProperty(db, 'guard', { get: () => pool.guard }) as Db;
}
