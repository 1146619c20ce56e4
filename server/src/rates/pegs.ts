import type { Ratio } from '../platform/money.ts';
import type { BandSetting } from '../platform/setting-parsers.ts';
import { printRate, type QuotedCurrency } from './provider.ts';

/** What each pegged coin is worth by its issuer's promise. */
const anchors: Readonly<Partial<Record<QuotedCurrency, 'usd' | 'eur'>>> = {
  usdt: 'usd',
  pyusd: 'usd',
  eurc: 'eur',
};

/** The currency that a coin is pegged to; undefined for any other currency. */
export function anchorOf(currency: QuotedCurrency): 'usd' | 'eur' | undefined {
  return anchors[currency];
}

/**
 * Checks the price of a pegged coin: outside of its band either the source is wrong or the peg has broken, and no figure is right.
 *
 * @param perUsd units of the coin for one usd
 * @param anchorPerUsd units of its anchor for one usd; 1 if the anchor is usd
 * @param band in units of the anchor
 * @returns undefined if the price is inside of the band
 */
export function pegFault(
  currency: QuotedCurrency,
  perUsd: Ratio,
  anchorPerUsd: Ratio,
  { high, low }: BandSetting,
): string | undefined {
  const price = {
    numerator: anchorPerUsd.numerator * perUsd.denominator,
    denominator: anchorPerUsd.denominator * perUsd.numerator,
  };
  if (!isBelow(price, low) && !isBelow(high, price)) return undefined;
  const print = (ratio: Ratio): string => Number(printRate(ratio, 'half_even', 4)).toString();
  return `The price of ${currency} is ${print(price)} ${anchorOf(currency)}, outside of its band from ${print(low)} to ${print(high)}.`;
}

function isBelow(a: Ratio, b: Ratio): boolean {
  return a.numerator * b.denominator < b.numerator * a.denominator;
}
