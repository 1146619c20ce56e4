import { limits } from '../../platform/limits.ts';
import { count } from '../decoding.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import type { NodePool, NodeProbe } from '../node-pool.ts';
import type { Block } from '../port.ts';
import { base58Text, type Header, header, slots } from './responses.ts';

/** The nodes of Solana. */
export type SolanaNodes = NodePool<Block>;

/** All requests read finalized state: two thirds of the stake have voted on later blocks. */
export const finalized = { commitment: 'finalized' } as const;

/**
 * Nodes refuse blocks and transactions of a higher version than this. Accounts and balances have the same form in every version, and
 * nothing else is read. Agave takes a number of 8 bits.
 */
export const anyVersion = { maxSupportedTransactionVersion: 255 } as const;

/** How much of a block is requested. */
type Detail = 'none' | 'signatures' | 'accounts';

/** Error codes for a slot that was skipped, or whose block is missing in long-term storage (Agave, RpcCustomError). */
const noBlock: ReadonlySet<number> = new Set([-32007, -32009]);

/** Methods that a healthy node may reject: because of the transaction, or because it does not offer what is not needed. */
const rejectable: ReadonlySet<string> = new Set(['sendTransaction', 'getRecentPrioritizationFees']);

/** Identifies the network by the hash of its genesis block. */
export const solanaProbe: NodeProbe<Block> = {
  networkId: (node) => node.call('getGenesisHash', [], base58Text),
  async head(node) {
    const slot = await node.call('getSlot', [finalized], count);
    const found = await listSlots(node, Math.max(0, slot - limits.solanaSkippedSlots), slot);
    const last = found.at(-1);
    const head = last === undefined ? undefined : await headerAt(node, last);
    if (!head) throw new ChainError('The node has no newest block.');
    return { height: head.height, id: head.id };
  },
  isAboutRequest: (method, error) =>
    error instanceof ChainError && error.kind === 'rejected' && rejectable.has(method),
};

/** Lists the slots of a range that have a block. */
export function listSlots(node: Pick<Node, 'call'>, from: number, to: number): Promise<number[]> {
  return node.call('getBlocks', [from, to, finalized], slots);
}

/** Reads a block in the requested detail; undefined if its slot has none. */
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
    ...anyVersion,
    rewards: false,
  };
  try {
    return await node.call('getBlock', [slot, options], (value) => {
      const head = header(value, slot);
      return head && { head, found: read(value) };
    });
  } catch (error) {
    const isMissing = error instanceof ChainError && error.kind === 'rejected' && noBlock.has(error.code);
    if (isMissing) return undefined;
    throw error;
  }
}

/** Reads the header of a slot's block; undefined if the slot has none. */
export async function headerAt(node: Pick<Node, 'call'>, slot: number): Promise<Header | undefined> {
  return (await blockAt(node, slot, 'none', () => undefined))?.head;
}

/**
 * Reads the blocks of a range in order, a few concurrently, and verifies by their parents that none is missing.
 *
 * @param before the parent slot of the first block, if it is known
 * @param take receives each block; returns false to end the read
 * @throws ChainError if the node omits a block
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
      if (!block) throw new ChainError('The node lists a block that it does not have.');
      const { found, head } = block;
      // The genesis block is its own parent.
      const isFirst = before === undefined && (head.parentSlot < range.from || head.height === 0);
      const isNext = isFirst || head.parentSlot === before;
      if (!isNext) throw new ChainError('The node omitted a block.');
      before = head.height;
      if (!take(head, found)) return;
    }
  }
}
