import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { inject } from 'vitest';

/** A database of its own, cloned from the migrated template. */
export interface TestDatabase {
  /** As the role that owns it. */
  readonly url: string;
  /** As the role that serves, with its grants only: for everything that is under test. */
  readonly servingUrl: string;
  drop(): Promise<void>;
}

/** Makes a fresh database for a test file. */
export function createDatabase(): Promise<TestDatabase> {
  return cloneDatabase('template_openledger');
}

/** Copies a database as it is now, as a backup of this moment would be restored. Nothing may be connected to it. */
export async function copyDatabase({ databaseUrl }: { readonly databaseUrl: string }): Promise<TestDatabase> {
  const name = new URL(databaseUrl).pathname.slice(1);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await cloneDatabase(name);
    } catch (error) {
      if (!/being accessed/.test((error as Error).message) || attempt === dropAttempts) throw error;
      await sleep(dropPauseMs);
    }
  }
}

async function cloneDatabase(template: string): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = inject('databaseUrl');
  await runSql(admin, `create database ${name} template ${template}`);
  const [url, servingUrl] = [admin, inject('servingUrl')].map((base) => {
    const named = new URL(base);
    named.pathname = `/${name}`;
    return named.href;
  }) as [string, string];
  return { url, servingUrl, drop: () => dropDatabase(name) };
}

const dropAttempts = 20;
const dropPauseMs = 250;

/** Drops a database of the test run's PostgreSQL. Vacuum workers belong to another role and may not be ended: they are waited for. */
export async function dropDatabase(name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await runSql(inject('databaseUrl'), `drop database if exists ${name} with (force)`);
    } catch (error) {
      const isVacuumed = /terminate process|being accessed/.test((error as Error).message);
      if (!isVacuumed || attempt === dropAttempts) throw error;
      await sleep(dropPauseMs);
    }
  }
}

/** Runs statements on a connection of their own. */
export async function runSql(databaseUrl: string, sql: string): Promise<void> {
  const client = new Client(databaseUrl);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
