import {
  type Currency,
  convertAmount,
  currencyScale,
  multiplyRatio,
  parseRatio,
  type Ratio,
} from '../platform/money.ts';
import { printRate, type Quote, type RateProvider } from './provider.ts';

/** The rate of a conversion: units of the destination currency for one of the source currency, as decimal texts. */
export interface ConversionRate {
  /** The rate to apply, exactly as shown to the client. */
  readonly rate: string;
  /** The rate without the spread; never below `rate`. */
  readonly midRate: string;
  /** Both currencies have the same value: the rate is 1, without a spread. */
  readonly isParity: boolean;
}

const parity: ConversionRate = { rate: '1', midRate: '1', isParity: true };

/** The least decimals and significant digits of a rate that is crossed through usd. */
const crossDigits = 8;

/** The currency that rates are quoted for: usdc counts as usd. */
function unitOf(currency: string): string {
  return currency === 'usdc' ? 'usd' : currency;
}

/**
 * The rate at which one currency is converted into another. usdc counts as usd; usd against another currency takes the
 * pair's sell rate; any other two are crossed through usd: the product of the two sell rates, rounded down to 8
 * decimals, or to 8 significant digits where that is more decimals. Middles are crossed likewise, rounded up.
 *
 * Apply it with `convertAmount(minor, fromScale, toScale, parseRatio(rate), 'down')`.
 *
 * @param nowMs milliseconds since the Unix epoch, by the environment's clock
 * @returns undefined if a pair that it needs has no current rate
 */
export function conversionRate(
  provider: RateProvider,
  from: string,
  to: string,
  nowMs: number,
): ConversionRate | undefined {
  const [source, destination] = [unitOf(from), unitOf(to)];
  if (source === destination) return parity;
  if (source === 'usd' || destination === 'usd') {
    const quote = provider.quote(source, destination, nowMs);
    return quote && { rate: quote.sellRate, midRate: quote.midRate, isParity: false };
  }
  const first = provider.quote(source, 'usd', nowMs);
  const second = provider.quote('usd', destination, nowMs);
  return first && second && cross(first, second);
}

/** Why there is no rate at which one currency is converted into another; empty if there is one. */
export function conversionFault(provider: RateProvider, from: string, to: string, nowMs: number): string {
  const [source, destination] = [unitOf(from), unitOf(to)];
  if (source === destination) return '';
  const faults = [source, destination].map((unit) => provider.faultOf(unit, 'usd', nowMs));
  return faults.filter((fault) => fault !== undefined).join(' ');
}

function cross(first: Quote, second: Quote): ConversionRate {
  return {
    rate: printRate(product(first.sellRate, second.sellRate), 'down', crossDigits),
    midRate: printRate(product(first.midRate, second.midRate), 'up', crossDigits),
    isParity: false,
  };
}

function product(one: string, other: string): Ratio {
  const [a, b] = [parseRatio(one), parseRatio(other)];
  return { numerator: a.numerator * b.numerator, denominator: a.denominator * b.denominator };
}

/**
 * The cost of the spread in the source currency: the amount times (`midRate` − `rate`) / `midRate`,
 * rounded up to the smallest unit. Never negative, and never more than the amount.
 *
 * @param netMinor the amount that is converted, in minor units of the source currency; not negative
 * @param rate the rate that is applied
 * @param midRate the rate without the spread, greater than zero
 */
export function exchangeFeeMinor(netMinor: bigint, rate: string, midRate: string): bigint {
  const [applied, middle] = [parseRatio(rate), parseRatio(midRate)];
  const difference = middle.numerator * applied.denominator - applied.numerator * middle.denominator;
  if (difference <= 0n) return 0n;
  return multiplyRatio(
    netMinor,
    { numerator: difference, denominator: middle.numerator * applied.denominator },
    'up',
  );
}

/** An amount that has been converted. */
export interface Conversion {
  /** In minor units of the destination currency. */
  readonly finalMinor: bigint;
  /** The applied rate; null at parity. */
  readonly exchangeRate: string | null;
  /** The cost of the spread, in minor units of the source currency. */
  readonly exchangeFeeMinor: bigint;
}

/**
 * Converts an amount at a rate, rounded down.
 *
 * @param netMinor in minor units of the source currency; not negative
 */
export function convertAtRate(
  netMinor: bigint,
  from: Currency,
  to: Currency,
  { isParity, midRate, rate }: ConversionRate,
): Conversion {
  return {
    finalMinor: convertAmount(netMinor, currencyScale[from], currencyScale[to], parseRatio(rate), 'down'),
    exchangeRate: isParity ? null : rate,
    exchangeFeeMinor: exchangeFeeMinor(netMinor, rate, midRate),
  };
}
