import type { EvmConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { finalHeight } from '../finality.ts';
import type { Node } from '../node.ts';
import { agreedHeight } from '../node-agreement.ts';
import type { NodePool, NodeProbe } from '../node-pool.ts';
import type { Block } from '../port.ts';
import { balanceOfData } from './erc20.ts';
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
  async networkId(node) {
    const id = String(await node.call('eth_chainId', [], integer));
    await requireBlockHash(node);
    return id;
  },
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

/** No block has this hash. */
const noBlock = `0x${'5a'.repeat(32)}`;
const nobody = `0x${'00'.repeat(20)}`;

/**
 * Finds proxies that ignore `{blockHash}` (EIP-1898) and answer for the newest block instead: every deposit would be measured as
 * nothing.
 *
 * @throws ChainError if the node answers for a block that does not exist
 */
async function requireBlockHash(node: Node): Promise<void> {
  try {
    const call = [{ to: nobody, data: balanceOfData(nobody) }, { blockHash: noBlock }];
    const result = await node.call('eth_call', call, (value) => value);
    if (typeof result !== 'string') return;
  } catch (error) {
    if (error instanceof ChainError && error.kind === 'rejected') return;
    throw error;
  }
  throw new ChainError('It ignores {blockHash} and answers for the newest block.');
}

/** The header of the block at a height, by one node; undefined if the node has none. */
export async function headerAt(node: Pick<Node, 'call'>, height: number): Promise<Header | undefined> {
  const found = await node.call('eth_getBlockByNumber', [`0x${height.toString(16)}`, false], header);
  if (found && found.height !== height) throw new ChainError('The node responded with another block.');
  return found;
}

/** The id of the block at a height, by one node; undefined if the node has none. */
export async function blockIdAt(node: Pick<Node, 'call'>, height: number): Promise<string | undefined> {
  return (await headerAt(node, height))?.id;
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
