import type { Clock } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import type { SignerPolicy } from './policy.ts';
import { connectSigner, type RemoteSigner } from './remote-signer.ts';
import { openMasterSeed, requireDetachedSeed } from './seed-store.ts';
import { createLocalSigner, type Signer } from './signer.ts';
import { createSpendTable } from './spend-table.ts';
import type { ProofKey } from './transfer-proof.ts';

interface SignerLocation {
  readonly pool: Pool;
  readonly vault: Vault;
  readonly clock: Clock;
  /** The policy of a signer in this process. A separate signer has its own. */
  readonly policy: SignerPolicy;
  /** Returns the current keys with which a signer in this process verifies proofs of transfers. */
  readonly proofKeys: () => readonly ProofKey[];
  /** The socket of a separate signer; undefined if this process signs. */
  readonly socket: string | undefined;
}

/**
 * Opens the signer: in this process, with the seed of the database, or a separate process. With a separate signer, neither this
 * process nor the database has the seed.
 *
 * @throws ConfigError if the seed is not where the setting requires it, or if the signer is unreachable
 */
export async function openSigner({
  clock,
  policy,
  pool,
  proofKeys,
  socket,
  vault,
}: SignerLocation): Promise<Signer & { close(): void }> {
  if (socket === undefined) {
    const seed = await openMasterSeed(pool, vault, clock);
    const signer = createLocalSigner(seed, { policy, book: createSpendTable(pool), clock, proofKeys });
    seed.fill(0);
    return { ...closable(signer), close: () => undefined };
  }
  const signer = connectSigner(socket);
  try {
    const treasury = (await signer.treasuryAddresses()).find(({ chain }) => chain === 'ethereum');
    await requireDetachedSeed(pool, vault, clock, treasury?.address ?? '');
    return await withKnownEntries(signer, pool);
  } catch (error) {
    signer.close();
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`OPENLEDGER_SIGNER_SOCKET: ${(error as Error).message} (${socket})`);
  }
}

/** Copies a signer's operations, which are not enumerable. */
function closable(signer: Signer): Signer {
  const { depositAddresses, lastSigned, sign, signAuthorization, status, treasuryAddresses } = signer;
  return { depositAddresses, lastSigned, sign, signAuthorization, status, treasuryAddresses };
}

/**
 * Tells a separate signer how many entries its record has had, and stores that in the database. Record and database are on different
 * disks: a record that was restored from an older copy refuses to sign.
 */
async function withKnownEntries(signer: RemoteSigner, pool: Pool): Promise<RemoteSigner> {
  const { rows } = await pool.query<{ entries: bigint }>('select entries from signer_records');
  let known = Number(rows[0]?.entries ?? 0);
  return {
    ...signer,
    async sign(request) {
      const signed = await signer.sign({ ...request, entries: known });
      if (signed.entries === undefined || signed.entries <= known) return signed;
      known = signed.entries;
      await pool.query(
        `insert into signer_records (id, entries) values (1, $1)
          on conflict (id) do update set entries = greatest(signer_records.entries, excluded.entries)`,
        [signed.entries],
      );
      return signed;
    },
  };
}
