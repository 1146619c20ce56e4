import { ChainError } from '../../chains/errors.ts';
import type { SeenTransfer } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import { advanceReread, advanceUnlisted, readRereadCursor } from '../cursor.ts';
import { type DepositDeps, recordMissing, sumOf } from '../deposits/crediting.ts';
import { requireConfirmedInChain } from '../deposits/reorganisation.ts';
import { acquireLease, releasingLeaseAtStop } from '../lease.ts';
import { deferBlocks, saveRescanStep } from './commands.ts';
import { findDueRescan, hasLeftovers, listOpenRescans, type Rescan } from './queries.ts';

/**
 * Reads final blocks again, beside the worker that follows the chain, so that nothing here delays a deposit:
 *
 * - blocks of which only a part was recorded, and ranges that an operator asked for;
 * - every block once more when it is deep, to find what a node omitted when the block was new;
 * - tokens that are not configured, of which strangers can send any number.
 */
export function startRescanWorker(deps: DepositDeps): Worker {
  const { logger, port } = deps;
  const { chain, config } = port;
  const readUnlisted = createUnlistedReader(deps);
  let reported: string | undefined;
  const worker = startWorker(`rescans ${chain}`, logger, config.pollMs, async () => {
    try {
      // The worker that follows the chain loads the addresses once it has found a node.
      if (!deps.book.isLoaded || !(await acquireLease(deps, 'reading'))) return false;
      await deps.book.refresh();
      const hasRescanned = await rescanNext(deps);
      const isBehind = await rereadNext(deps);
      const hasUnlisted = await readUnlisted();
      await setMetrics(deps);
      reported = undefined;
      return hasRescanned || isBehind || hasUnlisted;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      if (error.message !== reported)
        logger.warn({ chain, fault: error.message }, 'blocks cannot be read again');
      reported = error.message;
      return false;
    }
  });
  return releasingLeaseAtStop(worker, deps, 'reading');
}

/** @returns whether there was one that is due */
async function rescanNext(deps: DepositDeps): Promise<boolean> {
  const { logger, pool, port } = deps;
  const rescan = await findDueRescan(pool, port.chain);
  if (!rescan) return false;
  try {
    await rescanRange(deps, rescan);
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const { nextHeight, waiting } = rescan;
    logger.warn(
      { chain: port.chain, height: nextHeight, fault: error.message },
      'a block cannot be read again',
    );
    await saveRescanStep(pool, rescan, { nextHeight, waiting, found: 0, fault: error.message });
  }
  return true;
}

async function rescanRange(deps: DepositDeps, rescan: Rescan): Promise<void> {
  const { book, pool, port } = deps;
  const { nextHeight: from, reason } = rescan;
  const to = Math.min(rescan.toHeight, from + port.config.blockRange - 1);
  const transfers: SeenTransfer[] = [...(await port.reader.scan(from, to, book, true))];
  if (reason === 'over_limit' && port.reader.scanUnlisted) {
    transfers.push(...(await port.reader.scanUnlisted(from, to, book)));
  }
  await requireConfirmedInChain(deps);
  const isRequested = reason === 'requested';
  const { found, left, unmeasured } = await recordMissing(deps, transfers, { withTreasury: !isRequested });
  const unmeasuredCount = sumOf(unmeasured);
  if (isRequested && left.size === 0) await deferUnmeasured(deps, unmeasured);
  const isDone = left.size === 0 && (isRequested || unmeasuredCount === 0);
  await saveRescanStep(pool, rescan, {
    nextHeight: isDone ? to + 1 : from,
    waiting: sumOf(left) + unmeasuredCount,
    found,
    fault:
      left.size === 0 && !isDone
        ? 'Too few nodes have the state of the block. Configure an archive node.'
        : undefined,
  });
}

async function deferUnmeasured(deps: DepositDeps, unmeasured: ReadonlyMap<number, number>): Promise<void> {
  const blocks = [...unmeasured].map(([height, waiting]) => ({
    height,
    waiting,
    reason: 'not_measured' as const,
  }));
  await deferBlocks(deps.pool, deps.port.chain, blocks);
}

/** Reads a range of blocks again that have become deep. @returns whether there are more */
async function rereadNext(deps: DepositDeps): Promise<boolean> {
  const { book, logger, metrics, pool, port } = deps;
  const { chain, config, reader } = port;
  const cursor = await readRereadCursor(pool, chain);
  if (!cursor) return false;
  const target = cursor.confirmed - limits.rereadDepthBlocks;
  const from = cursor.reread + 1;
  if (target - cursor.reread < Math.min(config.blockRange, limits.rereadBatchBlocks)) return false;
  const to = Math.min(target, cursor.reread + config.blockRange);
  // What is left of a block is no omission.
  if (await hasLeftovers(pool, chain, to)) return false;
  const transfers = await reader.scan(from, to, book, true);
  await requireConfirmedInChain(deps);
  const { found, left, unmeasured } = await recordMissing(deps, transfers, {
    withTreasury: true,
  });
  if (found > 0) {
    metrics.chainMissedDeposits.inc({ chain }, found);
    logger.warn(
      { chain, from, to, found },
      'transfers were found that the nodes had omitted when their blocks were new',
    );
  }
  if (left.size > 0) return true;
  await deferUnmeasured(deps, unmeasured);
  await advanceReread(pool, chain, cursor.reread, to);
  return to < target;
}

/**
 * Creates the reader of tokens that are not configured. A block with more of them than a node returns is left to the rescans, and
 * holds up no other.
 *
 * @returns whether there are more blocks
 */
function createUnlistedReader(deps: DepositDeps): () => Promise<boolean> {
  const { book, pool, port } = deps;
  const { chain, config, reader } = port;
  let step = config.blockRange;
  return async () => {
    const cursor = await readRereadCursor(pool, chain);
    if (!reader.scanUnlisted || !cursor || cursor.unlisted >= cursor.confirmed) return false;
    const to = Math.min(cursor.confirmed, cursor.unlisted + step);
    let transfers: SeenTransfer[] = [];
    try {
      transfers = await reader.scanUnlisted(cursor.unlisted + 1, to, book);
      step = Math.min(config.blockRange, step * 2);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      const isSingle = to === cursor.unlisted + 1;
      step = 1;
      if (!isSingle || !['too_large', 'rejected'].includes(error.kind)) throw error;
      await deferBlocks(pool, chain, [{ height: to, reason: 'over_limit', waiting: 0 }]);
    }
    await requireConfirmedInChain(deps);
    const { left } = await recordMissing(deps, transfers, { withTreasury: true });
    const blocks = [...left].map(([height, waiting]) => ({ height, waiting, reason: 'over_limit' as const }));
    await deferBlocks(pool, chain, blocks);
    await advanceUnlisted(pool, chain, cursor.unlisted, to);
    return to < cursor.confirmed;
  };
}

async function setMetrics({ metrics, pool, port }: DepositDeps): Promise<void> {
  const { chain } = port;
  const open = await listOpenRescans(pool, chain);
  for (const reason of ['over_limit', 'not_measured', 'requested'] as const) {
    metrics.chainDeferred.set({ chain, reason }, open.find((one) => one.reason === reason)?.waiting ?? 0);
  }
}
