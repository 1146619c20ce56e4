import { expect, it } from 'vitest';
import { parseAmountField, printAmount } from './fields.ts';

it('parses an amount with the decimals of its currency', () => {
  expect(parseAmountField('12.34', 'gbp')).toEqual({ ok: true, minor: 1234n });
  expect(parseAmountField(1500, 'ugx')).toEqual({ ok: true, minor: 1500n });
  expect(parseAmountField('1500.00', 'xof')).toEqual({ ok: true, minor: 1500n });
});

it.each([
  ['gbp', '12.345', '`amount` must be a decimal number with at most 2 decimals in gbp.'],
  ['ugx', '1500.5', '`amount` must be a whole number in ugx.'],
] as const)('names the decimals of %s', (currency, text, message) => {
  expect(parseAmountField(text, currency)).toEqual({ ok: false, fault: { path: '/amount', message } });
});

it('formats an amount with the decimals of its currency', () => {
  expect([printAmount(1234n, 'gbp'), printAmount(1500n, 'rwf')]).toEqual(['12.34', '1500']);
});
