import { isStablecoin } from '../chains/registry.ts';
import { type Currency, multiplyRatio, type Ratio, type Rounding } from '../platform/money.ts';

/** A pair of currencies. Its rate is units of `to` for one of `from`. */
export interface CurrencyPair {
  readonly from: Currency;
  readonly to: Currency;
}

/** The rates of a pair at one time, as decimal texts: units of `to` for one of `from`. */
export interface Quote {
  /** Units of `to` taken when `to` is bought from the client: never below the mid-market rate, rounded up. */
  readonly buyRate: string;
  /** Units of `to` given when `to` is sold to the client: never above the mid-market rate, rounded down. Conversions use it. */
  readonly sellRate: string;
  /** The mid-market rate, without the spread. */
  readonly midRate: string;
}

/** A source of rates. */
export interface RateProvider {
  /** @returns undefined if there is no such pair, or no rate at that time */
  quote(from: string, to: string, nowMs: number): Quote | undefined;
  /** Why a pair has no rate at that time, for the operator; undefined if it has one, or if there is no such pair. */
  faultOf(from: string, to: string, nowMs: number): string | undefined;
  /** Every pair that can have a rate. */
  pairs(): readonly CurrencyPair[];
}

/** Mid-market rates: units of a currency for one usd. */
export interface MidRates {
  /** @returns undefined if it is not known at that time */
  midOf(currency: QuotedCurrency, nowMs: number): Ratio | undefined;
  /** Why it is not known. */
  faultOf?(currency: QuotedCurrency): string | undefined;
}

/** Half spreads: the distance of a rate from the mid-market rate, as a part of it. */
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

/** Creates rates from mid-market rates. Both directions of a pair use the same one, so that no round trip gains. */
export function createRateProvider(mids: MidRates, spreads: Spreads): RateProvider {
  return {
    pairs: () => pairs,
    faultOf(from, to, nowMs) {
      const currency = quotedOf(from, to);
      if (!currency || mids.midOf(currency, nowMs)) return undefined;
      return mids.faultOf?.(currency) ?? `There is no current rate of ${currency}.`;
    },
    quote(from, to, nowMs) {
      const currency = quotedOf(from, to);
      if (!currency) return undefined;
      const mid = mids.midOf(currency, nowMs);
      if (!mid) return undefined;
      const spread = isStablecoin(currency) ? spreads.stablecoin : spreads.fiat;
      return quoteAround(from === 'usd' ? mid : inverse(mid), spread);
    },
  };
}

/** The currency of a pair that is not usd; undefined if there is no such pair. */
function quotedOf(from: string, to: string): QuotedCurrency | undefined {
  const currency = from === 'usd' ? to : from;
  return (from === 'usd' || to === 'usd') && isQuoted(currency) ? currency : undefined;
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
 * Formats a rate with `digits` decimals, and below 0.1 with as many more as `digits` significant digits need: with 6,
 * `0.746844` and `0.000689655`.
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
