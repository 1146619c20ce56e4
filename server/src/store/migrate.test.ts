import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDatabase, runSql, type TestDatabase } from '../../../test/support/database.ts';
import { ConfigError } from '../platform/config.ts';
import { createPool } from './pool.ts';
import { prepareSchema } from './roles.ts';

const migrations = fileURLToPath(new URL('../../migrations', import.meta.url));

let database: TestDatabase;
beforeEach(async () => {
  database = await createDatabase();
});
afterEach(() => database.drop());

async function prepare(migrationUrl?: string): Promise<void> {
  const pool = createPool(database.servingUrl, 'test', { max: 1 });
  try {
    await prepareSchema(pool, migrationUrl, migrations);
  } finally {
    await pool.end();
  }
}

it('refuses the database of an unreleased build, and says what to do', async () => {
  await runSql(database.url, `update kysely_migration set name = '0001_spine' where name = '0001_initial'`);
  for (const migrationUrl of [undefined, database.url]) {
    const start = prepare(migrationUrl);
    await expect(start).rejects.toThrow(ConfigError);
    await expect(start).rejects.toThrow(
      'The database was made by an unreleased build of OpenLedger (migration 0001_spine), whose schema cannot be upgraded. ' +
        'Start with a new database: set DATABASE_URL to an empty one or, for the embedded PostgreSQL, OPENLEDGER_DATA_DIR ' +
        '(--data-dir) to a new directory.',
    );
  }
});
