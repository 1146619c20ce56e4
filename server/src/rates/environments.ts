import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Ratio } from '../platform/money.ts';
import type { BandSetting } from '../platform/setting-parsers.ts';
import { createHttpRates, type HttpRates } from './http-rates.ts';
import type { RateProvider, Spreads } from './provider.ts';
import { createSandboxRates } from './sandbox-rates.ts';

/** The settings of rates, by their names in the configuration. */
export interface RateSettings {
  readonly rateSpread: Ratio;
  readonly stablecoinSpread: Ratio;
  readonly ratesUrl: string | undefined;
  readonly ratesMapping: string;
  readonly ratesBase: string;
  readonly ratesMaxAgeMs: number;
  /** The prices at which live pegged coins are converted. */
  readonly pegBand: BandSetting;
}

/** The providers of both kinds of environments. */
export interface EnvironmentRates {
  readonly sandbox: RateProvider;
  /** Live rates, which the caller refreshes and closes; undefined if no source is set. */
  readonly live: HttpRates | undefined;
  /** @returns undefined for live keys if no source is set */
  providerFor(kind: 'test' | 'live'): RateProvider | undefined;
}

/**
 * Creates the sandbox rates, and the live rates if a source is set.
 *
 * @param clock measures the age of fetched rates
 */
export function createRates(settings: RateSettings, clock: Clock): EnvironmentRates {
  const spreads: Spreads = { fiat: settings.rateSpread, stablecoin: settings.stablecoinSpread };
  const {
    ratesBase: base,
    ratesMapping: mapping,
    pegBand,
    ratesMaxAgeMs: maxAgeMs,
    ratesUrl: url,
  } = settings;
  const source = url === undefined ? undefined : { url, mapping, base, timeoutMs: limits.ratesTimeoutMs };
  const sandbox = createSandboxRates(spreads);
  const live = source && createHttpRates({ clock, maxAgeMs, pegBand, spreads, source });
  return { sandbox, live, providerFor: (kind) => (kind === 'test' ? sandbox : live?.provider) };
}
