import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import type { TestProject } from 'vitest/node';
import {
  type EmbeddedServer,
  removeEmbedded,
  startEmbedded,
} from '../../server/src/embedded-postgres/embedded.ts';
import { createLogger } from '../../server/src/platform/logger.ts';
import { createPool } from '../../server/src/store/pool.ts';
import { prepareSchema } from '../../server/src/store/roles.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /**
     * The embedded PostgreSQL of this run, as the role that owns its databases and may make more; `template_openledger` is
     * migrated and empty.
     */
    databaseUrl: string;
    /** The same as the role that serves. */
    servingUrl: string;
    /** The same as the superuser. */
    superuserUrl: string;
  }
}

/** The servers of several test files run concurrently, some files start four. */
const maxConnections = 400;

/** What the tests are given, and what ends it. */
interface Started extends Record<'databaseUrl' | 'servingUrl' | 'superuserUrl', string> {
  stop(): Promise<void>;
}

/** The projects of a run share one PostgreSQL; each loads this file anew. */
const shared = globalThis as { openledgerTestPostgres?: { started: Promise<Started>; users: number } };

/** Starts one real PostgreSQL for the whole run, with a migrated database that every test file clones. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.openledgerTestPostgres ??= { started: start(), users: 0 };
  const { openledgerTestPostgres: own } = shared;
  own.users += 1;
  const { databaseUrl, servingUrl, stop, superuserUrl } = await own.started;
  project.provide('databaseUrl', databaseUrl);
  project.provide('servingUrl', servingUrl);
  project.provide('superuserUrl', superuserUrl);
  return async () => {
    own.users -= 1;
    if (own.users > 0) return;
    delete shared.openledgerTestPostgres;
    await stop();
  };
}

async function start(): Promise<Started> {
  const dataDir = await mkdtemp(join(tmpdir(), 'openledger-test-'));
  const server = await startEmbedded({ dataDir, logger: createLogger('silent'), maxConnections });
  const superuserUrl = await superuserOf(dataDir, server);
  const superuser = new Client(superuserUrl);
  await superuser.connect();
  // The owner role of a deployment makes no databases; here it makes one for each test file.
  await superuser.query('alter role openledger_owner createdb');
  await superuser.end();
  const client = new Client(server.migrationUrl);
  await client.connect();
  await client.query('create database template_openledger');
  await client.end();
  const pool = createPool(templateOf(server.url), 'migrate');
  const folder = fileURLToPath(new URL('../../server/migrations', import.meta.url));
  await prepareSchema(pool, templateOf(server.migrationUrl), folder);
  await pool.end();
  return {
    databaseUrl: server.migrationUrl,
    servingUrl: server.url,
    superuserUrl,
    async stop() {
      await server.stop();
      await removeEmbedded(dataDir);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function superuserOf(dataDir: string, server: EmbeddedServer): Promise<string> {
  const { superuser } = JSON.parse(await readFile(join(dataDir, 'postgres.json'), 'utf8'));
  const url = new URL(server.url);
  url.username = 'postgres';
  url.password = superuser;
  return url.href;
}

function templateOf(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.pathname = '/template_openledger';
  return url.href;
}
