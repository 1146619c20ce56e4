import type { PriorityPolicy } from '../fee-config.ts';
import { programs, type TokenProgram } from './programs.ts';

/** The network's fee per signature (Solana documentation, Fees). */
const lamportsPerSignature = 5000n;
/** The balance that keeps a byte for good (Solana documentation, Accounts: Rent). */
const lamportsPerByte = 6960n;
/** An upper bound of the rent of a listed token's account. */
const accountLamports = 4_200_000n;

/** What a transaction is charged for. */
export interface Charges {
  readonly signatures: number;
  /** The compute unit limit, which is charged whatever is used. */
  readonly units: number;
  readonly microLamports: bigint;
  /** Whether it creates the receiver's account. */
  readonly isCreating: boolean;
}

/**
 * Decides the price per compute unit: what three of four recent blocks took at least, within the limits of the configuration.
 *
 * @param recent the lowest price in each recent block, in micro-lamports, as a node reports it; in any order
 */
export function priorityPrice(recent: readonly bigint[], policy: PriorityPolicy): bigint {
  const { maxPriorityMicroLamports: most, priorityMicroLamports: least } = policy;
  const sorted = [...recent].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const usual = sorted[Math.floor((sorted.length * 3) / 4)] ?? 0n;
  if (usual < least) return least;
  return usual > most ? most : usual;
}

/** The rent of a token account: 165 bytes, or with the extensions of Token-2022 at most 200, and 128 bytes of the runtime's own. */
export function rentOf(program: TokenProgram): bigint {
  return (128n + (program === programs.token ? 165n : 200n)) * lamportsPerByte;
}

/** The maximum that a transaction takes from its payer, in lamports. */
export function maxLamports({ isCreating, microLamports, signatures, units }: Charges): bigint {
  const priority = (BigInt(units) * microLamports) / 1_000_000n + 1n;
  return BigInt(signatures) * lamportsPerSignature + priority + (isCreating ? accountLamports : 0n);
}
