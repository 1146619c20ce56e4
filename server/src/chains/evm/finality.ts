import type { EvmConfig } from '../config.ts';
import type { Node } from '../node.ts';
import { ChainError, type PaymentState, type SignedAttempt } from '../port.ts';
import { blockIdOf, type EvmNodes } from './blocks.ts';
import { transferTopic } from './erc20.ts';
import { type Receipt, receipt } from './responses.ts';

const waiting: PaymentState = { kind: 'waiting', isKnown: true };

/**
 * Finds what has taken a payment's place in its sender's order, and whether it is deep enough. As many nodes as have to
 * agree must say the same: on one node's word alone a payment could be taken for failed, and its money be given back.
 *
 * @param attempts what was signed for the place; at most one of them can be in the chain
 * @throws ChainError when the nodes do not agree
 */
export async function findFinal(
  config: EvmConfig,
  nodes: EvmNodes,
  attempts: readonly SignedAttempt[],
): Promise<PaymentState> {
  const head = await nodes.choose();
  const asked = nodes.usable().slice(0, config.agreement);
  if (asked.length < config.agreement) {
    throw new ChainError(`Only ${asked.length} of ${config.agreement} nodes that must agree answer.`);
  }
  const found = await Promise.all(asked.map((node) => findMined(node, attempts)));
  const [first, ...others] = found;
  if (!first) return found.some(Boolean) ? waiting : { kind: 'displaced' };
  // Nodes that have not seen it yet, or see it in another block, will come to agree.
  if (others.some((other) => !other || !isSame(first, other, config))) return waiting;
  const { block, effectiveGasPrice, gasUsed, l1Fee, ok } = first.receipt;
  if (head.height - block.height + 1 < config.confirmations) return waiting;
  for (const node of asked) if ((await blockIdOf(node, block.height)) !== block.id) return waiting;
  return {
    kind: 'final',
    ok: ok && hasMoved(first, config),
    txHash: first.txHash,
    height: block.height,
    feeNative: gasUsed * effectiveGasPrice + l1Fee,
  };
}

interface Mined {
  readonly txHash: string;
  readonly receipt: Receipt;
}

async function findMined(node: Node, attempts: readonly SignedAttempt[]): Promise<Mined | undefined> {
  for (const { txHash } of [...attempts].reverse()) {
    const found = await node.call('eth_getTransactionReceipt', [txHash], receipt);
    if (found) return { txHash, receipt: found };
  }
  return undefined;
}

/** The same transaction in the same block, with the same outcome: what has moved is in each node's own logs. */
function isSame(a: Mined, b: Mined, config: EvmConfig): boolean {
  const [one, other] = [a.receipt, b.receipt];
  if (a.txHash !== b.txHash || one.block.id !== other.block.id || one.ok !== other.ok) return false;
  return hasMoved(a, config) === hasMoved(b, config);
}

/** Old tokens answer false instead of failing: nothing has moved unless the contract says so. */
function hasMoved({ receipt: { logs, to } }: Mined, config: EvmConfig): boolean {
  const contracts = new Set(config.tokens.map(({ address }) => address.toLowerCase()));
  // Native coin moves without a word.
  if (to === undefined || !contracts.has(to)) return true;
  return logs.some(({ address, topics }) => address === to && topics[0] === transferTopic);
}
