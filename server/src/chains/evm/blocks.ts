import { type Node, RpcError, TooMuchError } from '../node.ts';
import type { NodeProbe, Nodes } from '../node-pool.ts';
import { type Block, ChainError } from '../port.ts';
import { count, type Header, header } from './responses.ts';

/** The nodes of an EVM chain. */
export type EvmNodes = Nodes<Header>;

/** What a node may refuse because of what was asked, not because of itself; logs may be too many, or take too long. */
const answerable = new Set(['eth_call', 'eth_estimateGas', 'eth_sendRawTransaction', 'eth_getLogs']);

/** What every node of an EVM chain is asked first. */
export const evmProbe: NodeProbe<Header> = {
  networkId: async (node) => String(await node.call('eth_chainId', [], count)),
  async head(node) {
    const head = await node.call('eth_getBlockByNumber', ['latest', false], header);
    if (!head) throw new ChainError('It has no newest block.');
    return head;
  },
  isAboutTheQuestion(method, error) {
    if (error instanceof TooMuchError) return method === 'eth_getLogs';
    return error instanceof RpcError && answerable.has(method);
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
