import type { Chain, Stablecoin } from '../../chains/registry.ts';

/** What the books say of one token on one chain at a block. Amounts are in minor units, and never negative but `booked`. */
export interface BookFigures {
  /** The balance of the custody accounts. */
  readonly booked: bigint;
  /** What the treasury held before the first block that was read; undefined when no node could say. */
  readonly opening: bigint | undefined;
  /** Deposits that are deep enough and wait to be credited: USDT without a rate. */
  readonly waiting: bigint;
  /** What blocks have brought that are not deep enough yet; of meaning only for balances of the newest block. */
  readonly pending: bigint;
  /** What arrived and is no customer's: funding, dust, what was held back. */
  readonly notCredited: bigint;
  /** Deposits that are credited already and lie in later blocks. */
  readonly creditedLater: bigint;
  /** Payments that the chain has made and the books do not know of yet. */
  readonly paidUnbooked: bigint;
  /** Payments that are booked already and lie in later blocks. */
  readonly bookedLater: bigint;
}

/** What the chain says. */
export interface HeldFigures {
  readonly treasury: bigint;
  /** All deposit addresses together. */
  readonly addresses: bigint;
}

/** How the books of one token on one chain agree with the chain. */
export interface Reconciliation {
  readonly chain: Chain;
  readonly currency: Stablecoin;
  /** The block whose balances were compared. */
  readonly height: number;
  /** Whether that is the newest one, since no node knows what was held where the books are. */
  readonly isNewest: boolean;
  readonly held: HeldFigures;
  readonly books: BookFigures;
  /** What the chain holds more (or less, when negative) than the books explain. */
  readonly unexplainedMinor: bigint;
}

/** The terms of the explanation in their order: what each adds to what the books say, and how it is called. */
export const terms: readonly { name: keyof BookFigures; sign: 1n | -1n; text: string }[] = [
  { name: 'booked', sign: 1n, text: 'custody on the books' },
  { name: 'opening', sign: 1n, text: 'held by the treasury before the first block' },
  { name: 'notCredited', sign: 1n, text: "arrived, and no customer's (funding, dust)" },
  { name: 'waiting', sign: 1n, text: 'arrived, and not credited yet' },
  { name: 'pending', sign: 1n, text: 'arrived, and not deep enough yet' },
  { name: 'creditedLater', sign: -1n, text: 'credited, from later blocks' },
  { name: 'paidUnbooked', sign: -1n, text: 'paid, and not booked yet' },
  { name: 'bookedLater', sign: 1n, text: 'booked as paid, in later blocks' },
];

/** What the chain should hold if the books are right, in minor units. */
export function expectedMinor(books: BookFigures): bigint {
  return terms.reduce((sum, { name, sign }) => sum + sign * (books[name] ?? 0n), 0n);
}

/** Compares the books with the chain. */
export function explain(
  place: Pick<Reconciliation, 'chain' | 'currency' | 'height' | 'isNewest'>,
  books: BookFigures,
  held: HeldFigures,
): Reconciliation {
  return { ...place, books, held, unexplainedMinor: held.treasury + held.addresses - expectedMinor(books) };
}
