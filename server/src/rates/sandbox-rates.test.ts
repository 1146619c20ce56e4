import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertAmount, parseRatio } from '../platform/money.ts';
import { quotedCurrencies } from './provider.ts';
import { createSandboxRates } from './sandbox-rates.ts';

const rates = createSandboxRates({ fiat: parseRatio('0.005'), stablecoin: parseRatio('0.001') });
const windowMs = 30_000;
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const currency = fc.constantFrom(...quotedCurrencies);
const sell = (from: string, to: string, nowMs: number): string =>
  rates.quote(from, to, nowMs)?.sellRate ?? '';

describe('the rates of the sandbox', () => {
  it('are the same within a window of 30 s', () => {
    fc.assert(
      fc.property(time, currency, fc.nat(windowMs - 1), (nowMs, name, laterMs) => {
        const startMs = nowMs - (nowMs % windowMs);
        expect(rates.quote('usd', name, startMs + laterMs)).toEqual(rates.quote('usd', name, startMs));
      }),
    );
  });

  it('change with the window', () => {
    fc.assert(
      fc.property(time, currency, (nowMs, name) => {
        const seen = [0, 1, 2, 3, 4, 5, 6, 7].map((turn) => sell('usd', name, nowMs + turn * windowMs));
        expect(new Set(seen).size).toBeGreaterThan(3);
      }),
    );
  });

  it('are the same in every process: only the time decides', () => {
    expect(rates.quote('usd', 'gbp', 1_763_000_000_000)).toEqual({
      buyRate: '0.756139',
      midRate: '0.752377',
      sellRate: '0.748614',
    });
    expect(rates.quote('ngn', 'usd', 1_763_000_000_000)).toEqual({
      buyRate: '0.000693621',
      midRate: '0.000690169',
      sellRate: '0.000686718',
    });
  });

  it('never let a customer gain by going there and back, not even in another window', () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(time, time, currency, amount, (outMs, backMs, name, minor) => {
        const out = convertAmount(minor, 6, 6, parseRatio(sell('usd', name, outMs)), 'down');
        const back = convertAmount(out, 6, 6, parseRatio(sell(name, 'usd', backMs)), 'down');
        expect(back).toBeLessThanOrEqual(minor);
      }),
    );
  });

  it('stay near the published ones, EURC near the euro and the other stablecoins near the dollar', () => {
    fc.assert(
      fc.property(time, (nowMs) => {
        const mid = (name: string) => Number(rates.quote('usd', name, nowMs)?.midRate);
        expect(Math.abs(mid('gbp') / 0.7511 - 1)).toBeLessThan(0.0021);
        expect(Math.abs(mid('ngn') / 1450 - 1)).toBeLessThan(0.0021);
        expect(Math.abs(mid('eurc') / mid('eur') - 1)).toBeLessThan(0.00031);
        expect(Math.abs(mid('usdt') - 1)).toBeLessThan(0.0006);
        expect(Math.abs(mid('pyusd') - 1)).toBeLessThan(0.00031);
      }),
    );
  });
});
