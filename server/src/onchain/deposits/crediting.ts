import { mapInBatches } from '../../chains/batches.ts';
import { ChainError } from '../../chains/errors.ts';
import type { ChainPort, Measured, SeenTransfer } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import type { LeaseDeps } from '../lease.ts';
import { ownTransactions } from '../payments/queries.ts';
import { type DeferredBlock, deferBlocks } from '../rescans/commands.ts';
import { saveSweepCandidates } from '../sweeps/queries.ts';
import {
  type Arrival,
  type ClassifiedTransfers,
  classifyTransfers,
  shareReceived,
  transferId,
} from './classify.ts';
import {
  type ChainDeposit,
  creditDeposit,
  type KnownDeposit,
  showDeposit,
  withdrawDeposit,
} from './commands.ts';
import { findDeposits, findFinal, listAwaitingRate, listPending, type StoredDeposit } from './queries.ts';
import { reverseChanged } from './reversals.ts';
import { findUncredited, listDecided, saveUncredited, type UncreditedDeposit } from './uncredited.ts';
import type { AddressBook } from './watched-addresses.ts';

export interface DepositDeps extends LeaseDeps {
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined if no source of rates is configured. */
  readonly rates: RateProvider | undefined;
  readonly book: AddressBook;
}

/** Shows the deposits of new blocks as pending, the largest ones if there are very many. */
export async function showDeposits(deps: DepositDeps, transfers: readonly SeenTransfer[]): Promise<void> {
  const [arrivals] = largestOf(classify(deps, transfers).arrivals);
  const deposits = arrivals.map((arrival) => toDeposit(deps.port, arrival, arrival.transfer.amount));
  await submitAll(deps, deposits, showDeposit);
}

/**
 * Credits the deposits of final blocks, and withdraws the pending deposits that these blocks do not contain. Blocks that hold more than
 * is recorded in a turn, or what cannot be measured now, are stored to be read again.
 *
 * @param transfers all transfers of the blocks that have not been credited yet
 * @param toHeight the last of those blocks
 */
export async function creditDeposits(
  deps: DepositDeps,
  transfers: readonly SeenTransfer[],
  toHeight: number,
): Promise<void> {
  const { left, unmeasured } = await record(deps, classify(deps, transfers));
  const deferred = (blocks: ReadonlyMap<number, number>, reason: DeferredBlock['reason']): DeferredBlock[] =>
    [...blocks].map(([height, waiting]) => ({ height, waiting, reason }));
  // Before the withdrawal, which leaves the pending deposits of these blocks alone.
  await deferBlocks(deps.pool, deps.port.chain, [
    ...deferred(left, 'over_limit'),
    ...deferred(unmeasured, 'not_measured'),
  ]);
  await withdrawMissing(deps, toHeight);
}

/**
 * Records what is not recorded yet of final blocks that were credited before.
 *
 * @param withTreasury whether transfers to the treasury are recorded: those before the first block are in its opening balance
 */
export async function recordMissing(
  deps: DepositDeps,
  transfers: readonly SeenTransfer[],
  { withTreasury }: { readonly withTreasury: boolean },
): Promise<Recorded & { readonly found: number }> {
  const { pool, port } = deps;
  const { arrivals, uncredited } = classify(deps, transfers);
  const ids = transfers.flatMap((transfer) => [
    transferId(port.chain, transfer),
    // Of a token that was not configured when it arrived.
    transferId(port.chain, { ...transfer, currency: undefined }),
  ]);
  const stored = ids.length === 0 ? new Set<string>() : await findUncredited(pool, port.chain, ids);
  const final = arrivals.length === 0 ? new Set<string>() : await findFinal(pool, arrivals);
  const isNew = ({ id, transfer }: { readonly id: string; readonly transfer: SeenTransfer }): boolean =>
    !stored.has(id) &&
    !final.has(id) &&
    !stored.has(transferId(port.chain, { ...transfer, currency: undefined }));
  const missing = {
    arrivals: arrivals.filter(isNew),
    uncredited: uncredited
      .filter(isNew)
      .filter(({ reason }) => withTreasury || reason !== 'treasury_funding'),
  };
  const recorded = await record(deps, missing, limits.uncreditedPerRescan);
  const rest = sumOf(recorded.left) + sumOf(recorded.unmeasured);
  return { ...recorded, found: missing.arrivals.length + missing.uncredited.length - rest };
}

/** What of some final blocks was not recorded: how many transfers, by height. */
interface Recorded {
  /** More than are recorded in a turn. */
  readonly left: ReadonlyMap<number, number>;
  /** No node could measure what was received. */
  readonly unmeasured: ReadonlyMap<number, number>;
}

async function record(
  deps: DepositDeps,
  { arrivals, uncredited }: ClassifiedTransfers,
  uncreditedLimit: number = limits.uncreditedPerRange,
): Promise<Recorded> {
  const [kept, leftArrivals] = largestOf(arrivals);
  const [recorded, leftUncredited] = splitAt(uncredited, uncreditedLimit);
  const measured = await measure(deps, await withoutDecided(deps, kept));
  const sellRate = sellRateNow(deps);
  await reverseChanged(deps, measured.deposits);
  await submitAll(deps, measured.deposits, (deposit, known) => creditDeposit(deposit, known, sellRate));
  await saveSweepCandidates(deps.pool, deps.port.chain, measured.deposits);
  // Before the withdrawal, which withdraws pending deposits that are stored as uncredited.
  await reportUncredited(deps, [...recorded, ...measured.uncredited]);
  return {
    left: countByHeight([...leftArrivals, ...leftUncredited]),
    unmeasured: countByHeight(measured.unmeasured),
  };
}

/** Strangers can send a cent to every address: what is worth more comes first. */
function largestOf(arrivals: readonly Arrival[]): readonly [readonly Arrival[], readonly Arrival[]] {
  if (arrivals.length <= limits.depositsPerRange) return [arrivals, []];
  const sorted = [...arrivals].sort((a, b) => Number(b.transfer.amount - a.transfer.amount));
  return splitAt(sorted, limits.depositsPerRange);
}

function splitAt<Item>(items: readonly Item[], at: number): readonly [readonly Item[], readonly Item[]] {
  return [items.slice(0, at), items.slice(at)];
}

function countByHeight(items: readonly { readonly transfer: SeenTransfer }[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { transfer } of items) {
    counts.set(transfer.block.height, (counts.get(transfer.block.height) ?? 0) + 1);
  }
  return counts;
}

/** Leaves out what operators have decided about: a rescan under other settings must not credit it again. */
async function withoutDecided(
  { pool, port }: DepositDeps,
  arrivals: readonly Arrival[],
): Promise<readonly Arrival[]> {
  if (arrivals.length === 0) return arrivals;
  // The token may have been configured since.
  const unlistedId = ({ transfer }: Arrival) => transferId(port.chain, { ...transfer, currency: undefined });
  const decided = await listDecided(
    pool,
    arrivals.flatMap((arrival) => [arrival.id, unlistedId(arrival)]),
  );
  return arrivals.filter((arrival) => !decided.has(arrival.id) && !decided.has(unlistedId(arrival)));
}

/** Credits the deposits that wait for a rate. */
export async function creditAwaitingRate(deps: DepositDeps): Promise<void> {
  const sellRate = sellRateNow(deps);
  if (sellRate === undefined) return;
  const waiting = await listAwaitingRate(deps.pool, deps.port.chain);
  await submitStored(deps, waiting, (deposit, known) => creditDeposit(deposit, known, sellRate));
}

function sellRateNow({ rates }: DepositDeps): string | undefined {
  return rates?.quote('usdt', 'usd', Date.now())?.sellRate;
}

function classify({ book, port }: DepositDeps, transfers: readonly SeenTransfer[]): ClassifiedTransfers {
  return classifyTransfers(port.config, book, port.comparable(port.sender.treasury), transfers);
}

function toDeposit(port: ChainPort, arrival: Arrival, amountMinor: bigint): ChainDeposit {
  const { currency, environmentId, id, transfer, walletId } = arrival;
  return {
    id,
    environmentId,
    walletId,
    chain: port.chain,
    txHash: transfer.txHash,
    height: transfer.block.height,
    blockId: transfer.block.id,
    currency,
    amountMinor,
  };
}

interface MeasuredArrivals {
  readonly deposits: readonly ChainDeposit[];
  readonly uncredited: readonly UncreditedDeposit[];
  readonly unmeasured: readonly Arrival[];
}

/** Measures the received amounts from the state of the chain, because contracts can emit any event. */
async function measure(deps: DepositDeps, arrivals: readonly Arrival[]): Promise<MeasuredArrivals> {
  const { pool, port } = deps;
  const deposits: ChainDeposit[] = [];
  const uncredited: UncreditedDeposit[] = [];
  const unmeasured: Arrival[] = [];
  const groups = [...groupBy(arrivals, ({ transfer }) => `${transfer.block.id}/${transfer.token}`)];
  const results = await mapInBatches(groups, limits.measuredBlocks, (group) =>
    port.reader.received(
      group.map(({ transfer }) => transfer),
      (txHashes) => ownTransactions(pool, txHashes),
    ),
  );
  for (const [index, group] of groups.entries()) {
    for (const ofOne of groupBy(group, ({ transfer }) => transfer.to)) {
      const shares = sharesOf(port, ofOne, results[index]);
      if (!shares) unmeasured.push(...ofOne);
      else for (const [at, arrival] of ofOne.entries()) sortOut(arrival, shares[at] ?? 0n);
    }
  }
  return { deposits, uncredited, unmeasured };

  function sortOut(arrival: Arrival, amountMinor: bigint): void {
    const { id, transfer } = arrival;
    const isCredited = amountMinor >= port.config.minDepositMinor;
    if (isCredited) deposits.push(toDeposit(port, arrival, amountMinor));
    if (amountMinor === transfer.amount) return;
    const reason = isCredited ? 'partly_received' : 'not_received';
    uncredited.push({ id, reason, transfer, receivedMinor: isCredited ? 0n : amountMinor });
  }
}

/**
 * The amounts of transfers of one token to one receiver in one block. Where fewer nodes than must agree have the state, the events of a
 * known token are trusted, unless one of those nodes refutes them.
 *
 * @returns undefined if they cannot be known yet
 */
function sharesOf(
  port: ChainPort,
  group: readonly Arrival[],
  measured: Measured | undefined,
): bigint[] | undefined {
  const claimed = group.map(({ transfer }) => transfer.amount);
  const [first] = group;
  const received = measured?.amounts.get(first?.transfer.to ?? '');
  if (received !== undefined && measured?.isAgreed) return shareReceived(claimed, received);
  const isKnown = first !== undefined && port.token(first.currency)?.isKnown === true;
  const isRefuted = received !== undefined && received < claimed.reduce((sum, amount) => sum + amount, 0n);
  return isKnown && !isRefuted ? claimed : undefined;
}

function groupBy<Item>(items: readonly Item[], keyOf: (item: Item) => string): Iterable<Item[]> {
  return Map.groupBy(items, keyOf).values();
}

async function withdrawMissing(deps: DepositDeps, toHeight: number): Promise<void> {
  const pending = await listPending(deps.pool, deps.port.chain, toHeight);
  const orphaned: StoredDeposit[] = [];
  const refuted: StoredDeposit[] = [];
  for (const stored of pending) {
    const { txHash } = stored.deposit;
    const block = await deps.port.reader.minedIn(txHash);
    if (!block) orphaned.push(stored);
    else if (block.height > toHeight) continue;
    else if (await isRefuted(deps, stored, block.height)) refuted.push(stored);
    else throw new ChainError(`The nodes disagree about the transaction ${txHash}.`);
  }
  await submitStored(deps, orphaned, (deposit, known) => withdrawDeposit(deposit, known, 'block_orphaned'));
  await submitStored(deps, refuted, (deposit, known) => withdrawDeposit(deposit, known, 'nothing_received'));
}

/**
 * Whether the chain refutes a deposit although its transaction is in a block: the deposit is stored as uncredited, or the
 * transaction does something else in its current block. Otherwise a deposit that one node invented, or a transaction that failed
 * after a reorganization, would hold up all later deposits.
 *
 * @param height the height of the transaction's block
 */
export async function isRefuted(
  deps: DepositDeps,
  { deposit }: StoredDeposit,
  height: number,
): Promise<boolean> {
  const { book, pool, port } = deps;
  if (port.token(deposit.currency) === undefined) return true;
  if ((await findUncredited(pool, port.chain, [deposit.id])).size > 0) return true;
  const { arrivals } = classify(deps, await port.reader.scan(height, height, book, true));
  return !arrivals.some(({ id }) => id === deposit.id);
}

async function reportUncredited(
  { logger, metrics, pool, port }: DepositDeps,
  deposits: readonly UncreditedDeposit[],
): Promise<void> {
  const { chain } = port;
  const saved = await saveUncredited(pool, chain, deposits);
  for (const [reason, some] of Map.groupBy(saved, (deposit) => deposit.reason)) {
    metrics.uncreditedDeposits.inc({ chain, reason }, some.length);
    const txHashes = some.slice(0, limits.loggedTransactions).map(({ transfer }) => transfer.txHash);
    const facts = { chain, reason, count: some.length, txHashes };
    if (reason === 'treasury_funding') logger.info(facts, 'the treasury was funded');
    else logger.warn(facts, 'transfers were received and not credited');
  }
}

type MakeCommand = (deposit: ChainDeposit, known: KnownDeposit) => Command<unknown>;

async function submitAll(
  deps: DepositDeps,
  deposits: readonly ChainDeposit[],
  command: MakeCommand,
): Promise<void> {
  if (deposits.length === 0) return;
  const known = await findDeposits(deps.pool, deposits);
  const stored = deposits.map((deposit) => ({ deposit, known: known.get(deposit.id) }));
  await submitStored(deps, stored, command);
}

async function submitStored(
  { port, writer }: DepositDeps,
  stored: readonly StoredDeposit[],
  command: MakeCommand,
): Promise<void> {
  for (let at = 0; at < stored.length; at += limits.depositsPerBatch) {
    const batch = stored.slice(at, at + limits.depositsPerBatch);
    const outcomes = await Promise.all(
      batch.map(({ deposit, known }) => writer.submit(command(deposit, known))),
    );
    if (outcomes.some(({ kind }) => kind === 'refused')) {
      throw new ChainError(`Another process changes the deposits of ${port.chain}.`);
    }
  }
}

/** How many transfers are counted in all. */
export function sumOf(counts: ReadonlyMap<number, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0);
}
