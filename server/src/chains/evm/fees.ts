import type { GasPolicy } from '../fee-config.ts';

/** Gas limit and fees of a transaction (EIP-1559). Fees are in wei per unit of gas. */
export interface GasTerms {
  readonly gas: bigint;
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
}

/** Terms as they are stored with an attempt. */
export interface StoredTerms extends GasTerms {
  /** The newest block when the terms were made; undefined for attempts of earlier releases. */
  readonly height: number | undefined;
  /** The most that the chain charges for the transaction's data on Ethereum, in wei; 0 where it charges nothing. */
  readonly l1FeeWei: bigint;
}

/** What a block charged, in wei per unit of gas. */
export interface BlockPrice {
  readonly height: number;
  readonly baseFeeWei: bigint;
  /** The tip that nine of ten units of its gas paid at least; 0 if it was empty. */
  readonly leastTipWei: bigint;
}

/** What the nodes report about fees. */
export interface FeeMarket {
  /** The base fee of the next block. */
  readonly baseFeeWei: bigint;
  /** The tip that is usually paid; 0 if the nodes do not know it. */
  readonly tipWei: bigint;
  /** The newest blocks, the oldest first. */
  readonly blocks: readonly BlockPrice[];
}

/** The maximum cost of a transaction, and the part of it that is not charged by the gas, in wei. */
export interface CostLimit {
  readonly maxFeeNative: bigint;
  readonly l1FeeWei: bigint;
}

/**
 * The fees of a new transaction: twice the next base fee, which the network needs six full blocks to reach, plus the tip that is
 * usually paid. Total and tip have limits of their own. The tip is what is paid in any case: a new transaction offers half of its
 * limit at most, which leaves room for replacements.
 *
 * @returns undefined if the limits do not cover the next base fee
 */
export function firstFees(
  market: FeeMarket,
  gas: bigint,
  policy: GasPolicy,
  { l1FeeWei, maxFeeNative }: CostLimit,
): GasTerms | undefined {
  const most = smaller(policy.maxFeeWei, maxFeeNative > l1FeeWei ? (maxFeeNative - l1FeeWei) / gas : 0n);
  const maxPriorityFeePerGas = firstTip(market, policy);
  const baseFeeWei = larger(market.baseFeeWei, policy.baseFloorWei);
  if (baseFeeWei + maxPriorityFeePerGas > most) return undefined;
  const maxFeePerGas = smaller(2n * baseFeeWei + maxPriorityFeePerGas, most);
  return { gas, maxFeePerGas, maxPriorityFeePerGas };
}

/** The tip that a new transaction offers, in wei per unit of gas: the usual one within its limits. */
export function firstTip({ tipWei }: FeeMarket, { maxPriorityFeeWei, priorityFeeWei }: GasPolicy): bigint {
  return smaller(larger(tipWei, priorityFeeWei), larger(maxPriorityFeeWei / 2n, priorityFeeWei));
}

/**
 * The fees of a replacement transaction. Nodes accept a replacement only if both fees are at least 10 % higher (go-ethereum,
 * `txpool.pricebump`); these are 12.5 % higher, and at least those of a new transaction.
 *
 * @returns undefined if the limits do not allow it
 */
export function higherFees(
  before: GasTerms,
  market: FeeMarket,
  policy: GasPolicy,
  limit: CostLimit,
): GasTerms | undefined {
  const { gas } = before;
  const fresh = firstFees(market, gas, policy, limit);
  if (!fresh) return undefined;
  const maxPriorityFeePerGas = larger(raised(before.maxPriorityFeePerGas), fresh.maxPriorityFeePerGas);
  const maxFeePerGas = larger(
    larger(raised(before.maxFeePerGas), fresh.maxFeePerGas),
    fresh.maxFeePerGas - fresh.maxPriorityFeePerGas + maxPriorityFeePerGas,
  );
  const isWithin =
    maxFeePerGas <= policy.maxFeeWei &&
    maxPriorityFeePerGas <= policy.maxPriorityFeeWei &&
    gas * maxFeePerGas + limit.l1FeeWei <= limit.maxFeeNative;
  return isWithin ? { gas, maxFeePerGas, maxPriorityFeePerGas } : undefined;
}

/**
 * Decides whether the price explains that a transaction is in no block: most of the newest blocks since it was made charged more
 * than it offers. Without a block since then, the chain has halted, which a higher fee does not change.
 */
export function isPricedOut(
  { height, maxFeePerGas, maxPriorityFeePerGas }: StoredTerms,
  { blocks }: FeeMarket,
): boolean {
  const since = blocks.filter((block) => block.height > (height ?? -1));
  const refusing = since.filter(({ baseFeeWei, leastTipWei }) => {
    const offered = smaller(maxPriorityFeePerGas, maxFeePerGas - baseFeeWei);
    return baseFeeWei > maxFeePerGas || offered < leastTipWei;
  });
  return 2 * refusing.length > since.length;
}

/** The fees that a transaction is likely to cost, in wei. */
export function likelyFee({ gas, maxFeePerGas, maxPriorityFeePerGas }: GasTerms, market: FeeMarket): bigint {
  return gas * smaller(maxFeePerGas, market.baseFeeWei + maxPriorityFeePerGas);
}

/** The maximum that a transaction takes from its payer for gas and data, in wei. */
export function maxCost({ gas, l1FeeWei, maxFeePerGas }: StoredTerms): bigint {
  return gas * maxFeePerGas + l1FeeWei;
}

function raised(fee: bigint): bigint {
  return fee + fee / 8n + 1n;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** Encodes terms for storage with an attempt. */
export function writeTerms({
  gas,
  height,
  l1FeeWei,
  maxFeePerGas,
  maxPriorityFeePerGas,
}: StoredTerms): string {
  return [gas, maxFeePerGas, maxPriorityFeePerGas, height ?? '', l1FeeWei].join('/');
}

/** Decodes the output of `writeTerms`, or terms of earlier releases, which end after the tip. */
export function readTerms(text: string): StoredTerms {
  const [gas = '', maxFeePerGas = '', maxPriorityFeePerGas = '', height = '', l1FeeWei = ''] =
    text.split('/');
  return {
    gas: BigInt(gas),
    maxFeePerGas: BigInt(maxFeePerGas),
    maxPriorityFeePerGas: BigInt(maxPriorityFeePerGas),
    height: height === '' ? undefined : Number(height),
    l1FeeWei: BigInt(l1FeeWei),
  };
}
