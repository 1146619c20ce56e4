import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRatio, type Ratio } from '../platform/money.ts';
import { createRateProvider, printRate, quotedCurrencies, type Spreads } from './provider.ts';

/** A rate's text as a fraction of 10^30, so that rates of different lengths compare. */
const exact = (text: string): bigint => {
  const { denominator, numerator } = parseRatio(text);
  return (numerator * 10n ** 30n) / denominator;
};
const one = exact('1');

const mid = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 12n }), fc.bigInt({ min: 1n, max: 10n ** 12n }))
  .map(([numerator, denominator]): Ratio => ({ numerator, denominator }));
const part = fc.bigInt({ min: 0n, max: 500_000n }).map((millionths) => ({
  numerator: millionths,
  denominator: 1_000_000n,
}));
const spreads = fc.record<Spreads>({ fiat: part, stablecoin: part });
const currency = fc.constantFrom(...quotedCurrencies);

function quotes(middle: Ratio, spread: Spreads, name: string) {
  const provider = createRateProvider({ midOf: () => middle }, spread);
  const [out, back] = [provider.quote('usd', name, 0), provider.quote(name, 'usd', 0)];
  if (!out || !back) throw new Error('No quote');
  return { out, back };
}

describe('quotes around any middle and with any spread', () => {
  it('sell at most at the middle, and buy at least at it', () => {
    fc.assert(
      fc.property(mid, spreads, currency, (middle, spread, name) => {
        const { back, out } = quotes(middle, spread, name);
        for (const { buyRate, midRate, sellRate } of [out, back]) {
          expect(exact(sellRate)).toBeLessThanOrEqual(exact(midRate));
          expect(exact(midRate)).toBeLessThanOrEqual(exact(buyRate));
        }
      }),
    );
  });

  it('never let a round trip gain', () => {
    fc.assert(
      fc.property(mid, spreads, currency, (middle, spread, name) => {
        const { back, out } = quotes(middle, spread, name);
        expect(exact(out.sellRate) * exact(back.sellRate)).toBeLessThanOrEqual(one * one);
        expect(exact(out.buyRate) * exact(back.buyRate)).toBeGreaterThanOrEqual(one * one);
      }),
    );
  });

  it('are as far from the middle as the spread says, to the last digit', () => {
    fc.assert(
      fc.property(mid, spreads, currency, (middle, spread, name) => {
        const { sellRate } = quotes(middle, spread, name).out;
        const { denominator, numerator } =
          name.endsWith('usd') || name.startsWith('eurc') || name === 'usdt'
            ? spread.stablecoin
            : spread.fiat;
        const scale = 10n ** BigInt(sellRate.split('.')[1]?.length ?? 0);
        const wanted =
          (middle.numerator * (denominator - numerator) * scale) / (middle.denominator * denominator);
        expect(BigInt(sellRate.replace('.', ''))).toBe(wanted);
      }),
    );
  });

  it('are plain decimals of six decimals, more only where six significant digits take them', () => {
    fc.assert(
      fc.property(mid, spreads, currency, (middle, spread, name) => {
        const { back, out } = quotes(middle, spread, name);
        for (const text of [...Object.values(out), ...Object.values(back)]) {
          expect(text).toMatch(/^\d+\.\d{6,}$/);
          const decimals = text.split('.')[1]?.length ?? 0;
          const significant = text.replace('.', '').replace(/^0+/, '').length;
          expect(significant).toBeGreaterThanOrEqual(6);
          if (decimals > 6) expect(significant).toBeLessThanOrEqual(7);
        }
      }),
    );
  });
});

it('takes the spread of stablecoins for them, and the other one for the rest', () => {
  const spread = { fiat: parseRatio('0.03'), stablecoin: parseRatio('0.001') };
  const provider = createRateProvider({ midOf: () => parseRatio('0.751111') }, spread);
  // The figures of the contract's own example (§4, Rates), whose spread is 3 %.
  expect(provider.quote('usd', 'gbp', 0)).toEqual({
    buyRate: '0.773645',
    sellRate: '0.728577',
    midRate: '0.751111',
  });
  expect(provider.quote('usd', 'eurc', 0)).toMatchObject({ sellRate: '0.750359', buyRate: '0.751863' });
});

it('has every pair against usd and no other', () => {
  const provider = createRateProvider(
    { midOf: () => parseRatio('2') },
    { fiat: parseRatio('0'), stablecoin: parseRatio('0') },
  );
  const pairs = provider.pairs().map(({ from, to }) => `${from}/${to}`);
  expect(pairs.slice(0, 3)).toEqual(['usd/gbp', 'usd/eur', 'usd/usdt']);
  expect(new Set(pairs).size).toBe(32);
  for (const { from, to } of provider.pairs()) expect(provider.quote(from, to, 0)).toBeDefined();
  for (const [from, to] of [
    ['usd', 'usd'],
    ['gbp', 'eur'],
    ['gbp', 'gbp'],
    ['usd', 'usdc'],
    ['USD', 'gbp'],
    ['usd', 'toString'],
    ['', ''],
  ] as const) {
    expect(provider.quote(from, to, 0), `${from}/${to}`).toBeUndefined();
  }
});

it('has no rate where the middle is not known', () => {
  const provider = createRateProvider(
    { midOf: () => undefined },
    { fiat: parseRatio('0'), stablecoin: parseRatio('0') },
  );
  expect(provider.quote('usd', 'gbp', 0)).toBeUndefined();
});

it('prints rates of every size', () => {
  const print = (numerator: bigint, denominator: bigint) => printRate({ numerator, denominator }, 'down', 6);
  expect(print(1n, 1n)).toBe('1.000000');
  expect(print(1n, 10n)).toBe('0.100000');
  expect(print(1n, 1450n)).toBe('0.000689655');
  expect(print(3600n, 1n)).toBe('3600.000000');
  expect(printRate({ numerator: 1n, denominator: 3600n }, 'up', 8)).toBe('0.00027777778');
});
