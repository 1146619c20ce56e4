import type { Node } from '../node.ts';
import type { NodeProbe, Nodes } from '../nodes.ts';
import { type Block, ChainError } from '../port.ts';
import { count, type Header, header } from './answers.ts';

/** The nodes of an EVM chain. */
export type EvmNodes = Nodes<Header>;

/** What every node of an EVM chain is asked first. */
export const evmProbe: NodeProbe<Header> = {
  networkId: async (node) => String(await node.call('eth_chainId', [], count)),
  async head(node) {
    const head = await node.call('eth_getBlockByNumber', ['latest', false], header);
    if (!head) throw new ChainError('It has no newest block.');
    return head;
  },
};

/** The id of the block at a height, by one node; undefined when it has none. */
export async function blockIdOf(node: Pick<Node, 'call'>, height: number): Promise<string | undefined> {
  const found = await node.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, false], header);
  if (found && found.height !== height) throw new ChainError('The node answered with another block.');
  return found?.id;
}

/** A block as its id and height alone. */
export function toBlock({ height, id }: Block): Block {
  return { height, id };
}
