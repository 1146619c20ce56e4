import type { EvmConfig } from '../config.ts';
import { finalHeight, judgePayment, type Landing } from '../finality.ts';
import type { Node } from '../node.ts';
import { requireQuorum } from '../node-agreement.ts';
import type { PaymentState, ReservedPayment, SignedAttempt } from '../port.ts';
import { blockIdAt, type EvmNodes } from './blocks.ts';
import { transferTopic } from './erc20.ts';
import { type Header, integer, type Receipt, receipt } from './responses.ts';

interface EvmLanding extends Landing {
  readonly feeWei: bigint;
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
  attempts: readonly SignedAttempt[],
): Promise<PaymentState> {
  return judgePayment<Header, EvmLanding, PaymentState>(nodes, config, {
    findLanding: (node) => findLanding(node, attempts, config),
    async blockIdOf(node, { block, height }) {
      return (await blockIdAt(node, height)) === block ? block : undefined;
    },
    feeOf: async (_, { feeWei }) => feeWei,
    judgeMissing: async () => ({ kind: 'replaced' }),
  });
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
  const height = finalHeight(head.height, config.confirmations);
  if (height < 0) return false;
  const proven = requireQuorum(nodes, config.agreement).map(async (node) => {
    const used = await node.call('eth_getTransactionCount', [sender, `0x${height.toString(16)}`], integer);
    return BigInt(used) > sequence && (await findLanding(node, attempts, config)) === undefined;
  });
  return (await Promise.all(proven)).every(Boolean);
}

async function findLanding(
  node: Node,
  attempts: readonly SignedAttempt[],
  config: EvmConfig,
): Promise<EvmLanding | undefined> {
  for (const { txHash } of [...attempts].reverse()) {
    const found = await node.call('eth_getTransactionReceipt', [txHash], receipt);
    if (!found) continue;
    const { block, effectiveGasPrice, gasUsed, l1Fee, ok } = found;
    return {
      txHash,
      height: block.height,
      block: block.id,
      result: ok ? 'success' : 'reverted',
      isPaid: ok && hasMoved(found, config),
      feeWei: gasUsed * effectiveGasPrice + l1Fee,
    };
  }
  return undefined;
}

/** Some old tokens return false instead of reverting: without a Transfer event nothing has moved. */
function hasMoved({ logs, to }: Receipt, config: EvmConfig): boolean {
  const contracts = new Set(config.tokens.map(({ address }) => address.toLowerCase()));
  // A transfer of native coin emits no event.
  if (to === undefined || !contracts.has(to)) return true;
  return logs.some(({ address, topics }) => address === to && topics[0] === transferTopic);
}
