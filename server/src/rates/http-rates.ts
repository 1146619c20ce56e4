import { Agent } from 'undici';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Ratio } from '../platform/money.ts';
import type { BandSetting } from '../platform/setting-parsers.ts';
import { anchorOf, pegFault } from './pegs.ts';
import {
  createRateProvider,
  inverse,
  type QuotedCurrency,
  quotedCurrencies,
  type RateProvider,
  type Spreads,
} from './provider.ts';
import { type Fetched, fetchRates, type RateSource } from './rate-source.ts';

/** Rates that are fetched from a source and kept until they are too old. */
export interface HttpRates {
  readonly provider: RateProvider;
  /** Fetches all rates. A rate that fails keeps its last value. Never throws. */
  refresh(signal: AbortSignal): Promise<RefreshReport>;
  close(): Promise<void>;
}

/** The result of a refresh. */
export interface RefreshReport {
  readonly renewed: number;
  /** The currencies without a new rate, each with the reason. */
  readonly faults: ReadonlyMap<string, string>;
}

interface KeptMid {
  /** Units for one usd. */
  readonly mid: Ratio;
  readonly atMs: number;
}

/**
 * Creates a provider of fetched rates. It has none before its first refresh, and none of a pegged coin whose price is outside of
 * its band: nothing is converted at a figure that is wrong.
 *
 * @param maxAgeMs how long after it was fetched a rate may be used
 */
export function createHttpRates({
  clock,
  maxAgeMs,
  pegBand,
  source,
  spreads,
}: {
  clock: Clock;
  maxAgeMs: number;
  pegBand: BandSetting;
  source: RateSource;
  spreads: Spreads;
}): HttpRates {
  const kept = new Map<QuotedCurrency, KeptMid>();
  let faults: ReadonlyMap<string, string> = new Map();
  const agent = new Agent({ connections: limits.ratesConnections });
  const freshMid = (currency: QuotedCurrency, nowMs: number): Ratio | undefined => {
    const found = kept.get(currency);
    return found && nowMs - found.atMs <= maxAgeMs ? found.mid : undefined;
  };
  const wanted = (['usd', ...quotedCurrencies] as const).filter((currency) => currency !== source.base);
  return {
    provider: createRateProvider({ midOf: freshMid, faultOf: (currency) => faults.get(currency) }, spreads),
    async refresh(signal) {
      const fetched = await fetchRates(source, wanted, agent, signal);
      const nowMs = clock.now();
      const found = new Map<string, string>();
      for (const currency of quotedCurrencies) {
        const { base } = source;
        const rate = perDollar(fetched, currency, base);
        const offPeg =
          'value' in rate ? offPegFault(fetched, currency, rate.value, base, pegBand) : undefined;
        // The last rate is as wrong as this one: the price has moved since.
        if (offPeg !== undefined) kept.delete(currency);
        const fault =
          'fault' in rate ? rate.fault : (offPeg ?? jumpFault(freshMid(currency, nowMs), rate.value));
        if (fault === undefined && 'value' in rate) kept.set(currency, { mid: rate.value, atMs: nowMs });
        else found.set(currency, fault ?? '');
      }
      faults = found;
      return { renewed: quotedCurrencies.length - found.size, faults: found };
    },
    close: () => agent.destroy(),
  };
}

/** Why a pegged coin's rate must not be used; undefined if it may be, or if the currency is not pegged. */
function offPegFault(
  fetched: ReadonlyMap<string, Fetched>,
  currency: QuotedCurrency,
  perUsd: Ratio,
  base: string,
  band: BandSetting,
): string | undefined {
  const anchor = anchorOf(currency);
  if (anchor === undefined) return undefined;
  const perDollarOfAnchor: Fetched =
    anchor === 'usd' ? { value: { numerator: 1n, denominator: 1n } } : perDollar(fetched, anchor, base);
  if ('fault' in perDollarOfAnchor) return `No rate of ${anchor} to compare with: ${perDollarOfAnchor.fault}`;
  return pegFault(currency, perUsd, perDollarOfAnchor.value, band);
}

/** Converts rates for one unit of the base into units of a currency for one usd. */
function perDollar(fetched: ReadonlyMap<string, Fetched>, currency: string, base: string): Fetched {
  const one: Fetched = { value: { numerator: 1n, denominator: 1n } };
  const missing: Fetched = { fault: 'The rate was not requested from the source.' };
  const own = currency === base ? one : (fetched.get(currency) ?? missing);
  const dollar = base === 'usd' ? one : (fetched.get('usd') ?? missing);
  if ('fault' in own) return own;
  if ('fault' in dollar) return { fault: `No rate for usd: ${dollar.fault}` };
  const perUsd = inverse(dollar.value);
  return {
    value: {
      numerator: own.value.numerator * perUsd.numerator,
      denominator: own.value.denominator * perUsd.denominator,
    },
  };
}

/**
 * Rejects a rate that differs too much from the last one, because the source is more likely wrong. Accepted once the last
 * one is too old.
 */
function jumpFault(last: Ratio | undefined, next: Ratio): string | undefined {
  if (!last) return undefined;
  const [before, after] = [last.numerator * next.denominator, next.numerator * last.denominator];
  const limit = (before * BigInt(limits.rateJumpPercent)) / 100n;
  if (after <= before + limit && after >= before - limit) return undefined;
  return `The rate has jumped by more than ${limits.rateJumpPercent} %.`;
}
