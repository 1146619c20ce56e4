import { type Node, RpcError } from '../node.ts';
import type { NodeProbe, Nodes } from '../node-pool.ts';
import { type Block, ChainError } from '../port.ts';
import { type FullBlock, fullBlock, type Header, header } from './responses.ts';

/** The nodes of Tron. */
export type TronNodes = Nodes<Header>;

/** Why a node is of no use: what it tells of no transaction may have happened all the same. */
export const noOutcomes = 'It does not keep the outcomes of transactions.';

/** What a node may refuse because of what was asked, not because of itself. */
const answerable = new Set([
  'triggerconstantcontract',
  'estimateenergy',
  'broadcasthex',
  'broadcasttransaction',
]);

/** What every node is asked first: the network is known by the id of its first block. */
export const tronProbe: NodeProbe<Header> = {
  async networkId(node) {
    const first = await headerAt(node, 0);
    return first?.id ?? 'without a first block';
  },
  async head(node) {
    const head = await node.call('getblock', { detail: false }, header);
    if (!head) throw new ChainError('It has no newest block.');
    return head;
  },
  isAboutTheQuestion: (method, error) => error instanceof RpcError && answerable.has(method),
};

/** The header of the block at a height, by one node; undefined when it has none. */
export async function headerAt(node: Pick<Node, 'call'>, height: number): Promise<Header | undefined> {
  return expectHeight(
    await node.call('getblock', { id_or_num: String(height), detail: false }, header),
    height,
  );
}

/** The block at a height with all its transactions, by one node; undefined when it has none. */
export async function blockAt(node: Pick<Node, 'call'>, height: number): Promise<FullBlock | undefined> {
  return expectHeight(await node.call('getblockbynum', { num: height }, fullBlock), height);
}

function expectHeight<Found extends Block>(found: Found | undefined, height: number): Found | undefined {
  if (found && found.height !== height) throw new ChainError('The node answered with another block.');
  return found;
}
