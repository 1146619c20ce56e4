/** How many blocks a blockhash stays valid after its own (`MAX_PROCESSING_AGE`). */
export const blockhashBlocks = 150;

/** Validity and cost of a transaction. */
export interface SolanaTerms {
  readonly blockhash: string;
  /** No block above this height (of blocks, not slots) can contain the transaction. */
  readonly lastValidBlockHeight: number;
  /** A final slot before the transaction was signed: it can only land after it. */
  readonly slot: number;
  /** Whether it creates the receiver's account. */
  readonly isCreating: boolean;
}

/** Encodes terms for storage with an attempt. */
export function writeTerms({ blockhash, isCreating, lastValidBlockHeight, slot }: SolanaTerms): string {
  return [blockhash, lastValidBlockHeight, slot, isCreating ? 1 : 0].join('/');
}

/** Decodes the output of `writeTerms`. */
export function readTerms(text: string): SolanaTerms {
  const [blockhash = '', lastValidBlockHeight = '', slot = '', isCreating = ''] = text.split('/');
  return {
    blockhash,
    lastValidBlockHeight: Number(lastValidBlockHeight),
    slot: Number(slot),
    isCreating: isCreating === '1',
  };
}
