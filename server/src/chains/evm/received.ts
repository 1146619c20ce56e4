import { ChainError } from '../errors.ts';
import type { SeenTransfer } from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import { addressTopic, balanceOfData, transferTopic } from './erc20.ts';
import { header, type Log, logs as readLogs, word } from './responses.ts';

/** How nodes report that they no longer have the state of a block: only archive nodes keep all of it. */
const prunedState = /missing trie|historical|archive|prun|state .*(available|not found)|no state/i;

/**
 * Measures what a receiver got in a block: the difference of its balances, plus what transactions signed here moved out in that
 * block. Events alone are not trusted: tokens that deduct a fee may report the amount before the fee, and a malicious contract
 * may report anything.
 *
 * @param transfers of one token, to one address, in one block
 * @param areOurs selects the transactions that were signed here
 * @returns undefined if the node no longer has the state of that block
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
    if (at?.id !== block.id) throw new ChainError('The chain changed during the read.');
    const balanceAt = (blockHash: string): Promise<bigint> =>
      nodes.call('eth_call', [{ to: token, data: balanceOfData(to) }, { blockHash }], word);
    const [before, after] = await Promise.all([balanceAt(at.parentId), balanceAt(at.id)]);
    const filter = { blockHash: at.id, address: token, topics: [transferTopic, addressTopic(to)] };
    const logs = await nodes.call('eth_getLogs', [filter], readLogs);
    const outgoing = logs.filter((log) => isOutgoing(log, first));
    if (outgoing.length === 0) return after - before;
    const ours = await areOurs([...new Set(outgoing.map(({ txHash }) => txHash))]);
    const moved = outgoing.filter(({ txHash }) => ours.has(txHash));
    return moved.reduce((sum, { data }) => sum + word(data), after - before);
  } catch (error) {
    const isRejected = error instanceof ChainError && error.kind === 'rejected';
    if (isRejected && prunedState.test(error.message)) return undefined;
    throw error;
  }
}

/** Whether the log matches the filter and moves tokens to another address. */
function isOutgoing({ address, block, topics }: Log, { block: asked, to, token }: SeenTransfer): boolean {
  const own = addressTopic(to);
  const isAsked = address === token && block.id === asked.id && topics[0] === transferTopic;
  return isAsked && topics.length === 3 && topics[1] === own && topics[2] !== own;
}
