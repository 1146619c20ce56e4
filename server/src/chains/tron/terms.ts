import type { Block } from '../port.ts';
import { blockReferenceOf, type TronEnvelope } from './transaction.ts';

/** Validity and cost of a transaction. */
export interface TronTerms {
  /** A final block. The transaction is valid only in chains that contain it, and only after it. */
  readonly reference: Block;
  /** The time of that block; 0 in terms from before it was kept. */
  readonly referenceMs: number;
  /** The newest block's time when the terms were created. */
  readonly madeAtMs: number;
  /** No block after one with this time can contain the transaction. */
  readonly expirationMs: number;
  readonly feeLimitSun: bigint;
  /** The energy that it may use, staked or burnt. */
  readonly energy: bigint;
}

/** Encodes terms for storage with an attempt. */
export function writeTerms(terms: TronTerms): string {
  const { energy, expirationMs, feeLimitSun, madeAtMs, reference, referenceMs } = terms;
  return [reference.height, reference.id, madeAtMs, expirationMs, feeLimitSun, energy, referenceMs].join('/');
}

/** Decodes the output of `writeTerms`. */
export function readTerms(text: string): TronTerms {
  const [
    height = '',
    id = '',
    madeAtMs = '',
    expirationMs = '',
    feeLimitSun = '',
    energy = '',
    referenceMs = '0',
  ] = text.split('/');
  return {
    reference: { height: Number(height), id },
    referenceMs: Number(referenceMs),
    madeAtMs: Number(madeAtMs),
    expirationMs: Number(expirationMs),
    feeLimitSun: BigInt(feeLimitSun),
    energy: BigInt(energy),
  };
}

/** Payments whose slots are this far apart may have equal bytes: many more than are ever pending together. */
const distinctSlots = 100_000n;

/**
 * The fields of a transaction other than its contract.
 *
 * @param sequence the payment's slot in the send queue. It changes the transaction's own timestamp, which nodes ignore, and so keeps
 *   two payments of one amount to one address from being the same transaction.
 */
export function envelopeOf(terms: TronTerms, sequence: bigint): TronEnvelope {
  const { expirationMs, feeLimitSun, madeAtMs, reference } = terms;
  return {
    ...blockReferenceOf(reference),
    expirationMs,
    timestampMs: madeAtMs - Number(sequence % distinctSlots),
    feeLimitSun,
  };
}
