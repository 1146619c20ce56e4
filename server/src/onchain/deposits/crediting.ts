import { ChainError } from '../../chains/errors.ts';
import type { ChainPort, SeenTransfer } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import type { LeaseDeps } from '../lease.ts';
import { ownTransactions } from '../payments/queries.ts';
import { saveSweepCandidates } from '../sweeps/queries.ts';
import { type Arrival, type ClassifiedTransfers, classifyTransfers, shareReceived } from './classify.ts';
import {
  type ChainDeposit,
  creditDeposit,
  type KnownDeposit,
  showDeposit,
  withdrawDeposit,
} from './commands.ts';
import { findDeposits, listAwaitingRate, listPending, type StoredDeposit } from './queries.ts';
import { reverseChanged } from './reversals.ts';
import { isUncredited, saveUncredited, type UncreditedDeposit } from './uncredited.ts';
import type { AddressBook } from './watched-addresses.ts';

export interface DepositDeps extends LeaseDeps {
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined if no source of rates is configured. */
  readonly rates: RateProvider | undefined;
  readonly book: AddressBook;
}

/** Shows the deposits of new blocks as pending. */
export async function showDeposits(deps: DepositDeps, transfers: readonly SeenTransfer[]): Promise<void> {
  const { arrivals } = classify(deps, transfers);
  const deposits = arrivals.map((arrival) => toDeposit(deps.port, arrival, arrival.transfer.amount));
  await submitAll(deps, deposits, showDeposit);
}

/**
 * Credits the deposits of final blocks, and withdraws the pending deposits that these blocks do not contain.
 *
 * @param transfers all transfers of the blocks that have not been credited yet
 * @param toHeight the last of those blocks
 */
export async function creditDeposits(
  deps: DepositDeps,
  transfers: readonly SeenTransfer[],
  toHeight: number,
): Promise<void> {
  const { arrivals, uncredited } = classify(deps, transfers);
  const measured = await measure(deps, arrivals);
  const sellRate = sellRateNow(deps);
  await reverseChanged(deps, measured.deposits);
  await submitAll(deps, measured.deposits, (deposit, known) => creditDeposit(deposit, known, sellRate));
  await saveSweepCandidates(deps.pool, deps.port.chain, measured.deposits);
  // Before the withdrawal, which withdraws pending deposits that are stored as uncredited.
  await reportUncredited(deps, [...uncredited, ...measured.uncredited]);
  await withdrawMissing(deps, toHeight);
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

/** Measures the received amounts from the state of the chain, because contracts can emit any event. */
async function measure(
  { pool, port }: DepositDeps,
  arrivals: readonly Arrival[],
): Promise<{ deposits: ChainDeposit[]; uncredited: UncreditedDeposit[] }> {
  const deposits: ChainDeposit[] = [];
  const uncredited: UncreditedDeposit[] = [];
  for (const group of groupByReceiver(arrivals)) {
    const claimed = group.map(({ transfer }) => transfer.amount);
    const received = await port.reader.received(
      group.map(({ transfer }) => transfer),
      (txHashes) => ownTransactions(pool, txHashes),
    );
    const shares = received === undefined ? trustedAmounts(port, group) : shareReceived(claimed, received);
    group.forEach((arrival, index) => {
      const amountMinor = shares[index] ?? 0n;
      const { id, transfer } = arrival;
      const isCredited = amountMinor >= port.config.minDepositMinor;
      if (isCredited) deposits.push(toDeposit(port, arrival, amountMinor));
      if (amountMinor === transfer.amount) return;
      const reason = isCredited ? 'partly_received' : 'not_received';
      uncredited.push({ id, reason, transfer, receivedMinor: isCredited ? 0n : amountMinor });
    });
  }
  return { deposits, uncredited };
}

/** Groups transfers by block, token and receiver. */
function groupByReceiver(arrivals: readonly Arrival[]): Iterable<Arrival[]> {
  const groups = new Map<string, Arrival[]>();
  for (const arrival of arrivals) {
    const { block, to, token } = arrival.transfer;
    const key = `${block.id}/${token}/${to}`;
    groups.set(key, [...(groups.get(key) ?? []), arrival]);
  }
  return groups.values();
}

/** Without the state of the block, the events of a known token are trusted. Any other token waits for a node that has the state. */
function trustedAmounts(port: ChainPort, group: readonly Arrival[]): bigint[] {
  const [first] = group;
  if (first && port.token(first.currency)?.isKnown) return group.map(({ transfer }) => transfer.amount);
  throw new ChainError(
    `No node has the state of block ${first?.transfer.block.height}. Configure an archive node.`,
  );
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
  if (await isUncredited(pool, port.chain, deposit.id)) return true;
  const { arrivals } = classify(deps, await port.reader.scan(height, height, book, true));
  return !arrivals.some(({ id }) => id === deposit.id);
}

async function reportUncredited(
  { logger, metrics, pool, port }: DepositDeps,
  deposits: readonly UncreditedDeposit[],
): Promise<void> {
  const { chain } = port;
  for (const { reason, transfer } of await saveUncredited(pool, chain, deposits)) {
    metrics.uncreditedDeposits.inc({ chain, reason });
    logger.warn({ chain, reason, txHash: transfer.txHash }, 'a transfer was received and not credited');
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
