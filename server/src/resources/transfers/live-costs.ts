import type { Chain, Stablecoin } from '../../chains/registry.ts';
import type { Refusal } from '../../platform/errors.ts';
import {
  type Currency,
  currencyScale,
  formatAmount,
  multiplyRatio,
  type Ratio,
} from '../../platform/money.ts';
import type { ChainTerms } from './request.ts';
import { refuse } from './request-amount.ts';

/** What a live transfer is likely to cost the house, in minor units of the currency that leaves the wallet. */
export interface LiveCost {
  /** What the network charges; undefined if no node could tell. */
  readonly networkMinor: bigint | undefined;
  /** The account for the receiver's tokens, which the sender is charged for; undefined on chains without such accounts. */
  readonly accountMinor: bigint | undefined;
  /** The least amount, if it is configured. */
  readonly minimumMinor: bigint | undefined;
}

/** Estimates what live transfers cost. */
export interface LiveCosts {
  costOf(chain: Chain, currency: Stablecoin, address: string, paidIn: Currency): Promise<LiveCost>;
}

/**
 * Refuses a transfer that would spend the house's coin: one below the configured minimum or, without one, one whose fee does not cover
 * what the network charges. What the sender is charged for an account beside the fee does not count.
 *
 * @param feeRate the part of an amount that is kept as the fee
 * @returns undefined if it is allowed
 */
export function refuseUncovered(
  { amountMinor, chain, currency, feeMinor }: ChainTerms,
  { accountMinor, minimumMinor, networkMinor }: LiveCost,
  feeRate: Ratio,
): { readonly refusal: Refusal } | undefined {
  const earned = feeMinor - (accountMinor ?? 0n);
  const least = minimumMinor ?? leastFor(networkMinor ?? 0n, feeRate);
  const isCovered = minimumMinor === undefined && earned >= (networkMinor ?? 0n);
  if (isCovered || amountMinor >= least) return undefined;
  const text = `${formatAmount(least, currencyScale[currency])} ${currency} on ${chain}`;
  const why = minimumMinor === undefined ? ', so that its fee covers what the network charges' : '';
  return refuse('amount_too_small', '/amount', `\`amount\` must be at least ${text}${why}.`);
}

/** The least amount whose fee, rounded up, is at least `costMinor`; the cost itself if there are no fees. */
function leastFor(costMinor: bigint, feeRate: Ratio): bigint {
  if (feeRate.numerator === 0n || costMinor === 0n) return costMinor;
  const inverse = { numerator: feeRate.denominator, denominator: feeRate.numerator };
  return multiplyRatio(costMinor - 1n, inverse, 'down') + 1n;
}
