import { setTimeout as sleep } from 'node:timers/promises';
import { ChainError, type ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import { createAddressBook } from '../deposits/watched-addresses.ts';
import { listAddresses, readSnapshot, type Snapshot, type Sums } from './queries.ts';
import { type BookFigures, explain, type HeldFigures, type Reconciliation } from './explain.ts';

/** What came of reconciling a chain. */
export type Reconciled =
  | { readonly kind: 'done'; readonly tokens: readonly Reconciliation[] }
  /** No server has followed the chain yet, or it has not caught up: there is nothing to compare now. */
  | { readonly kind: 'not_ready'; readonly why: string };

/**
 * Compares what the books say is in custody on a chain with what the chain says, token by token, at the block up to
 * which everything is credited. Where no node knows the balances of that block any more, those of the newest one are
 * compared, and what is still on its way counts as explained.
 *
 * @throws ChainError when the nodes cannot say
 */
export async function reconcileChain(pool: Pool, port: ChainPort): Promise<Reconciled> {
  await port.reader.head();
  const currencies = port.config.tokens.map(({ currency }) => currency);
  for (let attempt = 1; ; attempt += 1) {
    const books = await readSnapshot(pool, port.chain, currencies);
    if (!books) return { kind: 'not_ready', why: 'No server has followed it yet.' };
    const tokens = (await compareThen(pool, port, books)) ?? (await compareNow(pool, port, books));
    if ('why' in tokens) return { kind: 'not_ready', why: tokens.why };
    const isClean = tokens.found.every(({ unexplainedMinor }) => unexplainedMinor === 0n);
    // Beside a chain that moves, balances and books are not of one moment: only what stays is a difference.
    if (isClean || tokens.isExact || attempt === limits.reconcileAttempts)
      return { kind: 'done', tokens: tokens.found };
    await sleep(port.config.pollMs);
  }
}

interface Compared {
  readonly found: readonly Reconciliation[];
  /** Whether balances and books are surely of one block. */
  readonly isExact: boolean;
}

/** At the block up to which everything is credited. @returns undefined when no node knows its state any more */
async function compareThen(pool: Pool, port: ChainPort, books: Snapshot): Promise<Compared | undefined> {
  const { confirmed: height, open } = books;
  let held: ReadonlyMap<Stablecoin, HeldFigures>;
  try {
    held = await readHeld(pool, port, books.treasury, height);
  } catch (error) {
    if (error instanceof ChainError) return undefined;
    throw error;
  }
  const moved = new Map<string, number>();
  for (const payment of open) {
    const state = payment.attempts.length > 0 && (await port.sender.follow(payment, payment.attempts, 0));
    if (state && state.kind === 'final' && state.ok) moved.set(payment.id, state.height);
  }
  const found = port.config.tokens.map(({ currency }) => {
    const ofToken = open.filter(({ intent }) => 'currency' in intent && intent.currency === currency);
    const sum = (isBooked: boolean, isLater: boolean): bigint =>
      ofToken
        .filter((one) => one.isBooked === isBooked && moved.has(one.id))
        .filter(({ id }) => (moved.get(id) ?? 0) > height === isLater)
        .reduce((total, { intent }) => total + intent.amount, 0n);
    const sums = books.sums.get(currency) ?? nothing;
    const figures: BookFigures = {
      ...sums,
      opening: openingOf(books, currency),
      pending: 0n,
      paidUnbooked: sum(false, false),
      bookedLater: sums.bookedLater + sum(true, true),
    };
    const place = { chain: port.chain, currency, height, isNewest: false };
    return explain(place, figures, held.get(currency) ?? empty);
  });
  return { found, isExact: true };
}

/** At the newest block: what has come since the books were last brought up to a block counts too. */
async function compareNow(
  pool: Pool,
  port: ChainPort,
  books: Snapshot,
): Promise<Compared | { readonly why: string }> {
  const { height } = await port.reader.head();
  const behind = height - books.confirmed;
  if (behind > limits.reconcileLagBlocks) {
    return {
      why: `It is ${behind} blocks behind, and no node knows the balances of block ${books.confirmed}.`,
    };
  }
  const held = await readHeld(pool, port, books.treasury, undefined);
  const arrived = await readArrived(pool, port, books, height);
  const paid = new Set<string>();
  for (const { attempts, id, isBooked } of books.open) {
    for (const { txHash } of isBooked ? [] : attempts) if (await port.reader.minedIn(txHash)) paid.add(id);
  }
  const found = port.config.tokens.map(({ currency }) => {
    const paidUnbooked = books.open
      .filter(({ id, intent }) => paid.has(id) && 'currency' in intent && intent.currency === currency)
      .reduce((total, { intent }) => total + intent.amount, 0n);
    const figures = {
      ...(books.sums.get(currency) ?? nothing),
      opening: openingOf(books, currency),
      pending: arrived.get(currency) ?? 0n,
      bookedLater: 0n,
      paidUnbooked,
    };
    const place = { chain: port.chain, currency, height, isNewest: true };
    return explain(place, figures, held.get(currency) ?? empty);
  });
  return { found, isExact: false };
}

/** What blocks that are not read for good yet have brought, to whomever of ours. Sweeps bring nothing. */
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
  for (const { amount, currency, from, to } of await port.reader.scan(confirmed + 1, height, book, false)) {
    const isSweep = to === port.comparable(treasury) && book.has(from);
    if (currency && !isSweep) arrived.set(currency, (arrived.get(currency) ?? 0n) + amount);
  }
  return arrived;
}

const nothing: Sums = {
  booked: 0n,
  waiting: 0n,
  notCredited: 0n,
  creditedLater: 0n,
  bookedLater: 0n,
};
const empty: HeldFigures = { treasury: 0n, addresses: 0n };

function openingOf({ opening }: Snapshot, currency: Stablecoin): bigint | undefined {
  return opening && (opening.get(currency) ?? 0n);
}

/** What the chain holds for us, token by token, a page of addresses at a time. */
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
      const before = held.get(currency) ?? empty;
      const sum = balances.reduce((total, balance) => total + balance, before.addresses);
      held.set(currency, { ...before, addresses: sum });
    }
  }
  return held;
}
