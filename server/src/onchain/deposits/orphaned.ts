import { judgeBlock } from '../../chains/block-votes.ts';
import { transferId } from './classify.ts';
import { moveDeposit } from './commands.ts';
import { type DepositDeps, isRefuted } from './crediting.ts';
import { listFinal, type StoredDeposit } from './queries.ts';
import { reverseDeposits } from './reversals.ts';

/** A range of blocks, both ends included. */
export interface BlockRange {
  readonly from: number;
  readonly to: number;
}

/**
 * Reverses the final deposits of a range of blocks that these blocks do not contain any more. A deposit is reversed only if as many nodes
 * as must agree have another block at its height, and its transaction is in no final block: a node that omits it takes back nothing.
 *
 * @param present the ids of all transfers in the range, as the nodes that must agree report them
 * @param target the newest final height
 * @returns how many were reversed
 * @throws ChainError if the nodes do not agree, or if another process changes one of the deposits
 */
export async function reverseMissing(
  deps: DepositDeps,
  present: ReadonlySet<string>,
  { from, to }: BlockRange,
  target: number,
): Promise<number> {
  const { chain } = deps.port;
  const gone: StoredDeposit[] = [];
  for await (const page of listFinal(deps.pool, chain, from, to)) {
    for (const stored of page) {
      const isMissing = !present.has(stored.deposit.id) && (await isOrphaned(deps, stored));
      if (isMissing && !(await isMinedAgain(deps, stored, to, target))) gone.push(stored);
    }
  }
  return reverseDeposits(deps, gone);
}

async function isOrphaned({ logger, port }: DepositDeps, { deposit }: StoredDeposit): Promise<boolean> {
  const { blockId, height, id, txHash } = deposit;
  const vote = judgeBlock({ height, id: blockId }, await port.reader.blockIds(height), port.config.agreement);
  if (vote === 'replaced') return true;
  const { chain } = port;
  logger.warn(
    { chain, id, txHash, height },
    'nodes do not report a credited deposit; its block is in the chain',
  );
  return false;
}

/** Whether a deposit's transaction is in another final block. It is known to be there from now on, and verified with that block. */
async function isMinedAgain(
  deps: DepositDeps,
  { deposit, known }: StoredDeposit,
  to: number,
  target: number,
): Promise<boolean> {
  const block = await deps.port.reader.minedIn(deposit.txHash);
  if (!block || block.height > target) return false;
  if (block.height <= to) return !(await isRefuted(deps, { deposit, known }, block.height));
  const moved = { ...deposit, height: block.height, blockId: block.id };
  const outcome = await deps.writer.submit(moveDeposit(moved, known));
  return outcome.kind === 'accepted';
}

/** Reads the ids of all transfers in a range of blocks, by as many nodes as must agree. */
export async function readTransferIds(
  { book, port }: DepositDeps,
  { from, to }: BlockRange,
): Promise<ReadonlySet<string>> {
  const ids = new Set<string>();
  for (let at = from; at <= to; at += port.config.blockRange) {
    const last = Math.min(to, at + port.config.blockRange - 1);
    for (const transfer of await port.reader.scan(at, last, book, true))
      ids.add(transferId(port.chain, transfer));
  }
  return ids;
}
