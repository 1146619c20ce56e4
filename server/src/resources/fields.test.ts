import { expect, it } from 'vitest';
import { printAmount, readAmount } from './fields.ts';

it('reads an amount by the decimals of its currency', () => {
  expect(readAmount('12.34', 'gbp')).toEqual({ ok: true, minor: 1234n });
  expect(readAmount(1500, 'ugx')).toEqual({ ok: true, minor: 1500n });
  expect(readAmount('1500.00', 'xof')).toEqual({ ok: true, minor: 1500n });
});

it.each([
  ['gbp', '12.345', 'It must have at most 2 decimals in gbp.'],
  ['ugx', '1500.5', 'It must be a whole number in ugx.'],
] as const)('says how many decimals %s has', (currency, text, message) => {
  expect(readAmount(text, currency)).toEqual({ ok: false, fault: { path: '/amount', message } });
});

it('prints an amount by the decimals of its currency', () => {
  expect([printAmount(1234n, 'gbp'), printAmount(1500n, 'rwf')]).toEqual(['12.34', '1500']);
});
