import type { Clock } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import type { SignerPolicy } from './policy.ts';
import { connectSigner } from './remote-signer.ts';
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
    const signer = createLocalSigner(seed, { policy, book: createSpendTable(pool, clock), clock, proofKeys });
    seed.fill(0);
    return { ...closable(signer), close: () => undefined };
  }
  const signer = connectSigner(socket);
  try {
    const treasury = (await signer.treasuryAddresses()).find(({ chain }) => chain === 'ethereum');
    await requireDetachedSeed(pool, vault, clock, treasury?.address ?? '');
    return signer;
  } catch (error) {
    signer.close();
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`OPENLEDGER_SIGNER_SOCKET: ${(error as Error).message} (${socket})`);
  }
}

/** Copies a signer's operations, which are not enumerable. */
function closable({ depositAddresses, sign, signAuthorization, treasuryAddresses }: Signer): Signer {
  return { depositAddresses, sign, signAuthorization, treasuryAddresses };
}
