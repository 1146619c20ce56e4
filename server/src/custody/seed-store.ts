import { type Clock, toIsoTime } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import { createSeed, openSeed, sealSeed } from './seed.ts';

/**
 * Opens the deployment's master seed; makes it on the first start. Of several processes that start at once, one makes
 * it and the others take that one.
 *
 * @returns the mnemonic
 * @throws ConfigError when the seed was sealed under another master key
 */
export async function openMasterSeed(pool: Pool, vault: Vault, clock: Clock): Promise<string> {
  await pool.query(
    `insert into master_seeds (id, sealed, created_at)
      select 1, $1, $2 where not exists (select from master_seeds) on conflict do nothing`,
    [sealSeed(vault, createSeed()), toIsoTime(clock.now())],
  );
  const { rows } = await pool.query<{ sealed: string }>('select sealed from master_seeds where id = 1');
  try {
    return openSeed(vault, rows[0]?.sealed ?? '');
  } catch {
    throw new ConfigError(
      'OPENLEDGER_MASTER_KEY: the data in this database was encrypted with another master key. Give that key; ' +
        'without it the wallets of this database are lost.',
    );
  }
}
