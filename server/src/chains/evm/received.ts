import { limits } from '../../platform/limits.ts';
import { ChainError } from '../errors.ts';
import type { Node } from '../node.ts';
import { askThoseWithState } from '../node-agreement.ts';
import type { ChainReader, Measured, SeenTransfer } from '../port.ts';
import type { EvmNodes } from './blocks.ts';
import { addressTopic, balanceOfData, transferTopic } from './erc20.ts';
import { proveLogs } from './log-proof.ts';
import { bytes, type Header, header, type Log, logs as readLogs, word } from './responses.ts';

/** How nodes report that they no longer have the state of a block: only archive nodes keep all of it. */
const prunedState =
  /missing trie|historical|archive|prun|state .*(available|not found)|no state|resource not found/i;

/** What one node is asked to measure. */
interface Question {
  readonly blockId: string;
  readonly token: string;
  /** By receiver, what events say that it got. */
  readonly claimed: ReadonlyMap<string, bigint>;
  /** Whether the node itself must prove that it omits no logs. */
  readonly isProven: boolean;
  readonly areOurs: Parameters<ChainReader['received']>[1];
}

/**
 * Measures what receivers got in a block: the difference of their balances, plus what transactions signed here moved out in that
 * block. Events alone are not trusted: tokens that deduct a fee may report the amount before the fee, and a malicious contract
 * may report anything.
 *
 * @param agreement how many nodes must report the same; nodes without the state of the block are not among them
 * @param transfers of one token, in one block
 * @param areOurs selects the transactions that were signed here
 * @returns undefined if no node has the state of that block
 * @throws ChainError if nodes that have it disagree
 */
export async function measureReceived(
  nodes: EvmNodes,
  agreement: number,
  transfers: readonly SeenTransfer[],
  areOurs: Question['areOurs'],
): Promise<Measured | undefined> {
  const [first] = transfers;
  if (!first) return undefined;
  const claimed = new Map<string, bigint>();
  for (const { amount, to } of transfers) claimed.set(to, (claimed.get(to) ?? 0n) + amount);
  const { block, token } = first;
  const question = { blockId: block.id, token, claimed, isProven: agreement === 1, areOurs };
  const voted = await askThoseWithState(
    nodes,
    agreement,
    (node) => measureOn(node, question),
    (amounts) => [...amounts].join(),
    `what was received in block ${block.height}`,
  );
  return voted && { amounts: voted.response, isAgreed: voted.nodes >= agreement };
}

/** @returns by receiver; undefined if the node does not have the state of the block */
async function measureOn(node: Node, question: Question): Promise<ReadonlyMap<string, bigint> | undefined> {
  const { blockId, claimed, token } = question;
  const at = await node.call('eth_getBlockByHash', [blockId, false], header);
  if (at?.id !== blockId) throw new ChainError('The chain changed during the read.', 'unsettled');
  const receivers = [...claimed.keys()];
  const amounts = new Map<string, bigint>();
  for (let from = 0; from < receivers.length; from += limits.balanceConcurrency) {
    const some = receivers.slice(from, from + limits.balanceConcurrency);
    const gains = await Promise.all(some.map((owner) => gainOf(node, token, owner, at)));
    for (const [index, gain] of gains.entries()) {
      if (gain === undefined) return undefined;
      amounts.set(some[index] ?? '', gain);
    }
  }
  const short = receivers.filter((owner) => (amounts.get(owner) ?? 0n) < (claimed.get(owner) ?? 0n));
  for (const [owner, moved] of await movedOut(node, at, short, question)) {
    amounts.set(owner, (amounts.get(owner) ?? 0n) + moved);
  }
  return amounts;
}

/** By how much a block changed a balance; undefined if the node does not have the state before or after it. */
async function gainOf(node: Node, to: string, owner: string, at: Header): Promise<bigint | undefined> {
  const balanceAfter = async (blockHash: string): Promise<bigint | undefined> => {
    try {
      // The contract is there: without the state nodes may answer as if it were not.
      const read = (value: unknown) => (bytes(value) === '0x' ? undefined : word(value));
      return await node.call('eth_call', [{ to, data: balanceOfData(owner) }, { blockHash }], read);
    } catch (error) {
      const isRejected = error instanceof ChainError && error.kind === 'rejected';
      if (isRejected && prunedState.test(error.message)) return undefined;
      throw error;
    }
  };
  const [before, after] = await Promise.all([balanceAfter(at.parentId), balanceAfter(at.id)]);
  return before === undefined || after === undefined ? undefined : after - before;
}

/** What transactions signed here moved out of addresses in a block, by address. */
async function movedOut(
  node: Node,
  at: Header,
  owners: readonly string[],
  { areOurs, isProven, token }: Question,
): Promise<ReadonlyMap<string, bigint>> {
  const outgoing: Log[] = [];
  for (let from = 0; from < owners.length; from += limits.watchedTopics) {
    const senders = owners.slice(from, from + limits.watchedTopics).map(addressTopic);
    const filter = { address: token, topics: [transferTopic, senders] };
    const found = await node.call('eth_getLogs', [{ ...filter, blockHash: at.id }], readLogs);
    const proven = isProven ? await proveLogs(node, at, filter, found) : found;
    outgoing.push(...proven.filter((log) => isOutgoing(log, token, at.id, senders)));
  }
  const ours = await areOurs([...new Set(outgoing.map(({ txHash }) => txHash))]);
  const moved = new Map<string, bigint>();
  for (const { data, topics, txHash } of outgoing) {
    if (!ours.has(txHash)) continue;
    const owner = `0x${(topics[1] ?? '').slice(26)}`;
    moved.set(owner, (moved.get(owner) ?? 0n) + word(data));
  }
  return moved;
}

/** Whether the log is in the block and moves the token from one of the senders to another address. */
function isOutgoing(
  { address, block, topics }: Log,
  token: string,
  blockId: string,
  senders: readonly string[],
) {
  const [signature, from = '', to] = topics;
  const isAsked = address === token && block.id === blockId && signature === transferTopic;
  return isAsked && topics.length === 3 && senders.includes(from as `0x${string}`) && to !== from;
}
