import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import type { Pool } from './pool.ts';

async function fileNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
}

/** Reads the numbered SQL files of `server/migrations` as migrations. There is no way down: mend forwards. */
function sqlFiles(folder: string): MigrationProvider {
  return {
    async getMigrations() {
      const names = await fileNames(folder);
      const migrations: Record<string, Migration> = {};
      for (const name of names) {
        const text = await readFile(join(folder, name), 'utf8');
        migrations[name.replace(/\.sql$/, '')] = {
          up: (db) =>
            sql
              .raw(text)
              .execute(db)
              .then(() => undefined),
        };
      }
      return migrations;
    },
  };
}

/**
 * The migrations that the database lacks, by their names. Needs no more than to read.
 *
 * @param folder where the SQL files are
 */
export async function listPending(pool: Pool, folder: string): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('select name from kysely_migration');
  const applied = new Set(rows.map(({ name }) => name));
  return (await fileNames(folder))
    .map((name) => name.replace(/\.sql$/, ''))
    .filter((name) => !applied.has(name));
}

/**
 * Brings the database's schema up to date. Several processes may do so at once: the first one works, the rest wait.
 *
 * @param folder where the SQL files are
 * @returns the names of the migrations that were applied now
 * @throws Error naming the migration that failed
 */
export async function migrate(pool: Pool, folder: string): Promise<string[]> {
  // The pool outlives this Kysely, which is therefore never destroyed.
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  // Branches are merged in any order: a file's number may be below one that has run already.
  const migrator = new Migrator({ db, provider: sqlFiles(folder), allowUnorderedMigrations: true });
  const { error, results } = await migrator.migrateToLatest();
  if (error) {
    const failed = results?.find((result) => result.status === 'Error')?.migrationName;
    throw new Error(`Migration ${failed ?? '(none)'} failed`, { cause: error });
  }
  return (results ?? [])
    .filter((result) => result.status === 'Success')
    .map((result) => result.migrationName);
}
