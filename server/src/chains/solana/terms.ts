/** The terms that a transaction is signed at. */
export interface SolanaTerms {
  readonly blockhash: string;
  /** After a block of this height (blocks counted, not slots) no other one takes it. */
  readonly lastValidBlockHeight: number;
  /** A final slot before the transaction was signed: whatever becomes of it is after that. */
  readonly slot: number;
  /** Whether it makes the receiver's account. */
  readonly isCreating: boolean;
}

/** The terms as they are kept with an attempt. */
export function writeTerms({ blockhash, isCreating, lastValidBlockHeight, slot }: SolanaTerms): string {
  return [blockhash, lastValidBlockHeight, slot, isCreating ? 1 : 0].join('/');
}

/** What `writeTerms` wrote. */
export function readTerms(text: string): SolanaTerms {
  const [blockhash = '', lastValidBlockHeight = '', slot = '', isCreating = ''] = text.split('/');
  return {
    blockhash,
    lastValidBlockHeight: Number(lastValidBlockHeight),
    slot: Number(slot),
    isCreating: isCreating === '1',
  };
}
