import { createOrganisation, drawKey, printKey } from './resources/api-keys/commands.ts';
import { findActiveKeys, listEnvironments } from './resources/api-keys/queries.ts';
import type { Db } from './store/database.ts';
import type { Pool } from './store/pool.ts';
import { sqlState } from './store/transaction.ts';
import type { Writer } from './writer/writer.ts';

/** The keys of a new organisation, in full. */
export interface MadeKeys {
  readonly testKey: string;
  readonly liveKey: string;
}

/**
 * Creates the organisation of a new deployment, with a test and a live key.
 *
 * @returns the keys; undefined if there is an organisation already
 */
export async function ensureOrganisation(db: Db, writer: Writer): Promise<MadeKeys | undefined> {
  const environments = await listEnvironments(db);
  if (environments.length > 0) return undefined;
  const keys = { test: drawKey(), live: drawKey() };
  try {
    await writer.submit(createOrganisation('default', keys, 0));
  } catch (error) {
    // Another process that started concurrently created it.
    if (sqlState(error) === '23505') return undefined;
    throw error;
  }
  return { testKey: printKey('test', keys.test), liveKey: printKey('live', keys.live) };
}

/** @returns the key if it is valid in this database, else null */
export async function stillValid(pool: Pool, key: string | null | undefined): Promise<string | null> {
  const prefix = key?.split('_')[2];
  if (!key || prefix === undefined) return null;
  return (await findActiveKeys(pool, [prefix])).has(prefix) ? key : null;
}
