import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { inject } from 'vitest';

/** A database of its own, cloned from the migrated template. */
export interface TestDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/** Makes a fresh database for a test file. */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const admin = inject('databaseUrl');
  await run(admin, `create database ${name} template template_openledger`);
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return { url: url.href, drop: () => drop(admin, name) };
}

const dropAttempts = 20;
const dropPauseMs = 250;

/** Vacuum workers belong to another user, who alone may end them: they are waited for. */
async function drop(admin: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await run(admin, `drop database if exists ${name} with (force)`);
    } catch (error) {
      const isVacuumed = /terminate process|being accessed/.test((error as Error).message);
      if (!isVacuumed || attempt === dropAttempts) throw error;
      await sleep(dropPauseMs);
    }
  }
}

async function run(databaseUrl: string, sql: string): Promise<void> {
  const client = new Client(databaseUrl);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
