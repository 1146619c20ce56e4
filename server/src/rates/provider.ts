import { isStablecoin } from '../chains/registry.ts';
import { type Currency, multiplyRatio, type Ratio, type Rounding } from '../platform/money.ts';

/** A pair of currencies: a rate says how much of `to` there is for one of `from`. */
export interface CurrencyPair {
  readonly from: Currency;
  readonly to: Currency;
}

/** The rates of a pair at one moment, as plain decimal texts: units of `to` for one of `from`. */
export interface Quote {
  /** What we take of `to` for one of `from` when we buy it: never below the middle, rounded up. */
  readonly buyRate: string;
  /** What we give of `to` for one of `from` when we sell it: never above the middle, rounded down. Conversions apply it. */
  readonly sellRate: string;
  /** The middle of the market, without our spread. */
  readonly midRate: string;
}

/** Where rates come from. */
export interface RateProvider {
  /** @returns undefined when there is no such pair, or no rate for it at that time */
  quote(from: string, to: string, nowMs: number): Quote | undefined;
  /** Every pair that can have a rate. */
  pairs(): readonly CurrencyPair[];
}

/** The middle of the market: units of a currency for one usd. */
export interface MidRates {
  /** @returns undefined when it is not known at that time */
  midOf(currency: QuotedCurrency, nowMs: number): Ratio | undefined;
}

/** Half spreads, as parts of the middle: how far a rate is from it to our advantage. */
export interface Spreads {
  readonly fiat: Ratio;
  readonly stablecoin: Ratio;
}

/** The currencies that have a rate against usd: those of contract §4, Rates, then those that payouts and wallets need. */
export const quotedCurrencies = [
  'gbp',
  'eur',
  'usdt',
  'mxn',
  'brl',
  'ghs',
  'ngn',
  'kes',
  'ugx',
  'rwf',
  'tzs',
  'xof',
  'xaf',
  'zmw',
  'eurc',
  'pyusd',
] as const satisfies readonly Currency[];

export type QuotedCurrency = (typeof quotedCurrencies)[number];

const pairs: readonly CurrencyPair[] = [
  ...quotedCurrencies.map((to): CurrencyPair => ({ from: 'usd', to })),
  ...quotedCurrencies.map((from): CurrencyPair => ({ from, to: 'usd' })),
];

/** Makes rates out of middles: both directions of a pair come from the same one, so no round trip gains anything. */
export function createRateProvider(mids: MidRates, spreads: Spreads): RateProvider {
  return {
    pairs: () => pairs,
    quote(from, to, nowMs) {
      const currency = from === 'usd' ? to : from;
      if ((from !== 'usd' && to !== 'usd') || !isQuoted(currency)) return undefined;
      const mid = mids.midOf(currency, nowMs);
      if (!mid) return undefined;
      const spread = isStablecoin(currency) ? spreads.stablecoin : spreads.fiat;
      return quoteAround(from === 'usd' ? mid : inverse(mid), spread);
    },
  };
}

function isQuoted(currency: string): currency is QuotedCurrency {
  return (quotedCurrencies as readonly string[]).includes(currency);
}

function quoteAround(mid: Ratio, spread: Ratio): Quote {
  const { denominator, numerator } = spread;
  const times = (part: bigint): Ratio => ({
    numerator: mid.numerator * part,
    denominator: mid.denominator * denominator,
  });
  return {
    buyRate: printRate(times(denominator + numerator), 'up', quoteDigits),
    sellRate: printRate(times(denominator - numerator), 'down', quoteDigits),
    midRate: printRate(mid, 'half_even', quoteDigits),
  };
}

/** `b/a` for `a/b`. */
export function inverse({ denominator, numerator }: Ratio): Ratio {
  return { numerator: denominator, denominator: numerator };
}

const quoteDigits = 6;

/**
 * Prints a rate with so many decimals, and with more where it takes them to show as many significant digits (below
 * 0.1): with 6, `0.746844` and `0.000689655`.
 *
 * @param rate greater than zero
 */
export function printRate(rate: Ratio, rounding: Rounding, digits: number): string {
  let decimals = digits;
  while (rate.numerator * 10n ** BigInt(decimals - digits + 1) < rate.denominator) decimals += 1;
  const scaled = multiplyRatio(10n ** BigInt(decimals), rate, rounding)
    .toString()
    .padStart(decimals + 1, '0');
  return `${scaled.slice(0, -decimals)}.${scaled.slice(-decimals)}`;
}
