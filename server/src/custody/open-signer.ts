import type { Clock } from '../platform/clock.ts';
import { ConfigError } from '../platform/config.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import type { SignerPolicy } from './policy.ts';
import { connectSigner } from './remote-signer.ts';
import { openMasterSeed, requireSeedApart } from './seed-store.ts';
import { createLocalSigner, type Signer } from './signer.ts';
import { createSpendTable } from './spend-table.ts';
import type { ProofKey } from './transfer-proof.ts';

interface SignerPlace {
  readonly pool: Pool;
  readonly vault: Vault;
  readonly clock: Clock;
  /** What a signer in this process may sign; one that runs apart has its own. */
  readonly policy: SignerPolicy;
  /** What a signer in this process checks transfers' proofs with now. */
  readonly proofKeys: () => readonly ProofKey[];
  /** Of a signer that runs apart; undefined when this process is to sign. */
  readonly socket: string | undefined;
}

/**
 * Opens the signer: in this process, with the seed of the database, or apart. With it apart this process never has the
 * seed, and the database has none either.
 *
 * @throws ConfigError when the seed is not where the setting says, or the signer cannot be reached
 */
export async function openSigner({
  clock,
  policy,
  pool,
  proofKeys,
  socket,
  vault,
}: SignerPlace): Promise<Signer & { close(): void }> {
  if (socket === undefined) {
    const seed = await openMasterSeed(pool, vault, clock);
    const signer = createLocalSigner(seed, { policy, book: createSpendTable(pool, clock), clock, proofKeys });
    seed.fill(0);
    return { ...closable(signer), close: () => undefined };
  }
  const signer = connectSigner(socket);
  try {
    const treasury = (await signer.treasuryAddresses()).find(({ chain }) => chain === 'ethereum');
    await requireSeedApart(pool, vault, clock, treasury?.address ?? '');
    return signer;
  } catch (error) {
    signer.close();
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`OPENLEDGER_SIGNER_SOCKET: ${(error as Error).message} (${socket})`);
  }
}

/** The operations of a signer do not show when it is copied: they are named here. */
function closable({ depositAddresses, sign, signAuthorization, treasuryAddresses }: Signer): Signer {
  return { depositAddresses, sign, signAuthorization, treasuryAddresses };
}
