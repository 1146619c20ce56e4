import { type Block, ChainError, type ChainPort } from '../../chains/port.ts';
import type { Stablecoin } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import {
  beginChain,
  type Cursor,
  forgetAfter,
  holdChain,
  listBlocks,
  moveConfirmed,
  moveScanned,
  readCursor,
} from '../cursor.ts';
import { leavingAtEnd } from '../lease.ts';
import { createLook } from '../status/commands.ts';
import { creditDeposits, creditWaiting, type DepositDeps, showDeposits } from './crediting.ts';

/**
 * Follows a chain: shows deposits as soon as they are in a block, credits them once they are deep enough.
 *
 * Blocks are read twice. The first reading only shows; the second, at the depth of the confirmations, is the one that
 * counts, and finds also what a lagging node had left out.
 */
export function startChainWatch(deps: DepositDeps): Worker {
  const { logger, metrics, port } = deps;
  const { chain, config } = port;
  let reported: string | undefined;
  const look = createLook(deps);
  const worker = startWorker(`watch ${chain}`, logger, config.pollMs, async () => {
    try {
      const { headHeight, isBehind } = await watchOnce(deps);
      if (reported !== undefined) logger.info({ chain }, 'the chain is followed again');
      reported = undefined;
      metrics.chainTurns.inc({ chain, result: 'success' });
      await look(headHeight, undefined);
      return isBehind;
    } catch (error) {
      metrics.chainTurns.inc({ chain, result: 'failure' });
      if (!(error instanceof ChainError)) throw error;
      // What fails is logged when it changes, not at every turn.
      if (error.message !== reported)
        logger.warn({ chain, fault: error.message }, 'the chain cannot be followed');
      reported = error.message;
      await look(undefined, error.message);
      return false;
    }
  });
  return leavingAtEnd(worker, deps);
}

/** What a turn has come to. */
interface Turn {
  readonly headHeight: number;
  /** Whether there is more to read at once. */
  readonly isBehind: boolean;
}

async function watchOnce(deps: DepositDeps): Promise<Turn> {
  const { holder, pool, port } = deps;
  const head = await port.reader.head();
  const before = await readCursor(pool, port.chain);
  if (!before) await begin(deps, port.config.startBlock ?? head.height);
  if (!(await holdChain(pool, port.chain, holder))) return { headHeight: head.height, isBehind: false };
  // After the head: whoever has been shown an address before that block is in the book now.
  await deps.book.refresh();
  const isBehind = await confirm(deps, head);
  await creditWaiting(deps);
  if (!isBehind) await show(deps, head);
  deps.metrics.chainHeight.set({ chain: port.chain, kind: 'head' }, head.height);
  return { headHeight: head.height, isBehind };
}

/** The first start: what the treasury holds already was not brought by anything that is going to be read. */
async function begin({ logger, pool, port }: DepositDeps, firstBlock: number): Promise<void> {
  let opening: Map<Stablecoin, bigint> | null = null;
  try {
    opening = await readOpening(port, firstBlock);
  } catch (error) {
    if (!(error instanceof ChainError)) throw error;
    const { chain } = port;
    logger.warn({ chain, firstBlock }, 'no node knows what the treasury held before the first block');
  }
  await beginChain(pool, port.config, firstBlock, opening);
}

async function readOpening(port: ChainPort, firstBlock: number): Promise<Map<Stablecoin, bigint>> {
  const { config, reader, sender } = port;
  const opening = new Map<Stablecoin, bigint>();
  if (firstBlock === 0) return opening;
  const heldAt = async (currency: Stablecoin, height?: number): Promise<bigint> =>
    (await reader.tokenBalances(currency, [sender.treasury], height))[0] ?? 0n;
  for (const { currency } of config.tokens) {
    // Where the past cannot be had, what is held now was held a moment ago, when the newest block was the first.
    const isNow = config.startBlock === undefined && config.family !== 'evm';
    opening.set(currency, await heldAt(currency, isNow ? undefined : firstBlock - 1));
  }
  return opening;
}

/** Reads what has become deep enough, and credits it. @returns whether there is more */
async function confirm(deps: DepositDeps, head: Block): Promise<boolean> {
  const { holder, metrics, pool, port } = deps;
  const { chain, config, reader } = port;
  const target = head.height - config.confirmations + 1;
  let { confirmed } = await cursorOf(deps);
  for (let ranges = 0; confirmed < target; ranges += 1) {
    if (ranges === limits.rangesPerTurn) return true;
    if (!(await holdChain(pool, chain, holder))) return false;
    const to = Math.min(target, confirmed + config.blockRange);
    const transfers = await reader.scan(confirmed + 1, to, deps.book, true);
    await creditDeposits(deps, transfers, to);
    await moveConfirmed(pool, chain, confirmed, to);
    confirmed = to;
  }
  metrics.chainHeight.set({ chain, kind: 'confirmed' }, confirmed);
  return false;
}

/** Reads what is new, and shows it. */
async function show(deps: DepositDeps, head: Block): Promise<void> {
  const { holder, pool, port } = deps;
  const { chain, config, reader } = port;
  // A node that knows less than has been read has nothing to tell.
  if (head.height < (await cursorOf(deps)).scanned) return;
  let scanned = await stillTrue(deps);
  while (scanned < head.height && (await holdChain(pool, chain, holder))) {
    const to = Math.min(head.height, scanned + config.blockRange);
    const transfers = await reader.scan(scanned + 1, to, deps.book, false);
    const id = await reader.blockId(to);
    if (id === undefined || transfers.some(({ block }) => block.height === to && block.id !== id)) {
      throw new ChainError('The chain changed while it was read.');
    }
    await showDeposits(deps, transfers);
    await moveScanned(pool, chain, { height: to, id });
    scanned = to;
  }
}

/** How far what was read is still part of the chain. Where it is not, it is forgotten and read again. */
async function stillTrue(deps: DepositDeps): Promise<number> {
  const { logger, metrics, pool, port } = deps;
  const { confirmed, scanned } = await cursorOf(deps);
  const blocks = await listBlocks(pool, port.chain);
  let height = blocks.length === 0 ? scanned : confirmed;
  for (const block of blocks) {
    if ((await port.reader.blockId(block.height)) !== block.id) continue;
    height = block.height;
    break;
  }
  if (height === scanned) return scanned;
  metrics.chainReorganisations.inc({ chain: port.chain });
  logger.warn({ chain: port.chain, fromHeight: height + 1, toHeight: scanned }, 'the chain was reorganised');
  await forgetAfter(pool, port.chain, height);
  return Math.max(height, confirmed);
}

async function cursorOf({ pool, port }: DepositDeps): Promise<Cursor> {
  const cursor = await readCursor(pool, port.chain);
  if (!cursor) throw new ChainError('The chain is not followed yet.');
  return cursor;
}
