/**
 * `npm run schema`: writes the files that are committed with a migration: the schema of a new database, and data of that schema
 * for the upgrade test. Tests compare the first and upgrade the second. The data of a migration is written once and never
 * changed: it represents the databases of that time.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withOwnServer } from './own-server.mjs';
import { prepare } from './prepare.mjs';
import { readSchema } from './schema/catalog.mjs';
import { playUpgradeData } from './schema/play.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The master key of the upgrade test. */
process.env.OPENLEDGER_MASTER_KEY = '07'.repeat(32);

const newest = readdirSync(join(root, 'server/migrations')).sort().at(-1)?.slice(0, 4);
const fixture = `test/support/fixtures/upgrade/${newest}.json`;

await prepare('develop');
const { Client } = await import('pg').then(({ default: pg }) => pg);
await withOwnServer(
  async (server) => {
    const db = new Client(server.databaseUrl);
    await db.connect();
    try {
      const schema = await readSchema(db);
      write('server/schema.snapshot.json', schema, `${Object.keys(schema.tables).length} tables`);
      if (existsSync(join(root, fixture))) return;
      const about = await playUpgradeData(server);
      write(fixture, { about, tables: await readRows(db, Object.keys(schema.tables)) }, 'new');
    } finally {
      await db.end();
    }
  },
  ['--show-secrets', '--sandbox-step-ms', '20'],
);

/** The rows of all tables that have any. */
async function readRows(db, tables) {
  const rows = {};
  for (const table of tables) {
    const found = await db.query(`select json_agg(t) as rows from ${table} t`);
    if (found.rows[0].rows !== null) rows[table] = found.rows[0].rows;
  }
  return rows;
}

function write(file, value, said) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), `${JSON.stringify(value, null, 2)}\n`);
  process.stdout.write(`${file}: ${said}\n`);
}
