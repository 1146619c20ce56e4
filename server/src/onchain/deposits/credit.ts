import { ChainError, type ChainPort, type SeenTransfer } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import type { RateProvider } from '../../rates/provider.ts';
import type { Pool } from '../../store/pool.ts';
import type { Command } from '../../writer/command.ts';
import type { Writer } from '../../writer/writer.ts';
import { keepNotices, type Notice } from '../bookkeeping.ts';
import { ownTransactions } from '../payments/queries.ts';
import { noteSweepable } from '../sweeps/queries.ts';
import { type ChainDeposit, creditDeposit, dropDeposit, type KnownDeposit, noteDeposit } from './commands.ts';
import { findDeposits, type KeptDeposit, listPending, listWaiting } from './queries.ts';
import { type Arrival, type Sorted, shareReceived, sortTransfers } from './sort.ts';
import type { AddressBook } from './watched-addresses.ts';

export interface DepositDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Undefined when no source of rates is set. */
  readonly rates: RateProvider | undefined;
  readonly port: ChainPort;
  readonly book: AddressBook;
  /** Names this process. */
  readonly holder: string;
}

/** Shows what newly read blocks bring as pending. */
export async function showDeposits(deps: DepositDeps, transfers: readonly SeenTransfer[]): Promise<void> {
  const { arrivals } = sortArrivals(deps, transfers);
  const deposits = arrivals.map((arrival) => toDeposit(deps.port, arrival, arrival.transfer.amount));
  await submitAll(deps, deposits, noteDeposit);
}

/**
 * Credits what blocks up to a height have brought for good, and takes back what was shown as pending and is not in them.
 *
 * @param transfers everything that the blocks hold which have not been credited yet
 */
export async function creditDeposits(
  deps: DepositDeps,
  transfers: readonly SeenTransfer[],
  toHeight: number,
): Promise<void> {
  const { arrivals, notices } = sortArrivals(deps, transfers);
  const measured = await measure(deps, arrivals);
  const sellRate = deps.rates?.quote('usdt', 'usd', Date.now())?.sellRate;
  await submitAll(deps, measured.deposits, (deposit, known) => creditDeposit(deposit, known, sellRate));
  await noteSweepable(deps.pool, deps.port.chain, measured.deposits);
  // What is told of here is not there to be credited: what was shown of it is taken back.
  await tell(deps, [...notices, ...measured.notices]);
  await takeBack(deps, toHeight);
}

/** Credits what has waited for a rate. */
export async function creditWaiting(deps: DepositDeps): Promise<void> {
  const sellRate = deps.rates?.quote('usdt', 'usd', Date.now())?.sellRate;
  if (sellRate === undefined) return;
  const waiting = await listWaiting(deps.pool, deps.port.chain);
  await submitKnown(deps, waiting, (deposit, known) => creditDeposit(deposit, known, sellRate));
}

function sortArrivals({ book, port }: DepositDeps, transfers: readonly SeenTransfer[]): Sorted {
  return sortTransfers(port.config, book, port.comparable(port.sender.treasury), transfers);
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

/** What has really arrived: the state of the chain says so, not the events of a contract. */
async function measure(
  { pool, port }: DepositDeps,
  arrivals: readonly Arrival[],
): Promise<{ deposits: ChainDeposit[]; notices: Notice[] }> {
  const deposits: ChainDeposit[] = [];
  const notices: Notice[] = [];
  const groups = new Map<string, Arrival[]>();
  for (const arrival of arrivals) {
    const { block, to, token } = arrival.transfer;
    const name = `${block.id}/${token}/${to}`;
    groups.set(name, [...(groups.get(name) ?? []), arrival]);
  }
  for (const group of groups.values()) {
    const claimed = group.map(({ transfer }) => transfer.amount);
    const received = await port.reader.received(
      group.map(({ transfer }) => transfer),
      (txHashes) => ownTransactions(pool, txHashes),
    );
    const shares = received === undefined ? believed(port, group) : shareReceived(claimed, received);
    group.forEach((arrival, index) => {
      const amountMinor = shares[index] ?? 0n;
      const { id, transfer } = arrival;
      const isCredited = amountMinor >= port.config.minDepositMinor;
      if (isCredited) deposits.push(toDeposit(port, arrival, amountMinor));
      if (amountMinor === transfer.amount) return;
      const shortfall = isCredited ? 'partly_received' : 'not_received';
      notices.push({ id, reason: shortfall, transfer, receivedMinor: isCredited ? 0n : amountMinor });
    });
  }
  return { deposits, notices };
}

/** Without the state of the block, an issuer's own token is believed; any other waits for a node that has it. */
function believed(port: ChainPort, group: readonly Arrival[]): bigint[] {
  const [first] = group;
  if (first && port.token(first.currency)?.isKnown) return group.map(({ transfer }) => transfer.amount);
  throw new ChainError(
    `No node knows the state of block ${first?.transfer.block.height} any more: add an archive node.`,
  );
}

async function takeBack(deps: DepositDeps, toHeight: number): Promise<void> {
  const pending = await listPending(deps.pool, deps.port.chain, toHeight);
  const gone: KeptDeposit[] = [];
  const refuted: KeptDeposit[] = [];
  for (const kept of pending) {
    const block = await deps.port.reader.minedIn(kept.deposit.txHash);
    if (!block) gone.push(kept);
    else if (block.height > toHeight) continue;
    else if (await isRefuted(deps, kept, block.height)) refuted.push(kept);
    else throw new ChainError(`The nodes disagree about the transaction ${kept.deposit.txHash}.`);
  }
  await submitKnown(deps, gone, (deposit, known) => dropDeposit(deposit, known, 'block_gone'));
  await submitKnown(deps, refuted, (deposit, known) => dropDeposit(deposit, known, 'nothing_received'));
}

/**
 * Whether it is known that what the deposit claims is not credited, though its transaction is there: the operator has been
 * told, or it does something else in the block that it is in now. A node that made the deposit up alone, or a transaction
 * that failed when its block was replaced, would otherwise hold up every other deposit.
 *
 * @param height where the transaction is
 */
async function isRefuted(deps: DepositDeps, { deposit }: KeptDeposit, height: number): Promise<boolean> {
  const { book, pool, port } = deps;
  if (port.token(deposit.currency) === undefined) return true;
  const { rowCount } = await pool.query('select from chain_notices where chain = $1 and id = $2', [
    port.chain,
    deposit.id,
  ]);
  if (rowCount === 1) return true;
  const { arrivals } = sortArrivals(deps, await port.reader.scan(height, height, book, true));
  return !arrivals.some(({ id }) => id === deposit.id);
}

async function tell({ logger, metrics, pool, port }: DepositDeps, notices: readonly Notice[]): Promise<void> {
  for (const { reason, transfer } of await keepNotices(pool, port.chain, notices)) {
    metrics.chainNotices.inc({ chain: port.chain, reason });
    logger.warn(
      { chain: port.chain, reason, txHash: transfer.txHash },
      'something arrived and is not credited',
    );
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
  const kept = deposits.map((deposit) => ({ deposit, known: known.get(deposit.id) }));
  await submitKnown(deps, kept, command);
}

async function submitKnown(
  { port, writer }: DepositDeps,
  kept: readonly KeptDeposit[],
  command: MakeCommand,
): Promise<void> {
  for (let at = 0; at < kept.length; at += limits.depositsPerBatch) {
    const some = kept.slice(at, at + limits.depositsPerBatch);
    const outcomes = await Promise.all(
      some.map(({ deposit, known }) => writer.submit(command(deposit, known))),
    );
    if (outcomes.some(({ kind }) => kind === 'refused')) {
      throw new ChainError(`Another process works on the deposits of ${port.chain}.`);
    }
  }
}
