import { type Clock, toIsoTime } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import { createSeed, openSeed, type StoredSeed, sealAbsence, sealSeed, seedFromWords } from './seed.ts';

/**
 * Opens the deployment's master seed; makes it on the first start. Of several processes that start at once, one makes
 * it and the others take that one.
 *
 * @returns the 64 bytes of the seed, which the caller wipes
 * @throws ConfigError when the seed was sealed under another master key, or is kept by a signer apart
 */
export async function openMasterSeed(pool: Pool, vault: Vault, clock: Clock): Promise<Uint8Array> {
  await putIfMissing(pool, sealSeed(vault, createSeed()), clock);
  const stored = await readStoredSeed(pool, vault);
  if (stored && 'words' in stored) return seedFromWords(stored.words);
  throw new ConfigError(
    'OPENLEDGER_SIGNER_SOCKET: the seed of this database is kept by a signer of its own. Give its socket.',
  );
}

/**
 * Makes sure that the database has no seed and belongs to the signer.
 *
 * @param treasury the signer's address on EVM chains
 * @throws ConfigError when there is a seed, or it is another signer's database
 */
export async function requireSeedApart(
  pool: Pool,
  vault: Vault,
  clock: Clock,
  treasury: string,
): Promise<void> {
  await putIfMissing(pool, sealAbsence(vault, treasury), clock);
  const stored = await readStoredSeed(pool, vault);
  if (stored && 'words' in stored) {
    stored.words.fill(0);
    throw new ConfigError(
      'OPENLEDGER_SIGNER_SOCKET: the database still has its seed. Take it out with: npx openledger seed detach FILE',
    );
  }
  if (stored?.treasury !== treasury) {
    throw new ConfigError('OPENLEDGER_SIGNER_SOCKET: this signer has another seed than this database.');
  }
}

/**
 * The seed of the database, or what stands in its place; undefined before the first start.
 *
 * @throws ConfigError when it was sealed under another master key
 */
export async function readStoredSeed(pool: Pool, vault: Vault): Promise<StoredSeed | undefined> {
  const { rows } = await pool.query<{ sealed: string }>('select sealed from master_seeds where id = 1');
  if (!rows[0]) return undefined;
  try {
    return openSeed(vault, rows[0].sealed);
  } catch {
    throw new ConfigError(
      'OPENLEDGER_MASTER_KEY: the data in this database was encrypted with another master key. Give that key; ' +
        'without it the wallets of this database are lost, unless you have a backup of their seed.',
    );
  }
}

/** Puts another sealed seed, or what stands for it, in the place of the one that is there. */
export async function replaceStoredSeed(pool: Pool, sealed: string, clock: Clock): Promise<void> {
  await pool.query(
    `insert into master_seeds (id, sealed, created_at) values (1, $1, $2)
      on conflict (id) do update set sealed = excluded.sealed`,
    [sealed, toIsoTime(clock.now())],
  );
}

async function putIfMissing(pool: Pool, sealed: string, clock: Clock): Promise<void> {
  await pool.query(
    `insert into master_seeds (id, sealed, created_at)
      select 1, $1, $2 where not exists (select from master_seeds) on conflict do nothing`,
    [sealed, toIsoTime(clock.now())],
  );
}
