import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertAmount, currencyScale, parseRatio } from '../platform/money.ts';
import { conversionRate, exchangeFeeMinor } from './conversion.ts';
import { createRateProvider, type RateProvider } from './provider.ts';
import { createSandboxRates } from './sandbox-rates.ts';

const spreads = { fiat: parseRatio('0.005'), stablecoin: parseRatio('0.001') };
const rates = createSandboxRates(spreads);
const currencies = Object.keys(currencyScale);
const currency = fc.constantFrom(...currencies);
const time = fc.integer({ min: 0, max: 4_000_000_000_000 });
const nowMs = 1_763_000_000_000;

/** Middles that stand still. */
function fixed(middles: Record<string, string>): RateProvider {
  return createRateProvider(
    { midOf: (name) => (middles[name] === undefined ? undefined : parseRatio(middles[name])) },
    spreads,
  );
}

describe('a conversion', () => {
  it('of one unit of value is at par', () => {
    for (const name of currencies) expect(conversionRate(rates, name, name, nowMs)?.isParity).toBe(true);
    expect(conversionRate(rates, 'usdc', 'usd', nowMs)).toEqual({ rate: '1', midRate: '1', isParity: true });
    expect(conversionRate(rates, 'usd', 'usdc', nowMs)).toEqual({ rate: '1', midRate: '1', isParity: true });
  });

  it.each(['usd', 'usdc'])('from or into %s takes the sell rate of the pair', (dollar) => {
    const quote = rates.quote('usd', 'gbp', nowMs);
    expect(conversionRate(rates, dollar, 'gbp', nowMs)).toEqual({
      rate: quote?.sellRate,
      midRate: quote?.midRate,
      isParity: false,
    });
    expect(conversionRate(rates, 'usdt', dollar, nowMs)?.rate).toBe(
      rates.quote('usdt', 'usd', nowMs)?.sellRate,
    );
  });

  it('between two others is crossed through usd, rounded down', () => {
    const provider = fixed({ eur: '0.86', gbp: '0.75', ngn: '1450', ugx: '3600' });
    // eur/usd 1.162791, sold at 1.156976; usd/gbp 0.75, sold at 0.746250.
    expect(conversionRate(provider, 'eur', 'gbp', 0)).toEqual({
      rate: '0.86339334',
      midRate: '0.87209325',
      isParity: false,
    });
    // ngn/usd 0.000689655…, sold at 0.000686206; usd/gbp as above: 0.0005120812275 has more than 8 decimals.
    expect(conversionRate(provider, 'ngn', 'gbp', 0)?.rate).toBe('0.00051208122');
    expect(conversionRate(provider, 'ngn', 'ugx', 0)?.rate).toBe('2.45798989');
  });

  it('has a rate for any two currencies that the server knows, and never one above the middle', () => {
    fc.assert(
      fc.property(currency, currency, time, (from, to, atMs) => {
        const { rate = '', midRate = '' } = conversionRate(rates, from, to, atMs) ?? {};
        const [applied, middle] = [parseRatio(rate), parseRatio(midRate)];
        expect(applied.numerator).toBeGreaterThan(0n);
        expect(applied.numerator * middle.denominator).toBeLessThanOrEqual(
          middle.numerator * applied.denominator,
        );
      }),
    );
  });

  it('never gains by any way round through three currencies', () => {
    const amount = fc.bigInt({ min: 1n, max: 10n ** 15n });
    fc.assert(
      fc.property(currency, currency, currency, amount, time, (a, b, c, minor, atMs) => {
        const way = [a, b, c, a].slice(1).reduce(
          (at, to) => {
            const rate = parseRatio(conversionRate(rates, at.name, to, atMs)?.rate ?? '');
            return { name: to, minor: convertAmount(at.minor, 12, 12, rate, 'down') };
          },
          { name: a, minor },
        );
        expect(way.minor).toBeLessThanOrEqual(minor);
      }),
    );
  });

  it('has no rate while one of its pairs has none', () => {
    const provider = fixed({ eur: '0.86' });
    expect(conversionRate(provider, 'usd', 'eur', 0)).toBeDefined();
    expect(conversionRate(provider, 'usd', 'gbp', 0)).toBeUndefined();
    expect(conversionRate(provider, 'eur', 'gbp', 0)).toBeUndefined();
    expect(conversionRate(provider, 'gbp', 'eur', 0)).toBeUndefined();
    expect(conversionRate(provider, 'usdc', 'xyz', 0)).toBeUndefined();
  });
});

describe('the fee of an exchange', () => {
  it('is what the spread costs in the source currency, rounded up', () => {
    expect(exchangeFeeMinor(4_850_000n, '0.746250', '0.750000')).toBe(24_250n);
    expect(exchangeFeeMinor(1n, '0.746250', '0.750000')).toBe(1n);
    expect(exchangeFeeMinor(0n, '0.746250', '0.750000')).toBe(0n);
  });

  it('is nothing at par, and never negative', () => {
    expect(exchangeFeeMinor(1_000n, '1', '1')).toBe(0n);
    expect(exchangeFeeMinor(1_000n, '0.76', '0.75')).toBe(0n);
  });

  it('is never more than the amount, and within one unit of the exact cost', () => {
    fc.assert(
      fc.property(
        currency,
        currency,
        fc.bigInt({ min: 0n, max: 10n ** 15n }),
        time,
        (from, to, minor, atMs) => {
          const { rate = '', midRate = '' } = conversionRate(rates, from, to, atMs) ?? {};
          const fee = exchangeFeeMinor(minor, rate, midRate);
          expect(fee >= 0n && fee <= minor).toBe(true);
          const [applied, middle] = [parseRatio(rate), parseRatio(midRate)];
          const scale = middle.numerator * applied.denominator;
          const cost = minor * (scale - applied.numerator * middle.denominator);
          expect(fee * scale - cost >= 0n && fee * scale - cost < scale).toBe(true);
        },
      ),
    );
  });
});
