import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertAmount, formatAmount, multiplyRatio, parseAmount, parseRatio } from './money.ts';

describe('amounts as text', () => {
  it('prints at least two decimals and at most the scale', () => {
    expect(formatAmount(4_400_000n, 6)).toBe('4.40');
    expect(formatAmount(9_970_000n, 6)).toBe('9.97');
    expect(formatAmount(123_456n, 6)).toBe('0.123456');
    expect(formatAmount(0n, 6)).toBe('0.00');
    expect(formatAmount(150n, 2)).toBe('1.50');
    expect(formatAmount(-1_500_000n, 6)).toBe('-1.50');
  });

  it('prints no decimals that the currency has not', () => {
    expect(formatAmount(1500n, 0)).toBe('1500');
    expect(formatAmount(0n, 0)).toBe('0');
    expect(formatAmount(-7n, 0)).toBe('-7');
    expect(formatAmount(7n, 1)).toBe('0.7');
  });

  it.each(['', ' 1', '1 ', '+1', '-1', '1e3', '.5', '5.', '1,000', '0x10', 'NaN', '١'])(
    'refuses %j',
    (text) => {
      expect(parseAmount(text, 6)).toEqual({ ok: false, fault: 'not_decimal' });
    },
  );

  it('refuses more decimals than the currency has, but not zeros', () => {
    expect(parseAmount('0.1234567', 6)).toEqual({ ok: false, fault: 'too_precise' });
    expect(parseAmount('0.12345600', 6)).toEqual({ ok: true, minor: 123_456n });
    expect(parseAmount('1500.5', 0)).toEqual({ ok: false, fault: 'too_precise' });
    expect(parseAmount('1500.00', 0)).toEqual({ ok: true, minor: 1500n });
  });

  it('reads back whatever it prints', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), fc.integer({ min: 0, max: 9 }), (minor, scale) => {
        expect(parseAmount(formatAmount(minor, scale), scale)).toEqual({ ok: true, minor });
      }),
    );
  });
});

describe('ratios', () => {
  it('takes the default fee of 10.00 as 0.03', () => {
    expect(multiplyRatio(10_000_000n, parseRatio('0.003'), 'up')).toBe(30_000n);
  });

  it('rounds as told', () => {
    const half = { numerator: 1n, denominator: 2n };
    expect([1n, 3n, 5n].map((minor) => multiplyRatio(minor, half, 'down'))).toEqual([0n, 1n, 2n]);
    expect([1n, 3n, 5n].map((minor) => multiplyRatio(minor, half, 'up'))).toEqual([1n, 2n, 3n]);
    expect([1n, 3n, 5n].map((minor) => multiplyRatio(minor, half, 'half_even'))).toEqual([0n, 2n, 2n]);
    expect(multiplyRatio(-1n, half, 'down')).toBe(-1n);
    expect(multiplyRatio(-1n, half, 'up')).toBe(0n);
  });

  it('never rounds by a whole unit', () => {
    const amount = fc.bigInt({ min: -(10n ** 15n), max: 10n ** 15n });
    const part = fc.bigInt({ min: 1n, max: 10n ** 9n });
    fc.assert(
      fc.property(
        amount,
        part,
        part,
        fc.constantFrom('down', 'up', 'half_even'),
        (minor, numerator, denominator, rounding) => {
          const result = multiplyRatio(minor, { numerator, denominator }, rounding as 'down');
          const distance = result * denominator - minor * numerator;
          expect(distance < denominator && distance > -denominator).toBe(true);
        },
      ),
    );
  });

  it('converts between scales', () => {
    expect(convertAmount(14_400_000n, 6, 6, parseRatio('0.998500'), 'down')).toBe(14_378_400n);
    expect(convertAmount(100n, 2, 6, parseRatio('1'), 'down')).toBe(1_000_000n);
    expect(convertAmount(1_999_999n, 6, 2, parseRatio('1'), 'down')).toBe(199n);
  });

  it('refuses what is no ratio', () => {
    expect(() => parseRatio('-1')).toThrow(RangeError);
    expect(() => multiplyRatio(1n, { numerator: 1n, denominator: 0n }, 'up')).toThrow(RangeError);
  });
});
