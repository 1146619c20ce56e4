import { judgeBlock } from '../../chains/block-votes.ts';
import { ChainError } from '../../chains/errors.ts';
import type { Block } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import { type Cursor, findConfirmedBlock, listConfirmedBlocks } from '../cursor.ts';
import { holdChain } from '../holds/commands.ts';
import { acquireLease } from '../lease.ts';
import { findUnchecked, markChecked, recordReorganisation } from '../reorganisations.ts';
import type { DepositDeps } from './crediting.ts';
import { readTransferIds, reverseMissing } from './orphaned.ts';

/**
 * Verifies, after blocks were read, that the chain still contains the newest block up to which deposits are credited.
 *
 * @throws ChainError if it does not: what was read may be of another branch
 */
export async function requireConfirmedInChain(deps: DepositDeps): Promise<void> {
  if (await isConfirmedInChain(deps, Number.MAX_SAFE_INTEGER)) return;
  throw new ChainError('The chain changed during the read.', 'unsettled');
}

/** @param upTo the height of the newest block of the nodes */
async function isConfirmedInChain({ pool, port }: DepositDeps, upTo: number): Promise<boolean> {
  const newest = await findConfirmedBlock(pool, port.chain, upTo);
  if (!newest) return true;
  return (await judge(port, newest)) !== 'replaced';
}

/**
 * Recovers from a reorganisation of blocks whose deposits have been credited: finds where the chain forked, goes back to it, and reverses
 * the deposits that are gone. What the new branch contains is credited when its blocks are read again.
 *
 * After a crash at any point the next turn continues: nothing is done before the reorganisation is recorded, and it counts as checked only
 * after every deposit has been compared with the new branch.
 *
 * @throws ChainError if the nodes do not agree, or if the chain forked below the oldest block whose id is kept; it is held then
 */
export async function recoverFromReorganisation(
  deps: DepositDeps,
  head: Block,
  cursor: Cursor,
): Promise<void> {
  if (!(await isConfirmedInChain(deps, head.height))) await goBack(deps, head, cursor);
  const { pool, port } = deps;
  const found = await findUnchecked(pool, port.chain);
  if (!found || !(await acquireLease(deps, 'reading'))) return;
  const range = { from: found.forkHeight + 1, to: found.confirmedHeight };
  const present = await readTransferIds(deps, { ...range, to: Math.min(range.to, head.height) });
  const target = await port.reader.finalHeight(head);
  const reversed = await reverseMissing(deps, present, range, target);
  await markChecked(pool, port.chain, found.number, reversed);
}

async function goBack(
  { logger, metrics, pool, port }: DepositDeps,
  head: Block,
  cursor: Cursor,
): Promise<void> {
  const { chain } = port;
  const { confirmed } = cursor;
  const kept = (await listConfirmedBlocks(pool, chain)).filter(({ height }) => height <= head.height);
  const found = await findFork(port, kept, cursor);
  const { former } = found;
  if (found.fork === undefined) {
    const fault = `The chain was reorganised below block ${former.height}, the oldest whose id is kept.`;
    await holdChain(pool, chain, 'unknown_fork', fault);
    throw new ChainError(`${fault} Nothing is credited or signed until an operator has looked.`);
  }
  const { fork } = found;
  const [replacement = ''] = (await port.reader.blockIds(former.height)).filter((id) => id !== former.id);
  const recorded = await recordReorganisation(pool, chain, { confirmed, fork }, { former, replacement });
  if (!recorded) throw new ChainError(`Another process follows ${chain}.`);
  metrics.chainDeepReorganisations.inc({ chain });
  const { number, reopened } = recorded;
  const facts = { chain, number, forkHeight: fork, confirmedHeight: confirmed, paymentsReopened: reopened };
  logger.warn(
    facts,
    'the chain was reorganised below blocks that counted as final; deposits are compared again',
  );
}

/** Where a chain forked. */
interface Fork {
  /** The newest height up to which blocks are known to be the same; undefined if no kept block is. */
  readonly fork: number | undefined;
  /** The lowest kept block that was replaced. */
  readonly former: Block;
}

/**
 * Finds where a chain forked, by a binary search in the kept blocks: all below the fork are the same, all above it were replaced.
 *
 * @param kept the newest first; the newest was replaced
 */
export async function findFork(
  port: DepositDeps['port'],
  kept: readonly Block[],
  { confirmed, first }: Pick<Cursor, 'confirmed' | 'first'>,
): Promise<Fork> {
  let replaced = 0;
  let same = kept.length;
  while (same - replaced > 1) {
    const middle = Math.floor((replaced + same) / 2);
    const block = kept[middle] as Block;
    const vote = await judge(port, block);
    if (vote === 'unknown')
      throw new ChainError(`The nodes disagree about block ${block.height}.`, 'unsettled');
    if (vote === 'replaced') replaced = middle;
    else same = middle;
  }
  const former = kept[replaced] as Block;
  const base = kept[same];
  if (base) return { fork: base.height, former };
  // Nothing was pruned yet: no block before the first one matters.
  if (first !== undefined && confirmed - first < limits.confirmedBlockWindow)
    return { fork: first - 1, former };
  return { fork: undefined, former };
}

async function judge({ config, reader }: DepositDeps['port'], block: Block) {
  return judgeBlock(block, await reader.blockIds(block.height), config.agreement);
}
