import { limits } from '../../platform/limits.ts';
import { type Node, RpcError } from '../node.ts';
import type { NodeProbe, Nodes } from '../node-pool.ts';
import { type Block, ChainError } from '../port.ts';
import { base58Text, count, type Header, header, slots } from './responses.ts';

/** The nodes of Solana. */
export type SolanaNodes = Nodes<Block>;

/** Everything is asked for as it is for good: two thirds of the stake have voted on what comes after it. */
export const finalized = { commitment: 'finalized' } as const;

/** How much of a block is asked for. */
type Detail = 'none' | 'signatures' | 'accounts';

/** A slot that was skipped, or whose block is gone from long-term storage (Agave, RpcCustomError). */
const noBlock: ReadonlySet<number> = new Set([-32007, -32009]);

/** What every node is asked first: the network is known by the hash of its genesis. */
export const solanaProbe: NodeProbe<Block> = {
  networkId: (node) => node.call('getGenesisHash', [], base58Text),
  async head(node) {
    const slot = await node.call('getSlot', [finalized], count);
    const found = await listSlots(node, Math.max(0, slot - limits.solanaSkippedSlots), slot);
    const last = found.at(-1);
    const head = last === undefined ? undefined : await headerAt(node, last);
    if (!head) throw new ChainError('It has no newest block.');
    return { height: head.height, id: head.id };
  },
  isAboutTheQuestion: (method, error) => error instanceof RpcError && method === 'sendTransaction',
};

/** The slots of a range that have a block. */
export function listSlots(node: Pick<Node, 'call'>, from: number, to: number): Promise<number[]> {
  return node.call('getBlocks', [from, to, finalized], slots);
}

/** A block with as much of it as is asked for; undefined when its slot has none. */
export async function blockAt<Found>(
  node: Pick<Node, 'call'>,
  slot: number,
  transactionDetails: Detail,
  read: (value: unknown) => Found,
): Promise<{ readonly head: Header; readonly found: Found } | undefined> {
  const options = {
    ...finalized,
    encoding: 'json',
    transactionDetails,
    maxSupportedTransactionVersion: 0,
    rewards: false,
  };
  try {
    return await node.call('getBlock', [slot, options], (value) => {
      const head = header(value, slot);
      return head && { head, found: read(value) };
    });
  } catch (error) {
    if (error instanceof RpcError && noBlock.has(error.code)) return undefined;
    throw error;
  }
}

/** The header of a slot's block; undefined when it has none. */
export async function headerAt(node: Pick<Node, 'call'>, slot: number): Promise<Header | undefined> {
  return (await blockAt(node, slot, 'none', () => undefined))?.head;
}

/**
 * Reads the blocks of a range in their order, a few at a time, and makes sure that none is left out: each names the one
 * before it.
 *
 * @param before the slot that the first of them must come after, when it is known
 * @param take is given each block; false ends the reading
 * @throws ChainError when the node leaves a block out
 */
export async function readBlocks<Found>(
  node: Pick<Node, 'call'>,
  range: { readonly from: number; readonly to: number; readonly before?: number },
  detail: Detail,
  read: (value: unknown) => Found,
  take: (head: Header, found: Found) => boolean,
): Promise<void> {
  const wanted = await listSlots(node, range.from, range.to);
  let before = range.before;
  for (let at = 0; at < wanted.length; at += limits.solanaBlockConcurrency) {
    const some = wanted.slice(at, at + limits.solanaBlockConcurrency);
    for (const block of await Promise.all(some.map((slot) => blockAt(node, slot, detail, read)))) {
      if (!block) throw new ChainError('The node does not keep a block that it has listed.');
      const { found, head } = block;
      // The first block of all names itself.
      const isFirst = before === undefined && (head.parentSlot < range.from || head.height === 0);
      const isNext = isFirst || head.parentSlot === before;
      if (!isNext) throw new ChainError('The node has left out a block.');
      before = head.height;
      if (!take(head, found)) return;
    }
  }
}
