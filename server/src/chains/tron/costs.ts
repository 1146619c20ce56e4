import type { Prices, Resources } from './responses.ts';

/** Bytes that count in addition to the raw data: the signature with its framing, and the node's allowance for the result. */
const framingBytes = 65 + 8 + 64;

/** The resources that a transaction uses. */
export interface Usage {
  /** With a margin for changes of the contract's state until the transaction is mined. */
  readonly energy: bigint;
  readonly rawBytes: number;
  readonly makesAccount: boolean;
}

/** Adds 25 % to simulated energy. */
export function withMargin(energy: bigint): bigint {
  return energy + energy / 4n;
}

/** The fee limit of a call in sun. Nodes count staked and burnt energy against it. */
export function feeLimitOf(energy: bigint, { energySun }: Prices): bigint {
  return energy * energySun;
}

/** The bandwidth of a transaction, in bytes. */
export function bandwidthOf(rawBytes: number): bigint {
  return BigInt(rawBytes + framingBytes);
}

/**
 * The maximum that a transaction burns, in sun: energy beyond the sender's own; all of the bandwidth unless all of it is staked or
 * free; the fee for a new account.
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
