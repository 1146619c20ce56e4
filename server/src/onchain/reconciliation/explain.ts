import type { Chain, Stablecoin } from '../../chains/registry.ts';

/** The books of one token on one chain at a block. Amounts are in minor units; only `booked` can be negative. */
export interface BookFigures {
  /** The balance of the custody accounts. */
  readonly booked: bigint;
  /** The treasury's balance before the first scanned block; undefined if no node had it. */
  readonly opening: bigint | undefined;
  /** Final deposits that wait for a rate (USDT). */
  readonly waiting: bigint;
  /** Deposits of blocks that are not final; 0 unless balances of the newest block are compared. */
  readonly pending: bigint;
  /** Uncredited deposits: treasury funding, amounts below the minimum, amounts withheld. */
  readonly notCredited: bigint;
  /** Credited deposits of later blocks. */
  readonly creditedLater: bigint;
  /** Payments in the chain that are not booked yet. */
  readonly paidUnbooked: bigint;
  /** Booked payments of later blocks. */
  readonly bookedLater: bigint;
}

/** The balances on the chain. */
export interface HeldFigures {
  readonly treasury: bigint;
  /** The sum over all deposit addresses. */
  readonly addresses: bigint;
}

/** The comparison of books and chain for one token on one chain. */
export interface Reconciliation {
  readonly chain: Chain;
  readonly currency: Stablecoin;
  /** The block whose balances were compared. */
  readonly height: number;
  /** Whether that is the newest block, because no node has the balances at the books' block. */
  readonly isNewest: boolean;
  readonly held: HeldFigures;
  readonly books: BookFigures;
  /** What the chain holds in excess of what the books explain; negative if it holds less. */
  readonly unexplainedMinor: bigint;
}

/** The terms of the explanation in order, each with its sign and label. */
export const terms: readonly { name: keyof BookFigures; sign: 1n | -1n; text: string }[] = [
  { name: 'booked', sign: 1n, text: 'custody on the books' },
  { name: 'opening', sign: 1n, text: 'held by the treasury before the first block' },
  { name: 'notCredited', sign: 1n, text: 'uncredited (funding, below the minimum)' },
  { name: 'waiting', sign: 1n, text: 'final, and not credited yet' },
  { name: 'pending', sign: 1n, text: 'in blocks that are not final' },
  { name: 'creditedLater', sign: -1n, text: 'credited, from later blocks' },
  { name: 'paidUnbooked', sign: -1n, text: 'paid, and not booked yet' },
  { name: 'bookedLater', sign: 1n, text: 'booked as paid, in later blocks' },
];

/** The balance that the books explain, in minor units. */
export function expectedMinor(books: BookFigures): bigint {
  return terms.reduce((sum, { name, sign }) => sum + sign * (books[name] ?? 0n), 0n);
}

/** Compares the books with the chain. */
export function explain(
  at: Pick<Reconciliation, 'chain' | 'currency' | 'height' | 'isNewest'>,
  books: BookFigures,
  held: HeldFigures,
): Reconciliation {
  return { ...at, books, held, unexplainedMinor: held.treasury + held.addresses - expectedMinor(books) };
}
