import { RpcError } from '../node.ts';
import { ChainError, type SeenTransfer } from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import { addressTopic, balanceOfData, transferTopic } from './erc20.ts';
import { header, type Log, logs as readLogs, word } from './responses.ts';

/** How nodes say that they no longer have the state of a block: they keep the latest ones, unless they are archives. */
const forgotten = /missing trie|historical|archive|prun|state .*(available|not found)|no state/i;

/**
 * What the receiver has more of after the block than before it, and what we have moved out of it in between. Tokens that
 * take a fee from what is transferred may say in their events what was sent, and events of other transactions may say
 * anything: only our own can have taken something out.
 *
 * @param transfers of one token, to one address, in one block
 * @param areOurs which transactions are of our own making
 * @returns undefined when no node has the state of that block any more
 */
export async function measureReceived(
  nodes: EvmNodes,
  transfers: readonly SeenTransfer[],
  areOurs: (txHashes: readonly string[]) => Promise<ReadonlySet<string>>,
): Promise<bigint | undefined> {
  const [first] = transfers;
  if (!first) return 0n;
  const { block, to, token } = first;
  try {
    const at = await nodes.call('eth_getBlockByHash', [block.id, false], header);
    if (at?.id !== block.id) throw new ChainError('The chain changed while it was read.');
    const balanceAt = (blockHash: string): Promise<bigint> =>
      nodes.call('eth_call', [{ to: token, data: balanceOfData(to) }, { blockHash }], word);
    const [before, after] = await Promise.all([balanceAt(at.parentId), balanceAt(at.id)]);
    const filter = { blockHash: at.id, address: token, topics: [transferTopic, addressTopic(to)] };
    const logs = await nodes.call('eth_getLogs', [filter], readLogs);
    const left = logs.filter((log) => isFrom(log, first));
    if (left.length === 0) return after - before;
    const ours = await areOurs([...new Set(left.map(({ txHash }) => txHash))]);
    const moved = left.filter(({ txHash }) => ours.has(txHash));
    return moved.reduce((sum, { data }) => sum + word(data), after - before);
  } catch (error) {
    if (error instanceof RpcError && forgotten.test(error.message)) return undefined;
    throw error;
  }
}

/** Whether the log is what was asked for; what goes back to where it comes from leaves nothing. */
function isFrom({ address, block, topics }: Log, { block: asked, to, token }: SeenTransfer): boolean {
  const own = addressTopic(to);
  const isAsked = address === token && block.id === asked.id && topics[0] === transferTopic;
  return isAsked && topics.length === 3 && topics[1] === own && topics[2] !== own;
}
