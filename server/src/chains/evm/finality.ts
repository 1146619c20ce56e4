import type { EvmConfig } from '../config.ts';
import { isMovedBy, judgePayment, type Landing, outcomeOf, type ReportedMovement } from '../finality.ts';
import type { Node } from '../node.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { PaymentState, ReservedPayment, SignedAttempt } from '../port.ts';
import type { PaymentIntent } from '../signing.ts';
import { requireToken } from '../tokens.ts';
import { blockIdAt, type EvmNodes, finalHeightOf } from './blocks.ts';
import { addressTopic, transferTopic } from './erc20.ts';
import { type Header, integer, type Log, type Receipt, receipt } from './responses.ts';

interface EvmLanding extends Landing {
  readonly feeWei: bigint;
}

/** The movement of tokens that a payment causes. */
interface EvmMovement extends ReportedMovement {
  readonly contract: string;
}

/**
 * Judges a payment whose nonce the chain has used.
 *
 * @param attempts the transactions signed for the nonce; at most one of them can be in the chain
 * @throws ChainError if the nodes do not agree
 */
export function judgeUsedNonce(
  config: EvmConfig,
  nodes: EvmNodes,
  treasury: string,
  intent: PaymentIntent,
  attempts: readonly SignedAttempt[],
): Promise<PaymentState> {
  const movement = movementOf(config, treasury, intent);
  return judgePayment<Header, EvmLanding, PaymentState>(nodes, config, {
    finalHeight: (head) => finalHeightOf(config, nodes, head),
    findLanding: (node) => findLanding(node, attempts, movement),
    async blockIdOf(node, { block, height }) {
      return (await blockIdAt(node, height)) === block ? block : undefined;
    },
    feeOf: async (_, { feeWei }) => feeWei,
    judgeMissing: async () => ({ kind: 'replaced' }),
  });
}

/** @returns undefined if the payment sends native coin, which emits no event */
function movementOf(config: EvmConfig, treasury: string, intent: PaymentIntent): EvmMovement | undefined {
  if (intent.kind === 'top_up' || intent.kind === 'nonce_fill') return undefined;
  const { address, amount } = intent;
  if (intent.kind === 'deposit_return') {
    return { contract: intent.token, from: intent.from, to: address, amount };
  }
  const { address: contract } = requireToken(config, intent.currency);
  return intent.kind === 'transfer'
    ? { contract, from: treasury, to: address, amount }
    : { contract, from: address, to: treasury, amount };
}

/**
 * Proves that a nonce was used in a final block, and by none of these transactions.
 *
 * @throws ChainError if too few nodes respond
 */
export async function isNonceSpentElsewhere(
  config: EvmConfig,
  nodes: EvmNodes,
  { sender, sequence }: Pick<ReservedPayment, 'sender' | 'sequence'>,
  attempts: readonly SignedAttempt[],
): Promise<boolean> {
  const head = await nodes.choose();
  const height = await finalHeightOf(config, nodes, head);
  if (height < 0) return false;
  const proven = requireQuorum(nodes, config.agreement).map(async (node) => {
    const used = await node.call('eth_getTransactionCount', [sender, `0x${height.toString(16)}`], integer);
    return BigInt(used) > sequence && (await findLanding(node, attempts, undefined)) === undefined;
  });
  return (await Promise.all(proven)).every(Boolean);
}

async function findLanding(
  node: Node,
  attempts: readonly SignedAttempt[],
  movement: EvmMovement | undefined,
): Promise<EvmLanding | undefined> {
  for (const { txHash } of [...attempts].reverse()) {
    const found = await node.call('eth_getTransactionReceipt', [txHash], receipt);
    if (!found) continue;
    const { block, effectiveGasPrice, gasUsed, l1Fee, ok } = found;
    return {
      txHash,
      height: block.height,
      block: block.id,
      outcome: outcomeOf(ok, movement === undefined || hasMoved(found, movement)),
      feeWei: gasUsed * effectiveGasPrice + l1Fee,
    };
  }
  return undefined;
}

/** Some old tokens return false instead of reverting, and then emit no event. */
function hasMoved({ logs }: Receipt, { amount, contract, from, to }: EvmMovement): boolean {
  const address = contract.toLowerCase();
  const reported = logs.filter((log) => log.address === address).flatMap(movementIn);
  return isMovedBy(reported, { amount, from: topicOf(from), to: topicOf(to) });
}

function movementIn({ data, topics }: Log): ReportedMovement[] {
  const [topic, from, to] = topics;
  const isTransfer = topic === transferTopic && topics.length === 3 && data.length === 66;
  return isTransfer && from && to ? [{ from, to, amount: BigInt(data) }] : [];
}

function topicOf(address: string): string {
  return addressTopic(address).toLowerCase();
}
