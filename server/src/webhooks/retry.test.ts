import { expect, it } from 'vitest';
import { nextAttemptDelayMs } from './retry.ts';

const middle = () => 0.5;

it('waits as the contract says, and gives up after ten attempts', () => {
  const delays = Array.from({ length: 10 }, (_, index) => nextAttemptDelayMs(index + 1, null, middle));
  expect(delays).toEqual([
    5_000,
    30_000,
    120_000,
    600_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    null,
  ]);
});

it('spreads the attempts by a tenth', () => {
  expect(nextAttemptDelayMs(1, null, () => 0)).toBe(4500);
  expect(nextAttemptDelayMs(1, null, () => 1)).toBe(5500);
});

it('waits longer when the receiver asks for it, but not for ever', () => {
  expect(nextAttemptDelayMs(1, 60, middle)).toBe(60_000);
  expect(nextAttemptDelayMs(3, 60, middle)).toBe(120_000);
  expect(nextAttemptDelayMs(1, 10 ** 9, middle)).toBe(43_200_000);
  expect(nextAttemptDelayMs(10, 60, middle)).toBeNull();
});
