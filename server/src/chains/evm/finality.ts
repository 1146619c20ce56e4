import type { EvmConfig } from '../config.ts';
import { isMovedBy, judgePayment, type Landing, outcomeOf, type ReportedMovement } from '../finality.ts';
import type { Node } from '../node.ts';
import type { PaymentState, SignedAttempt } from '../port.ts';
import { blockIdAt, type EvmNodes, finalHeightOf } from './blocks.ts';
import { addressTopic, transferTopic } from './erc20.ts';
import { type Header, type Log, type Receipt, receipt } from './responses.ts';

interface EvmLanding extends Landing {
  readonly feeWei: bigint;
}

/** The movement of tokens that a payment causes. */
export interface EvmMovement extends ReportedMovement {
  readonly contract: string;
}

/**
 * Judges a payment whose nonce the chain has used.
 *
 * @param movement undefined if the payment sends native coin, which emits no event
 * @param attempts the transactions signed for the nonce; at most one of them can be in the chain
 * @throws ChainError if the nodes do not agree
 */
export function judgeUsedNonce(
  config: EvmConfig,
  nodes: EvmNodes,
  movement: EvmMovement | undefined,
  attempts: readonly SignedAttempt[],
): Promise<PaymentState> {
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
