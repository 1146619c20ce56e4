import type { Block } from '../port.ts';
import type { TronEnvelope } from './transaction.ts';

/** The terms that a transaction is signed at. */
export interface TronTerms {
  /** A block that is final: the transaction can get into no chain without it, and into no block before it. */
  readonly reference: Block;
  /** The newest block's time when the terms were made. */
  readonly madeAtMs: number;
  /** After a block of this time no other one takes it. */
  readonly expirationMs: number;
  readonly feeLimitSun: bigint;
  /** What it may use, staked for or burnt. */
  readonly energy: bigint;
}

/** The terms as they are kept with an attempt. */
export function writeTerms(terms: TronTerms): string {
  const { energy, expirationMs, feeLimitSun, madeAtMs, reference } = terms;
  return [reference.height, reference.id, madeAtMs, expirationMs, feeLimitSun, energy].join('/');
}

/** What `writeTerms` wrote. */
export function readTerms(text: string): TronTerms {
  const [height = '', id = '', madeAtMs = '', expirationMs = '', feeLimitSun = '', energy = ''] =
    text.split('/');
  return {
    reference: { height: Number(height), id },
    madeAtMs: Number(madeAtMs),
    expirationMs: Number(expirationMs),
    feeLimitSun: BigInt(feeLimitSun),
    energy: BigInt(energy),
  };
}

/** Payments whose places are so far apart may have the same bytes: far more than are ever on their way together. */
const placesApart = 100_000n;

/**
 * What the transaction carries beside its contract.
 *
 * @param sequence the payment's place in its sender's order. Two payments of one amount to one address would be one
 *   transaction if nothing told them apart; nodes do not look at the time that a transaction gives for itself.
 */
export function envelopeOf(terms: TronTerms, sequence: bigint): TronEnvelope {
  const { expirationMs, feeLimitSun, madeAtMs, reference } = terms;
  const height = Buffer.alloc(8);
  height.writeBigUInt64BE(BigInt(reference.height));
  return {
    refBlockBytes: height.subarray(6),
    refBlockHash: Buffer.from(reference.id, 'hex').subarray(8, 16),
    expirationMs,
    timestampMs: madeAtMs - Number(sequence % placesApart),
    feeLimitSun,
  };
}
