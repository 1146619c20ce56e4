import type { SweepPolicy } from '../../chains/fee-config.ts';
import { gasFeeMinor } from '../../chains/gas-fee.ts';
import { limits } from '../../platform/limits.ts';

/** What sweeps can still spend. Native amounts are in the coin's smallest unit. */
export interface SweepBudget {
  /** How many more sweeps and top-ups can be signed. */
  free: number;
  /** The treasury's native coin beside what waits for a block. */
  native: bigint;
  /** What sweeps may still cost today. */
  leftToday: bigint;
}

/** What a sweep, or its top-up, costs. */
export interface SweepCost {
  /** The maximum that the treasury pays, with the coin that it sends. */
  readonly treasuryNative: bigint;
  /** What is likely to be spent on moving the deposit. */
  readonly likelyNative: bigint;
}

/** Why a sweep is not made now. */
export type SweepRefusal = 'costs_too_much' | 'day_is_spent' | 'coin_is_kept_for_payments';

/**
 * Decides whether a deposit is moved now.
 *
 * @param amountMinor what is moved; a euro counts as a dollar
 * @param nativeUnit how many of the smallest units make one native coin
 * @returns why not; undefined if it is
 */
export function refuseSweep(
  amountMinor: bigint,
  { likelyNative, treasuryNative }: SweepCost,
  policy: SweepPolicy,
  nativeUnit: bigint,
  { leftToday, native }: Readonly<SweepBudget>,
): SweepRefusal | undefined {
  const costMinor = gasFeeMinor(likelyNative, nativeUnit, 'usdc', policy.nativeUsd, undefined) ?? 0n;
  const { denominator, numerator } = policy.costShare;
  if (costMinor * denominator > amountMinor * numerator) return 'costs_too_much';
  if (treasuryNative > leftToday) return 'day_is_spent';
  // A payment costs about as much as a sweep.
  const kept = BigInt(limits.paymentsKeptCoinFor) * likelyNative;
  return treasuryNative > 0n && treasuryNative + kept > native ? 'coin_is_kept_for_payments' : undefined;
}

/** Takes a signed sweep out of the budget. */
export function takeFromBudget(budget: SweepBudget, { treasuryNative }: SweepCost): void {
  budget.free -= 1;
  budget.native -= treasuryNative;
  budget.leftToday -= treasuryNative;
}

/**
 * How much native coin a deposit address is given: half more than it lacks now, because fees may rise until the sweep is sent. What
 * remains pays for the next sweep.
 *
 * @returns undefined if that is more than a transaction may cost
 */
export function topUpAmount(needed: bigint, held: bigint, maxFeeNative: bigint): bigint | undefined {
  const missing = needed + needed / 2n - held;
  return missing > maxFeeNative ? undefined : missing;
}
