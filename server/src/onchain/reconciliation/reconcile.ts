import { setTimeout as sleep } from 'node:timers/promises';
import { ChainError } from '../../chains/errors.ts';
import type { ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { createAddressBook } from '../deposits/watched-addresses.ts';
import { type BookFigures, explain, type HeldFigures, type Reconciliation } from './explain.ts';
import { listAddresses, readSnapshot, type Snapshot, type Sums } from './queries.ts';

/** The result of reconciling a chain. */
export type Reconciled =
  | { readonly kind: 'done'; readonly tokens: readonly Reconciliation[] }
  /** No server has followed the chain yet, or it lags too far behind. */
  | { readonly kind: 'not_ready'; readonly why: string };

/**
 * Compares custody on the books with the balances on the chain, token by token, at the block up to which deposits are credited. If no
 * node has the balances of that block, compares those of the newest block; deposits and payments under way then count as explained.
 *
 * @throws ChainError if the nodes do not respond
 */
export async function reconcileChain(pool: Pool, port: ChainPort): Promise<Reconciled> {
  await port.reader.head();
  const currencies = port.config.tokens.map(({ currency }) => currency);
  for (let attempt = 1; ; attempt += 1) {
    const books = await readSnapshot(pool, port.chain, currencies);
    if (!books) return { kind: 'not_ready', why: 'No server has followed it yet.' };
    const tokens = (await compareAtCursor(pool, port, books)) ?? (await compareAtHead(pool, port, books));
    if ('why' in tokens) return { kind: 'not_ready', why: tokens.why };
    const isClean = tokens.found.every(({ unexplainedMinor }) => unexplainedMinor === 0n);
    // While the chain advances, balances and books are not of one moment: only a difference that persists counts.
    if (isClean || tokens.isExact || attempt === limits.reconcileAttempts)
      return { kind: 'done', tokens: tokens.found };
    await sleep(port.config.pollMs);
  }
}

interface Compared {
  readonly found: readonly Reconciliation[];
  /** Whether balances and books are certainly of one block. */
  readonly isExact: boolean;
}

/** Compares at the block up to which deposits are credited. @returns undefined if no node has its state */
async function compareAtCursor(pool: Pool, port: ChainPort, books: Snapshot): Promise<Compared | undefined> {
  const { confirmed: height, open } = books;
  let held: ReadonlyMap<Stablecoin, HeldFigures>;
  try {
    held = await readHeld(pool, port, books.treasury, height);
  } catch (error) {
    if (error instanceof ChainError) return undefined;
    throw error;
  }
  const paidAt = new Map<string, number>();
  for (const payment of open) {
    const state = payment.attempts.length > 0 && (await port.sender.follow(payment, payment.attempts, 0));
    if (state && state.kind === 'final' && state.ok) paidAt.set(payment.id, state.height);
  }
  const found = port.config.tokens.map(({ currency }) => {
    const ofToken = open.filter(({ intent }) => 'currency' in intent && intent.currency === currency);
    // A booked payment whose block vanished is in no block, until it is mined again.
    const isLater = (id: string): boolean => (paidAt.get(id) ?? Number.POSITIVE_INFINITY) > height;
    const sums = books.sums.get(currency) ?? noSums;
    const figures: BookFigures = {
      ...sums,
      opening: openingOf(books, currency),
      pending: 0n,
      paidUnbooked: sumOf(ofToken.filter((one) => !one.isBooked && !isLater(one.id))),
      bookedLater: sums.bookedLater + sumOf(ofToken.filter((one) => one.isBooked && isLater(one.id))),
    };
    const at = { chain: port.chain, currency, height, isNewest: false };
    return explain(at, figures, held.get(currency) ?? noBalances);
  });
  return { found, isExact: true };
}

/** Compares at the newest block, including the deposits of blocks that are not credited yet. */
async function compareAtHead(
  pool: Pool,
  port: ChainPort,
  books: Snapshot,
): Promise<Compared | { readonly why: string }> {
  const { height } = await port.reader.head();
  const behind = height - books.confirmed;
  if (behind > limits.reconcileLagBlocks) {
    return {
      why: `It is ${behind} blocks behind, and no node has the balances of block ${books.confirmed}.`,
    };
  }
  const held = await readHeld(pool, port, books.treasury, undefined);
  const arrived = await readArrived(pool, port, books, height);
  const paid = new Set<string>();
  for (const { attempts, id } of books.open) {
    for (const { txHash } of attempts) if (await port.reader.minedIn(txHash)) paid.add(id);
  }
  const found = port.config.tokens.map(({ currency }) => {
    const ofToken = books.open.filter(({ intent }) => 'currency' in intent && intent.currency === currency);
    const figures = {
      ...(books.sums.get(currency) ?? noSums),
      opening: openingOf(books, currency),
      pending: arrived.get(currency) ?? 0n,
      // Its block vanished.
      bookedLater: sumOf(ofToken.filter(({ id, isBooked }) => isBooked && !paid.has(id))),
      paidUnbooked: sumOf(ofToken.filter(({ id, isBooked }) => !isBooked && paid.has(id))),
    };
    const at = { chain: port.chain, currency, height, isNewest: true };
    return explain(at, figures, held.get(currency) ?? noBalances);
  });
  return { found, isExact: false };
}

function sumOf(payments: Snapshot['open']): bigint {
  return payments.reduce((total, { intent }) => total + intent.amount, 0n);
}

/** Sums the transfers to watched addresses in blocks that are not credited yet, without sweeps. */
async function readArrived(
  pool: Pool,
  port: ChainPort,
  { confirmed, treasury }: Snapshot,
  height: number,
): Promise<ReadonlyMap<Stablecoin, bigint>> {
  const arrived = new Map<Stablecoin, bigint>();
  if (height <= confirmed) return arrived;
  const book = createAddressBook(pool, port.chain, port.comparable, [treasury]);
  await book.refresh();
  const seen = await port.reader.scan(confirmed + 1, height, book, false);
  for (const { amount, currency, from, isOutgoing, to } of seen) {
    if (isOutgoing) continue;
    const isSweep = to === port.comparable(treasury) && book.has(from);
    if (currency && !isSweep) arrived.set(currency, (arrived.get(currency) ?? 0n) + amount);
  }
  return arrived;
}

const noSums: Sums = {
  booked: 0n,
  waiting: 0n,
  notCredited: 0n,
  creditedLater: 0n,
  bookedLater: 0n,
};
const noBalances: HeldFigures = { treasury: 0n, addresses: 0n };

function openingOf({ opening }: Snapshot, currency: Stablecoin): bigint | undefined {
  return opening && (opening.get(currency) ?? 0n);
}

/** Reads the balances of the treasury and of all deposit addresses, token by token. */
async function readHeld(
  pool: Pool,
  port: ChainPort,
  treasury: string,
  height: number | undefined,
): Promise<ReadonlyMap<Stablecoin, HeldFigures>> {
  const { chain, config, reader } = port;
  const held = new Map<Stablecoin, HeldFigures>();
  for (const { currency } of config.tokens) {
    const [ofTreasury = 0n] = await reader.tokenBalances(currency, [treasury], height);
    held.set(currency, { treasury: ofTreasury, addresses: 0n });
  }
  for await (const addresses of listAddresses(pool, chain)) {
    for (const { currency } of config.tokens) {
      const balances = await reader.tokenBalances(currency, addresses, height);
      const before = held.get(currency) ?? noBalances;
      const sum = balances.reduce((total, balance) => total + balance, before.addresses);
      held.set(currency, { ...before, addresses: sum });
    }
  }
  return held;
}
