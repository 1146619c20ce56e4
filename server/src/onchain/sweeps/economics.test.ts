import { expect, test } from 'vitest';
import { readSweeps } from '../../chains/fee-config.ts';
import { refuseSweep, topUpAmount } from './economics.ts';

const eth = 10n ** 18n;
const usd = (dollars: number): bigint => BigInt(dollars * 1_000_000);
/** Of a coin of 2,500 dollars, so that one dollar is 0.0004 coins. */
const dollarOfCoin = eth / 2500n;
const policy = {
  costShare: { numerator: 2n, denominator: 100n },
  nativePerDay: eth,
  nativeUsd: { numerator: 2500n, denominator: 1n },
};
const budget = { free: 1, native: eth, leftToday: eth };

test.each([
  ['one dollar for fifty', 50, dollarOfCoin, undefined],
  ['more than one dollar for fifty', 50, dollarOfCoin + 1n, 'costs_too_much'],
  ['one dollar for less than fifty', 49.999999, dollarOfCoin, 'costs_too_much'],
  ['nothing', 1, 0n, undefined],
])('a sweep is made when it costs 2 %% of what it moves at most: %s', (_, dollars, cost, expected) => {
  const costs = { treasuryNative: cost, likelyNative: cost };
  expect(refuseSweep(usd(dollars), costs, policy, eth, budget)).toBe(expected);
});

test.each([
  ['the coin of the day', { leftToday: dollarOfCoin - 1n }, dollarOfCoin, 'day_is_spent'],
  ['coin for eight payments, and its own', { native: 9n * dollarOfCoin }, dollarOfCoin, undefined],
  ['less than that', { native: 9n * dollarOfCoin - 1n }, dollarOfCoin, 'coin_is_kept_for_payments'],
  ['nothing, and the deposit address pays', { native: 0n, leftToday: 0n }, 0n, undefined],
])('sweeps have a budget of their own, and the treasury has %s', (_, changed, paid, expected) => {
  const costs = { treasuryNative: paid, likelyNative: dollarOfCoin };
  expect(refuseSweep(usd(1000), costs, policy, eth, { ...budget, ...changed })).toBe(expected);
});

test('a top-up is half more than what is missing, and never more than a transaction may cost', () => {
  expect(topUpAmount(100n, 0n, 1000n)).toBe(150n);
  expect(topUpAmount(100n, 99n, 1000n)).toBe(51n);
  expect(topUpAmount(667n, 0n, 1000n)).toBe(1000n);
  expect(topUpAmount(10n ** 30n, 0n, 1000n)).toBeUndefined();
});

test('by default a sweep costs 2 % at most, at a high price of the coin, and a quarter of the day', () => {
  const faults: string[] = [];
  const report = (field: string, message: string) => void faults.push(`${field}: ${message}`);
  expect(readSweeps('base', {}, { nativePerDay: 100n }, undefined, report)).toEqual({
    costShare: { numerator: 2n, denominator: 100n },
    nativePerDay: 25n,
    nativeUsd: { numerator: 10_000n, denominator: 1n },
  });
  const file = { maxCostPercent: '0.5', nativePerDay: '0.1' };
  expect(readSweeps('base', file, { nativePerDay: 100n }, policy.nativeUsd, report)).toEqual({
    costShare: { numerator: 5n, denominator: 1000n },
    nativePerDay: eth / 10n,
    nativeUsd: policy.nativeUsd,
  });
  readSweeps('solana', { nativePerDay: '0.0000000001' }, { nativePerDay: 100n }, undefined, report);
  expect(faults).toEqual(['sweeps/nativePerDay: Must have at most 9 decimals.']);
});
