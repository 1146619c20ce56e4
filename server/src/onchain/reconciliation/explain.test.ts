import { expect, it } from 'vitest';
import { type BookFigures, expectedMinor, explain, terms } from './explain.ts';

const books: BookFigures = {
  booked: 100_000_000n,
  opening: 7_000_000n,
  waiting: 5_000_000n,
  pending: 3_000_000n,
  notCredited: 2_000_000n,
  creditedLater: 11_000_000n,
  paidUnbooked: 13_000_000n,
  bookedLater: 17_000_000n,
};
const place = { chain: 'base', currency: 'usdc', height: 1234, isNewest: false } as const;

it('what the chain should hold is the sum of the terms, each with its sign', () => {
  expect(expectedMinor(books)).toBe(110_000_000n);
  for (const { name, sign } of terms) {
    const more = { ...books, [name]: (books[name] ?? 0n) + 1n };
    expect(expectedMinor(more) - expectedMinor(books), name).toBe(sign);
  }
  expect(terms.map(({ name }) => name).sort()).toEqual(Object.keys(books).sort());
});

it('an opening balance that nobody knows counts as nothing', () => {
  expect(expectedMinor({ ...books, opening: undefined })).toBe(103_000_000n);
});

it('what is held more or less than that is unexplained', () => {
  const held = { treasury: 60_000_000n, addresses: 50_000_000n };
  expect(explain(place, books, held).unexplainedMinor).toBe(0n);
  expect(explain(place, books, { ...held, addresses: 50_000_001n }).unexplainedMinor).toBe(1n);
  expect(explain(place, books, { ...held, treasury: 0n }).unexplainedMinor).toBe(-60_000_000n);
});
