import { limits } from '../../platform/limits.ts';
import type { SolanaConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import { judgeExpiry, judgePayment, type Landing, newestOf, type PaymentOutcome } from '../finality.ts';
import type { Node } from '../node.ts';
import type { Block, SignedAttempt } from '../port.ts';
import { anyVersion, finalized, headerAt, readBlocks, type SolanaNodes } from './blocks.ts';
import { askSignatureStatuses } from './reader.ts';
import { paidByPayer, signatures } from './responses.ts';
import { readTerms, type SolanaTerms } from './terms.ts';

interface SolanaLanding extends Landing {
  readonly isFinal: boolean;
}

/**
 * Judges a payment.
 *
 * @param attempts the oldest first; each was signed after the one before it had provably expired
 * @throws ChainError if the nodes do not agree, or do not report enough
 */
export function judgeAttempts(
  config: SolanaConfig,
  nodes: SolanaNodes,
  attempts: readonly SignedAttempt[],
): Promise<PaymentOutcome> {
  return judgePayment<Block, SolanaLanding, PaymentOutcome>(nodes, config, {
    findLanding: (node) => findLanding(node, attempts),
    // A finalized slot has one block for good.
    blockIdOf: async (_, { block, isFinal }) => (isFinal ? block : undefined),
    feeOf: async (node, { txHash }) => node.call('getTransaction', [txHash, feeOptions], paidByPayer),
    async judgeMissing(asked, { height }) {
      const { terms: text, txHash } = newestOf(attempts);
      const terms = readTerms(text);
      const newest = await headerAt(nodes, height);
      const canLand = !newest || newest.blockHeight <= terms.lastValidBlockHeight;
      return judgeExpiry(asked, canLand, (node) => hasExpired(node, txHash, terms, height));
    },
  });
}

const feeOptions = { ...finalized, encoding: 'json', ...anyVersion };

/** Finds the newest attempt that is in a block, by one node. */
export async function findLanding(
  node: Pick<Node, 'call'>,
  attempts: readonly SignedAttempt[],
): Promise<SolanaLanding | undefined> {
  const hashes = attempts.slice(-limits.attemptsAskedFor).map(({ txHash }) => txHash);
  if (hashes.length === 0) return undefined;
  const found = await askSignatureStatuses(node, hashes);
  const at = found.findLastIndex((status) => status !== undefined);
  const status = found[at];
  if (!status) return undefined;
  const { isFinal, ok, slot: height } = status;
  return {
    txHash: hashes[at] ?? '',
    height,
    block: String(height),
    result: `${ok ? 'success' : 'failed'} ${isFinal ? 'finalized' : 'pending'}`,
    isPaid: ok,
    isFinal,
  };
}

/**
 * Proves by one node that an attempt can never land: every block that could contain it is final and does not. The blocks
 * themselves are read, because a node without transaction history would report every transaction as unknown.
 */
async function hasExpired(
  node: Node,
  txHash: string,
  terms: SolanaTerms,
  headSlot: number,
): Promise<boolean> {
  let isPast = false;
  const to = Math.min(headSlot, terms.slot + limits.solanaSlotsPerRequest);
  const range = { from: terms.slot + 1, to, before: terms.slot };
  await readBlocks(node, range, 'signatures', signatures, ({ blockHeight }, signed) => {
    if (signed.includes(txHash)) throw new ChainError('The node does not keep the transaction history.');
    isPast = blockHeight > terms.lastValidBlockHeight;
    return !isPast;
  });
  return isPast;
}
