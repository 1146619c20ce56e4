import { type Clock, toIsoTime } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import { createSeed, openSeed, type StoredSeed, sealAbsence, sealSeed, seedFromWords } from './seed.ts';

/**
 * Opens the deployment's master seed, and creates it on the first start. If several processes start concurrently, all use the same
 * seed.
 *
 * @returns the 64 bytes of the seed, which the caller wipes
 * @throws ConfigError if the seed was sealed under another master key, or if a separate signer keeps it
 */
export async function openMasterSeed(pool: Pool, vault: Vault, clock: Clock): Promise<Uint8Array> {
  await putIfMissing(pool, sealSeed(vault, createSeed()), clock);
  const stored = await readStoredSeed(pool, vault);
  if (stored && 'words' in stored) return seedFromWords(stored.words);
  throw new ConfigError(
    'OPENLEDGER_SIGNER_SOCKET: must be set, because a separate signer keeps the seed of this database.',
  );
}

/**
 * Verifies that the database has no seed and belongs to the separate signer.
 *
 * @param treasury the signer's treasury address on EVM chains
 * @throws ConfigError if the database has a seed, or belongs to another signer
 */
export async function requireDetachedSeed(
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
      'OPENLEDGER_SIGNER_SOCKET: the database must not contain the seed. Remove it with: npx openledger seed detach FILE',
    );
  }
  if (stored?.treasury !== treasury) {
    throw new ConfigError(
      'OPENLEDGER_SIGNER_SOCKET: the signer must have the seed of this database; it has another one.',
    );
  }
}

/**
 * Reads the seed of the database, or the treasury of the separate signer that keeps it; undefined before the first start.
 *
 * @throws ConfigError if it was sealed under another master key
 */
export async function readStoredSeed(pool: Pool, vault: Vault): Promise<StoredSeed | undefined> {
  const { rows } = await pool.query<{ sealed: string }>('select sealed from master_seeds where id = 1');
  if (!rows[0]) return undefined;
  try {
    return openSeed(vault, rows[0].sealed);
  } catch {
    throw new ConfigError(
      'OPENLEDGER_MASTER_KEY: must be the key that this database was encrypted with. Without that key, the wallets of ' +
        'this database can only be recovered from a backup of their seed.',
    );
  }
}

/** Replaces the sealed seed, or the reference to a separate signer. */
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
