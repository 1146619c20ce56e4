import { limits } from '../../platform/limits.ts';
import type { SolanaConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import {
  isMovedBy,
  judgeExpiry,
  judgePayment,
  type Landing,
  newestOf,
  outcomeOf,
  type PaymentOutcome,
  type ReportedMovement,
} from '../finality.ts';
import type { Node } from '../node.ts';
import type { Block, SignedAttempt } from '../port.ts';
import { anyVersion, finalized, headerAt, readBlocks, type SolanaNodes } from './blocks.ts';
import type { TokenMovement } from './instructions.ts';
import { askSignatureStatuses } from './reader.ts';
import { type LandedTransaction, landedTransaction, type SignatureStatus, signatures } from './responses.ts';
import { readTerms, type SolanaTerms } from './terms.ts';

interface SolanaLanding extends Landing {
  /** Undefined until the transaction is finalized, and on a node that does not know its balances. */
  readonly landed: LandedTransaction | undefined;
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
  movement: TokenMovement,
  attempts: readonly SignedAttempt[],
): Promise<PaymentOutcome> {
  return judgePayment<Block, SolanaLanding, PaymentOutcome>(nodes, config, {
    // The head is the newest finalized block.
    finalHeight: async ({ height }) => height,
    findLanding: (node) => findLanding(node, movement, attempts),
    // A finalized slot has one block for good.
    blockIdOf: async (_, { block, landed }) => landed && block,
    feeOf: async (_, { landed }) => landed?.paidByPayer,
    async judgeMissing(asked, { height }) {
      const { terms: text, txHash } = newestOf(attempts);
      const terms = readTerms(text);
      const newest = await headerAt(nodes, height);
      const canLand = !newest || newest.blockHeight <= terms.lastValidBlockHeight;
      return judgeExpiry(asked, canLand, (node) => hasExpired(node, txHash, terms, height));
    },
  });
}

const landedOptions = { ...finalized, encoding: 'json', ...anyVersion };

async function findLanding(
  node: Node,
  movement: TokenMovement,
  attempts: readonly SignedAttempt[],
): Promise<SolanaLanding | undefined> {
  const found = await findStatus(node, attempts);
  if (!found) return undefined;
  const { status, txHash } = found;
  const landed = status.isFinal
    ? await node.call('getTransaction', [txHash, landedOptions], landedTransaction)
    : undefined;
  // What is not final, or has unknown balances, is not judged: `blockIdOf` has no block.
  const hasMoved = !landed || isMovedBy(movementsIn(landed, movement), movement);
  return {
    txHash,
    height: status.slot,
    block: String(status.slot),
    outcome: outcomeOf(status.ok, hasMoved),
    landed,
  };
}

/** The status of the newest attempt that is in a block, by one node. */
export async function findStatus(
  node: Pick<Node, 'call'>,
  attempts: readonly SignedAttempt[],
): Promise<{ readonly txHash: string; readonly status: SignatureStatus } | undefined> {
  const hashes = attempts.slice(-limits.attemptsAskedFor).map(({ txHash }) => txHash);
  if (hashes.length === 0) return undefined;
  const found = await askSignatureStatuses(node, hashes);
  const at = found.findLastIndex((status) => status !== undefined);
  const status = found[at];
  return status && { txHash: hashes[at] ?? '', status };
}

/**
 * The changes of token balances as movements of the payer's: what left the payer went to the receiver, if the receiver has more. A mint
 * may keep a fee, so that the receiver has less than left.
 */
function movementsIn({ changes }: LandedTransaction, { from, mint, to }: TokenMovement): ReportedMovement[] {
  const changeOf = (owner: string): bigint =>
    changes
      .filter((change) => change.mint === mint && change.owner === owner)
      .reduce((sum, { amount }) => sum + amount, 0n);
  return changeOf(to) > 0n ? [{ from, to, amount: -changeOf(from) }] : [];
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
