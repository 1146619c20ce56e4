import { expect, test } from 'vitest';
import { maxLamports, priorityPrice } from './fees.ts';

const policy = { priorityMicroLamports: 10_000n, maxPriorityMicroLamports: 1_000_000n };

test.each([
  ['nothing known', [], 10_000n],
  ['calm', [0, 0, 0, 0], 10_000n],
  ['a busy time', [0, 20_000, 30_000, 40_000], 40_000n],
  ['one block is an exception', [0, 0, 0, 0, 0, 0, 0, 900_000], 10_000n],
  ['50 times the limit', [50_000_000, 50_000_000, 50_000_000, 50_000_000], 1_000_000n],
])('the price per compute unit follows recent blocks within its limits: %s', (_, recent, expected) => {
  expect(priorityPrice(recent.map(BigInt), policy)).toBe(expected);
});

test('signatures, priority and the rent of a new account are what a transaction takes at most', () => {
  const charges = { signatures: 2, units: 90_000, microLamports: 1_000_000n, isCreating: false };
  expect(maxLamports(charges)).toBe(100_001n);
  expect(maxLamports({ ...charges, isCreating: true })).toBe(4_300_001n);
});
