import { expect, test } from 'vitest';
import type { GasPolicy } from '../fee-config.ts';
import {
  type BlockPrice,
  type FeeMarket,
  firstFees,
  higherFees,
  isPricedOut,
  likelyFee,
  maxCost,
  readTerms,
  writeTerms,
} from './fees.ts';
import { marketOf } from './market.ts';

/** A hundredth of a gwei, so that the tables read well. */
const unit = 10_000_000n;
const gwei = (amount: number): bigint => BigInt(Math.round(amount * 100)) * unit;
const gas = 100_000n;

const policyOf = (floor: number, cap: number, max: number, base = 0): GasPolicy => ({
  priorityFeeWei: gwei(floor),
  maxPriorityFeeWei: gwei(cap),
  maxFeeWei: gwei(max),
  baseFloorWei: gwei(base),
  hasL1Fee: false,
  bumpAfterMs: 1000,
});
const ethereum = policyOf(0.01, 5, 300);
const polygon = policyOf(25, 500, 5000);
const market = (base: number, tip: number, blocks: readonly BlockPrice[] = []): FeeMarket => ({
  baseFeeWei: gwei(base),
  tipWei: gwei(tip),
  blocks,
});
/** 0.05 coins, so 500 gwei for each unit of gas. */
const limit = { maxFeeNative: 50_000_000n * 10n ** 9n, l1FeeWei: 0n };

test.each([
  // what, base fee, tip, policy → total, tip
  ['twice the base fee and the usual tip', 30, 1, ethereum, 61, 1],
  ['a node that reports zero: the floor of the tip', 30, 0, ethereum, 60.01, 0.01],
  ['a base fee of zero: the floor of the base fee', 0, 1, policyOf(0.01, 5, 300, 0.5), 2, 1],
  ['a tip of 50 times the usual: half of the limit', 30, 50, ethereum, 62.5, 2.5],
  ['an absurd tip', 30, 10 ** 12, ethereum, 62.5, 2.5],
  ['a base fee above half of the limit', 200, 1, ethereum, 300, 1],
  ['Polygon demands 25 gwei, whatever nodes suggest', 30, 0.1, polygon, 85, 25],
])('a new transaction offers %s', (_, base, tip, policy, total, offered) => {
  expect(firstFees(market(base, tip), gas, policy, limit)).toEqual({
    gas,
    maxFeePerGas: gwei(total),
    maxPriorityFeePerGas: gwei(offered),
  });
});

test.each([
  ['a base fee of 50 times the usual', 1500, 1, ethereum, limit],
  ['an absurd base fee', 10 ** 12, 1, ethereum, limit],
  ['a transaction that would cost more than its limit', 30, 1, ethereum, { ...limit, maxFeeNative: 1n }],
  ['an absurd fee of the other chain', 30, 1, ethereum, { ...limit, l1FeeWei: 10n ** 30n }],
])('nothing is offered for %s', (_, base, tip, policy, within) => {
  expect(firstFees(market(base, tip), gas, policy, within)).toBeUndefined();
});

test('the limit of a transaction lowers what it offers before it stops it', () => {
  const within = { maxFeeNative: 41n * 10n ** 14n, l1FeeWei: 10n ** 14n };
  expect(firstFees(market(30, 1), gas, ethereum, within)?.maxFeePerGas).toBe(gwei(40));
});

test('a replacement offers an eighth more of both, or what the market asks for now', () => {
  const before = { gas, maxFeePerGas: gwei(61), maxPriorityFeePerGas: gwei(1) };
  expect(higherFees(before, market(30, 1), ethereum, limit)).toEqual({
    gas,
    maxFeePerGas: (gwei(61) * 9n) / 8n + 1n,
    maxPriorityFeePerGas: (gwei(1) * 9n) / 8n + 1n,
  });
  expect(higherFees(before, market(100, 2), ethereum, limit)).toEqual({
    gas,
    maxFeePerGas: gwei(202),
    maxPriorityFeePerGas: gwei(2),
  });
});

test('66 blind bumps in an outage of two hours, as the review counted: tip and total end at their limits', () => {
  let terms = firstFees(market(0.1, 0.1), gas, ethereum, limit);
  let count = 0;
  for (let bumped = terms; bumped; bumped = higherFees(bumped, market(0.1, 0.1), ethereum, limit)) {
    terms = bumped;
    count += 1;
  }
  expect(count).toBeLessThan(66);
  expect(terms?.maxPriorityFeePerGas).toBeLessThanOrEqual(gwei(5));
  expect(
    likelyFee(terms ?? { gas, maxFeePerGas: 0n, maxPriorityFeePerGas: 0n }, market(0.1, 0.1)),
  ).toBeLessThan(gas * gwei(5.2));
});

const block = (height: number, base: number, tip: number): BlockPrice => ({
  height,
  baseFeeWei: gwei(base),
  leastTipWei: gwei(tip),
});

test.each([
  ['no block since: a halted sequencer', [block(8, 90, 9), block(9, 90, 9), block(10, 90, 9)], false],
  ['a base fee above what it offers', [block(11, 90, 0)], true],
  ['tips above its own', [block(11, 30, 2)], true],
  ['most blocks, not all', [block(11, 90, 0), block(12, 10, 0), block(13, 80, 0)], true],
  ['a spike that is over', [block(11, 90, 0), block(12, 10, 0), block(13, 10, 0)], false],
  ['affordable blocks: lack of coin, or trouble of nodes', [block(11, 10, 0.5), block(12, 10, 1)], false],
  ['nothing known', [], false],
])('the price explains a wait or does not: %s', (_, blocks, expected) => {
  const terms = { gas, maxFeePerGas: gwei(61), maxPriorityFeePerGas: gwei(1), height: 10, l1FeeWei: 0n };
  expect(isPricedOut(terms, market(30, 1, blocks))).toBe(expected);
});

test('an attempt of an earlier release has no height, and its terms are read as before', () => {
  const terms = readTerms('60000/2000/100');
  expect(terms).toEqual({
    gas: 60_000n,
    maxFeePerGas: 2000n,
    maxPriorityFeePerGas: 100n,
    height: undefined,
    l1FeeWei: 0n,
  });
  expect(isPricedOut(terms, market(30, 1, [block(1, 30, 1)]))).toBe(true);
  expect(readTerms(writeTerms(terms))).toEqual(terms);
  const now = { ...terms, height: 7, l1FeeWei: 9n };
  expect(readTerms(writeTerms(now))).toEqual(now);
  expect(maxCost(now)).toBe(120_000_009n);
});

const report = (base: number, usual: number, suggested: number | undefined) => ({
  history: {
    nextBaseFeeWei: gwei(base),
    blocks: [{ height: 1, baseFeeWei: gwei(base), leastTipWei: gwei(usual), usualTipWei: gwei(usual) }],
  },
  suggestedTipWei: suggested === undefined ? undefined : gwei(suggested),
});

test.each([
  ['one node', [report(30, 2, 1)], 30, 1],
  ['a node that suggests 50 times the usual tip', [report(30, 2, 100)], 30, 2],
  ['a node without suggestions', [report(30, 2, undefined)], 30, 2],
  ['an empty chain', [report(30, 0, 1)], 30, 1],
  ['one of two that exaggerates', [report(30, 2, 1), report(3000, 90, 90)], 30, 1],
  ['one of three that says zero', [report(30, 2, 1), report(0, 0, 0), report(31, 2, 2)], 30, 1],
  ['a base fee below that of the newest block', [report(3, 2, 1)], 20, 1],
  ['nodes that know nothing', [{ history: undefined, suggestedTipWei: undefined }], 20, 0],
])('the market is the median of the nodes: %s', (_, reports, base, tip) => {
  const found = marketOf(reports, gwei(20));
  expect({ base: found.baseFeeWei, tip: found.tipWei }).toEqual({ base: gwei(base), tip: gwei(tip) });
});
