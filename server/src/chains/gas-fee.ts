import type { Ratio } from '../platform/money.ts';
import { multiplyRatio } from '../platform/money.ts';
import type { Stablecoin } from './registry.ts';

const stablecoinMinor = 10n ** 6n;

/**
 * Converts the chain's fee to the transfer's currency, rounded up. Dollar stablecoins count as dollars.
 *
 * @param feeNative in the smallest units of the native coin
 * @param nativeUnit how many of them make one coin
 * @param nativeUsd US dollars per coin
 * @param eurPerUsd required for EURC only
 * @returns null if a price is missing
 */
export function gasFeeMinor(
  feeNative: bigint,
  nativeUnit: bigint,
  currency: Stablecoin,
  nativeUsd: Ratio | undefined,
  eurPerUsd: Ratio | undefined,
): bigint | null {
  if (!nativeUsd) return null;
  const usd: Ratio = {
    numerator: nativeUsd.numerator * stablecoinMinor,
    denominator: nativeUsd.denominator * nativeUnit,
  };
  if (currency !== 'eurc') return multiplyRatio(feeNative, usd, 'up');
  if (!eurPerUsd) return null;
  const eur: Ratio = {
    numerator: usd.numerator * eurPerUsd.numerator,
    denominator: usd.denominator * eurPerUsd.denominator,
  };
  return multiplyRatio(feeNative, eur, 'up');
}
