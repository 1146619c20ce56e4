import type { BlockReference } from '../signing.ts';
import { blockhashBlocks } from './transaction.ts';

/** Validity and cost of a transaction. */
export interface SolanaTerms {
  readonly blockhash: string;
  /** No block above this height (of blocks, not slots) can contain the transaction. */
  readonly lastValidBlockHeight: number;
  /** A final slot before the transaction was signed: it can only land after it. */
  readonly slot: number;
  /** Whether it creates the receiver's account. */
  readonly isCreating: boolean;
  /** The price per compute unit. 0 for attempts of earlier releases, whose price was that of the configuration. */
  readonly microLamports: bigint;
}

/** Encodes terms for storage with an attempt. */
export function writeTerms(terms: SolanaTerms): string {
  const { blockhash, isCreating, lastValidBlockHeight, microLamports, slot } = terms;
  return [blockhash, lastValidBlockHeight, slot, isCreating ? 1 : 0, microLamports].join('/');
}

/** Decodes the output of `writeTerms`. */
export function readTerms(text: string): SolanaTerms {
  const [blockhash = '', lastValidBlockHeight = '', slot = '', isCreating = '', microLamports = ''] =
    text.split('/');
  return {
    blockhash,
    lastValidBlockHeight: Number(lastValidBlockHeight),
    slot: Number(slot),
    isCreating: isCreating === '1',
    microLamports: BigInt(microLamports),
  };
}

/** The block whose hash a transaction with these terms has. */
export function blockOf({ blockhash, lastValidBlockHeight }: SolanaTerms): BlockReference {
  return { height: lastValidBlockHeight - blockhashBlocks, id: blockhash, timeMs: 0 };
}
