import type { TronConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { finalHeight } from '../finality.ts';
import type { Node } from '../node.ts';
import { agreedHeight } from '../node-agreement.ts';
import type { NodePool, NodeProbe } from '../node-pool.ts';
import type { Block } from '../port.ts';
import { type FullBlock, fullBlock, type Header, header, solidHeight } from './responses.ts';

/** The nodes of Tron. */
export type TronNodes = NodePool<Header>;

/** The fault of a node without transaction history: it reports transactions that happened as unknown. */
export const noHistory = 'The node does not keep the outcomes of transactions.';

/** Methods that a healthy node may reject because of the request. */
const rejectable = new Set([
  'triggerconstantcontract',
  'estimateenergy',
  'broadcasthex',
  'broadcasttransaction',
]);

/** Identifies the network by the id of its first block. */
export const tronProbe: NodeProbe<Header> = {
  async networkId(node) {
    const first = await headerAt(node, 0);
    return first?.id ?? 'without a first block';
  },
  async head(node) {
    const head = await node.call('getblock', { detail: false }, header);
    if (!head) throw new ChainError('The node has no newest block.');
    return head;
  },
  isAboutRequest: (method, error) =>
    error instanceof ChainError && error.kind === 'rejected' && rejectable.has(method),
};

/** Reads the header of the block at a height, by one node; undefined if the node has none. */
export async function headerAt(node: Pick<Node, 'call'>, height: number): Promise<Header | undefined> {
  return requireHeight(
    await node.call('getblock', { id_or_num: String(height), detail: false }, header),
    height,
  );
}

/** Reads the block at a height with the ids of its transactions, by one node; undefined if the node has none. */
export async function blockAt(node: Pick<Node, 'call'>, height: number): Promise<FullBlock | undefined> {
  return requireHeight(await node.call('getblockbynum', { num: height }, fullBlock), height);
}

/** The newest final height: the solidified block and the number of confirmations, whichever is lower. */
export async function finalHeightOf(config: TronConfig, nodes: TronNodes, head: Block): Promise<number> {
  const { agreement, confirmations, finality } = config;
  const byNumber = finalHeight(head.height, confirmations);
  if (finality === 'confirmations') return byNumber;
  const ask = (node: Node): Promise<number> => node.call('getnodeinfo', {}, solidHeight);
  return Math.min(byNumber, await agreedHeight(nodes, agreement, ask, 'a solidified block'));
}

function requireHeight<Found extends Block>(found: Found | undefined, height: number): Found | undefined {
  if (found && found.height !== height) throw new ChainError('The node responded with another block.');
  return found;
}
