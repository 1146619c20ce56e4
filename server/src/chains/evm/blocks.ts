import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { finalHeight } from '../finality.ts';
import type { Node } from '../node.ts';
import { agreedHeight } from '../node-agreement.ts';
import type { NodePool, NodeProbe } from '../node-pool.ts';
import type { Block } from '../port.ts';
import { type Header, header, integer } from './responses.ts';

/** The nodes of an EVM chain. */
export type EvmNodes = NodePool<Header>;

/**
 * Methods that a healthy node may reject because of the request: a call reverts, a range has too many logs, or the node does not
 * offer a method that is not needed.
 */
const rejectable = new Set([
  'eth_call',
  'eth_estimateGas',
  'eth_sendRawTransaction',
  'eth_getLogs',
  'eth_feeHistory',
  'eth_maxPriorityFeePerGas',
]);

/** Identifies the network by its chain id (EIP-155). */
export const evmProbe: NodeProbe<Header> = {
  networkId: async (node) => String(await node.call('eth_chainId', [], integer)),
  async head(node) {
    const head = await node.call('eth_getBlockByNumber', ['latest', false], header);
    if (!head) throw new ChainError('The node has no newest block.');
    return head;
  },
  isAboutRequest(method, error) {
    if (!(error instanceof ChainError)) return false;
    if (error.kind === 'too_large') return method === 'eth_getLogs';
    return error.kind === 'rejected' && rejectable.has(method);
  },
};

/** The id of the block at a height, by one node; undefined if the node has none. */
export async function blockIdAt(node: Pick<Node, 'call'>, height: number): Promise<string | undefined> {
  const found = await node.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, false], header);
  if (found && found.height !== height) throw new ChainError('The node responded with another block.');
  return found?.id;
}

/** The newest final height: by the chain's tag and the number of confirmations, whichever is lower. */
export async function finalHeightOf(config: EvmConfig, nodes: EvmNodes, head: Block): Promise<number> {
  const { agreement, confirmations, finality } = config;
  const byNumber = finalHeight(head.height, confirmations);
  if (finality === 'confirmations') return byNumber;
  const ask = async (node: Node): Promise<number> => {
    const block = await node.call('eth_getBlockByNumber', [finality, false], header);
    if (block) return block.height;
    throw new ChainError(`The node has no ${finality} block. Set finality to confirmations on other chains.`);
  };
  return Math.min(byNumber, await agreedHeight(nodes, agreement, ask, `a ${finality} block`));
}

/** Reduces a header to its height and id. */
export function toBlock({ height, id }: Block): Block {
  return { height, id };
}
