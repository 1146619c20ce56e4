import { hash } from 'node:crypto';
import type { Clock } from '../platform/clock.ts';

/** The two rates of a pair, fees included: units of `to` for one of `from`. */
export interface Quote {
  readonly buyRate: string;
  readonly sellRate: string;
}

/** Where rates come from. */
export interface RateProvider {
  /** @returns undefined when the pair has no rate */
  quote(from: string, to: string): Quote | undefined;
}

const windowMs = 30_000;
const millionth = 1_000_000;
/** Mid rates and half spreads in millionths. */
const pairs: Readonly<
  Record<string, { readonly mid: number; readonly halfSpread: number; readonly swing: number }>
> = {
  'usdt/usd': { mid: 999_800, halfSpread: 1_000, swing: 300 },
};

/** Rates for the sandbox: a new one every 30 s around a fixed middle, the same in every process. */
export function createSandboxRates(clock: Clock): RateProvider {
  return {
    quote(from, to) {
      const pair = pairs[`${from}/${to}`];
      if (!pair) return undefined;
      const windowNumber = Math.floor(clock.now() / windowMs);
      const noise =
        (hash('sha256', `${from}/${to}/${windowNumber}`, 'buffer') as Buffer).readUInt16BE(0) / 65_535;
      const mid = pair.mid + Math.round((noise * 2 - 1) * pair.swing);
      return {
        buyRate: printMillionths(mid + pair.halfSpread),
        sellRate: printMillionths(mid - pair.halfSpread),
      };
    },
  };
}

function printMillionths(value: number): string {
  return (value / millionth).toFixed(6);
}
