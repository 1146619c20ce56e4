import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kysely, PostgresDialect, sql } from 'kysely';
import { type Migration, type MigrationProvider, Migrator } from 'kysely/migration';
import { ConfigError } from '../platform/config.ts';
import type { Pool } from './pool.ts';

/** The first migration of the builds before the first release, which numbered their migrations otherwise. */
const unreleasedMigration = '0001_spine';

async function fileNames(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
}

/** The numbered SQL files of `server/migrations` as migrations. They only go up: a mistake is corrected by a new file. */
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

/** The names of the migrations that ran; none for an empty database. */
async function listApplied(pool: Pool): Promise<Set<string>> {
  const { rows: tables } = await pool.query<{ exists: boolean }>(
    `select to_regclass('kysely_migration') is not null as exists`,
  );
  if (!tables[0]?.exists) return new Set();
  const { rows } = await pool.query<{ name: string }>('select name from kysely_migration');
  const applied = new Set(rows.map(({ name }) => name));
  if (!applied.has(unreleasedMigration)) return applied;
  throw new ConfigError(
    `The database was made by an unreleased build of OpenLedger (migration ${unreleasedMigration}), whose schema cannot ` +
      'be upgraded. Start with a new database: set DATABASE_URL to an empty one or, for the embedded PostgreSQL, ' +
      'OPENLEDGER_DATA_DIR (--data-dir) to a new directory.',
  );
}

/**
 * The names of the migrations that the database lacks. Only reads.
 *
 * @param folder where the SQL files are
 * @throws ConfigError when an unreleased build made the database
 */
export async function listPending(pool: Pool, folder: string): Promise<string[]> {
  const applied = await listApplied(pool);
  return (await fileNames(folder))
    .map((name) => name.replace(/\.sql$/, ''))
    .filter((name) => !applied.has(name));
}

/**
 * Brings the database's schema up to date. Several processes may call this concurrently: one migrates, the others wait.
 *
 * @param folder where the SQL files are
 * @returns the names of the migrations that this call applied
 * @throws ConfigError when an unreleased build made the database
 * @throws Error naming the migration that failed
 */
export async function migrate(pool: Pool, folder: string): Promise<string[]> {
  await listApplied(pool);
  // The pool outlives this Kysely, which is therefore never destroyed.
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  // Branches are merged in any order: a file may have a lower number than one that has run already.
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
