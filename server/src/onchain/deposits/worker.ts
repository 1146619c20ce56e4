import { agreedBlockId } from '../../chains/block-votes.ts';
import { ChainError } from '../../chains/errors.ts';
import type { Block, ChainPort, SeenTransfer } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import {
  advanceConfirmed,
  advanceScanned,
  type Cursor,
  createCursor,
  listScannedBlocks,
  readCursor,
  rewindScanned,
} from '../cursor.ts';
import { acquireLease, releasingLeaseAtStop } from '../lease.ts';
import { recordOutgoing } from '../outflows/commands.ts';
import { createStatusRecorder } from '../status/commands.ts';
import { transferId } from './classify.ts';
import { creditAwaitingRate, creditDeposits, type DepositDeps, showDeposits } from './crediting.ts';

import { reverseMissing } from './orphaned.ts';
import { recoverFromReorganisation, requireConfirmedInChain } from './reorganisation.ts';

/**
 * Follows a chain: shows deposits as soon as they are in a block, and credits them once the block is final.
 *
 * Blocks are scanned twice. The first scan only shows deposits. The second, of final blocks, credits them, and also finds those that a
 * lagging node omitted in the first.
 */
export function startDepositWorker(deps: DepositDeps): Worker {
  const { logger, metrics, port } = deps;
  const { chain, config } = port;
  let reported: string | undefined;
  const recordStatus = createStatusRecorder(deps);
  const worker = startWorker(`deposits ${chain}`, logger, config.pollMs, async () => {
    try {
      const { headHeight, isBehind } = await followOnce(deps);
      if (reported !== undefined) logger.info({ chain }, 'the chain is followed again');
      reported = undefined;
      metrics.chainTurns.inc({ chain, result: 'success' });
      await recordStatus(headHeight, undefined);
      return isBehind;
    } catch (error) {
      metrics.chainTurns.inc({ chain, result: 'failure' });
      if (!(error instanceof ChainError)) throw error;
      // A fault is logged when it changes, not in every turn.
      if (error.message !== reported)
        logger.warn({ chain, fault: error.message }, 'the chain cannot be followed');
      reported = error.message;
      await recordStatus(undefined, error.message);
      return false;
    }
  });
  return releasingLeaseAtStop(worker, deps, 'reading');
}

/** The result of a turn. */
interface Turn {
  readonly headHeight: number;
  /** Whether the next turn follows immediately. */
  readonly isBehind: boolean;
}

async function followOnce(deps: DepositDeps): Promise<Turn> {
  const { pool, port } = deps;
  const head = await port.reader.head();
  const before = await readCursor(pool, port.chain);
  if (!before) await startFollowing(deps, port.config.startBlock ?? head.height);
  if (!(await acquireLease(deps, 'reading'))) return { headHeight: head.height, isBehind: false };
  // After the head was read: every address that the API returned before that block is loaded.
  await deps.book.refresh();
  await recoverFromReorganisation(deps, head, await requireCursor(deps));
  const isBehind = await creditFinalBlocks(deps, head);
  await creditAwaitingRate(deps);
  if (!isBehind) await showNewBlocks(deps, head);
  deps.metrics.chainHeight.set({ chain: port.chain, kind: 'head' }, head.height);
  return { headHeight: head.height, isBehind };
}

/** Records the treasury's balances before the first block, which no scanned block explains. */
async function startFollowing({ logger, pool, port }: DepositDeps, firstBlock: number): Promise<void> {
  let opening: Map<Stablecoin, bigint> | null = null;
  try {
    opening = await readOpening(port, firstBlock);
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const { chain } = port;
    logger.warn({ chain, firstBlock }, "no node has the treasury's balances before the first block");
  }
  await createCursor(pool, port.config, firstBlock, opening);
}

async function readOpening(port: ChainPort, firstBlock: number): Promise<Map<Stablecoin, bigint>> {
  const { config, reader, sender } = port;
  const opening = new Map<Stablecoin, bigint>();
  if (firstBlock === 0) return opening;
  const balanceAt = async (currency: Stablecoin, height?: number): Promise<bigint> =>
    (await reader.tokenBalances(currency, [sender.treasury], height))[0] ?? 0n;
  for (const { currency } of config.tokens) {
    // Nodes of other families keep current balances only. They apply if the first block is the newest.
    const isCurrent = config.startBlock === undefined && config.family !== 'evm';
    opening.set(currency, await balanceAt(currency, isCurrent ? undefined : firstBlock - 1));
  }
  return opening;
}

/** Scans the blocks that have become final, and credits their deposits. @returns whether there are more */
async function creditFinalBlocks(deps: DepositDeps, head: Block): Promise<boolean> {
  const { metrics, pool, port } = deps;
  const { chain, config, reader } = port;
  const target = await reader.finalHeight(head);
  let { confirmed } = await requireCursor(deps);
  for (let ranges = 0; confirmed < target; ranges += 1) {
    if (ranges === limits.rangesPerTurn) return true;
    if (!(await acquireLease(deps, 'reading'))) return false;
    const to = Math.min(target, confirmed + config.blockRange);
    const range = { from: confirmed + 1, to };
    const transfers = await reader.scan(range.from, to, deps.book, true);
    const id = await readBlockId(deps, to, transfers);
    // The blocks of the range follow those that are confirmed: these are verified after the range was read.
    await requireConfirmedInChain(deps);
    await recordOutgoing(pool, chain, transfers);
    await creditDeposits(deps, transfers, to);
    await reverseMissing(deps, new Set(transfers.map((one) => transferId(chain, one))), range, target);
    await advanceConfirmed(pool, chain, confirmed, to, id);
    confirmed = to;
  }
  metrics.chainHeight.set({ chain, kind: 'confirmed' }, confirmed);
  return false;
}

/**
 * The id of the last block of a range, by as many nodes as must agree.
 *
 * @returns undefined if there is no block at the height (a skipped slot of Solana)
 * @throws ChainError if the nodes do not agree, or if the transfers of that height are of another block
 */
async function readBlockId(
  { port }: DepositDeps,
  height: number,
  transfers: readonly SeenTransfer[],
): Promise<string | undefined> {
  const ids = await port.reader.blockIds(height);
  const id = agreedBlockId(ids, port.config.agreement);
  if (id === undefined && ids.length > 0)
    throw new ChainError(`The nodes disagree about block ${height}.`, 'unsettled');
  if (transfers.some(({ block }) => block.height === height && block.id !== id)) {
    throw new ChainError('The chain changed during the read.', 'unsettled');
  }
  return id;
}

/** Scans the new blocks, and shows their deposits as pending. */
async function showNewBlocks(deps: DepositDeps, head: Block): Promise<void> {
  const { pool, port } = deps;
  const { chain, config, reader } = port;
  // A node that lags behind the last scan has no new blocks.
  if (head.height < (await requireCursor(deps)).scanned) return;
  let scanned = await rewindOrphaned(deps);
  while (scanned < head.height && (await acquireLease(deps, 'reading'))) {
    const to = Math.min(head.height, scanned + config.blockRange);
    const transfers = await reader.scan(scanned + 1, to, deps.book, false);
    const id = await reader.blockId(to);
    if (id === undefined || transfers.some(({ block }) => block.height === to && block.id !== id)) {
      throw new ChainError('The chain changed during the read.');
    }
    await showDeposits(deps, transfers);
    await advanceScanned(pool, chain, { height: to, id });
    scanned = to;
  }
}

/** Moves the cursor back if scanned blocks have been orphaned. @returns the height up to which the scan is valid */
async function rewindOrphaned(deps: DepositDeps): Promise<number> {
  const { logger, metrics, pool, port } = deps;
  const { confirmed, scanned } = await requireCursor(deps);
  const blocks = await listScannedBlocks(pool, port.chain);
  let height = blocks.length === 0 ? scanned : confirmed;
  for (const block of blocks) {
    if ((await port.reader.blockId(block.height)) !== block.id) continue;
    height = block.height;
    break;
  }
  if (height === scanned) return scanned;
  metrics.chainReorganisations.inc({ chain: port.chain });
  logger.warn({ chain: port.chain, fromHeight: height + 1, toHeight: scanned }, 'the chain was reorganised');
  await rewindScanned(pool, port.chain, height);
  return Math.max(height, confirmed);
}

async function requireCursor({ pool, port }: DepositDeps): Promise<Cursor> {
  const cursor = await readCursor(pool, port.chain);
  if (!cursor) throw new ChainError('The chain has not been followed yet.');
  return cursor;
}
