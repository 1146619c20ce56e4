import type { Prices, Resources } from './responses.ts';

/** Bytes of a transaction beside its raw data: the signature and its framing, and what nodes keep free for the result. */
const framingBytes = 65 + 8 + 64;

/** What a transaction is going to use. */
export interface Usage {
  /** With room for a state that changes until it gets into a block. */
  readonly energy: bigint;
  readonly rawBytes: number;
  readonly makesAccount: boolean;
}

/** What is tried takes a quarter less than what may be used. */
export function withMargin(energy: bigint): bigint {
  return energy + energy / 4n;
}

/** The limit for a call's energy, staked or burnt, in sun: nodes count both against it. */
export function feeLimitOf(energy: bigint, { energySun }: Prices): bigint {
  return energy * energySun;
}

/** Bytes that count as bandwidth. */
export function bandwidthOf(rawBytes: number): bigint {
  return BigInt(rawBytes + framingBytes);
}

/**
 * The most that is burnt for a transaction, in sun: energy beyond the sender's own, all of the bandwidth unless all of it
 * is staked for or free, and a new account.
 */
export function burntFor({ energy, makesAccount, rawBytes }: Usage, prices: Prices, own: Resources): bigint {
  const bytes = bandwidthOf(rawBytes);
  const hasBandwidth = own.stakedBandwidth >= bytes || own.freeBandwidth >= bytes;
  const missing = energy > own.energy ? energy - own.energy : 0n;
  return (
    missing * prices.energySun +
    (hasBandwidth ? 0n : bytes * prices.bandwidthSun) +
    (makesAccount ? prices.newAccountSun : 0n)
  );
}
