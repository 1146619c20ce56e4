import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import { createLogger } from '../../server/src/platform/logger.ts';
import { removeEmbedded, startEmbedded } from '../../server/src/store/embedded.ts';
import { migrate } from '../../server/src/store/migrate.ts';
import { createPool } from '../../server/src/store/pool.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The embedded PostgreSQL of this run; its database `template_openledger` is migrated and empty. */
    databaseUrl: string;
  }
}

/** Starts one real PostgreSQL for the whole run, with a migrated database that every test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dataDir = await mkdtemp(join(tmpdir(), 'openledger-test-'));
  const server = await startEmbedded({ dataDir, logger: createLogger('silent') });
  const client = new Client(server.url);
  await client.connect();
  await client.query('create database template_openledger');
  await client.end();
  const url = new URL(server.url);
  url.pathname = '/template_openledger';
  const pool = createPool(url.href, 'migrate');
  await migrate(pool, fileURLToPath(new URL('../../server/migrations', import.meta.url)));
  await pool.end();
  project.provide('databaseUrl', server.url);
  return async () => {
    await server.stop();
    await removeEmbedded(dataDir);
    await rm(dataDir, { recursive: true, force: true });
  };
}
