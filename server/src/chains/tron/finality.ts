import { limits } from '../../platform/limits.ts';
import type { TronConfig } from '../config.ts';
import { ChainError } from '../errors.ts';
import {
  isMovedBy,
  judgeExpiry,
  judgePayment,
  type Landing,
  newestOf,
  outcomeOf,
  type PaymentOutcome,
} from '../finality.ts';
import type { Node } from '../node.ts';
import type { SignedAttempt } from '../port.ts';
import { blockAt, finalHeightOf, headerAt, noHistory, type TronNodes } from './blocks.ts';
import { type Header, type Outcome, outcome } from './responses.ts';
import { readTerms, type TronTerms } from './terms.ts';
import type { TronMovement } from './transaction.ts';
import { movementIn } from './transfers.ts';

interface TronLanding extends Landing {
  readonly timestampMs: number;
  readonly feeSun: bigint;
}

/**
 * Judges a payment.
 *
 * @param attempts the oldest first; each was signed after the one before it had provably expired
 * @throws ChainError if the nodes do not agree, or do not report enough
 */
export function judgeAttempts(
  config: TronConfig,
  nodes: TronNodes,
  movement: TronMovement,
  attempts: readonly SignedAttempt[],
): Promise<PaymentOutcome> {
  return judgePayment<Header, TronLanding, PaymentOutcome>(nodes, config, {
    finalHeight: (head) => finalHeightOf(config, nodes, head),
    findLanding: async (node) => landingOf(await findOutcome(node, attempts), movement),
    async blockIdOf(node, { height, timestampMs }) {
      const header = await headerAt(node, height);
      return header?.timestampMs === timestampMs ? header.id : undefined;
    },
    feeOf: async (_, { feeSun }) => feeSun,
    async judgeMissing(asked, head) {
      const terms = readTerms(newestOf(attempts).terms);
      const canLand = head.timestampMs < terms.expirationMs;
      const lastFinal = canLand ? 0 : await finalHeightOf(config, nodes, head);
      return judgeExpiry(asked, canLand, (node) => hasExpired(nodes, node, attempts, terms, lastFinal));
    },
  });
}

/** Finds the outcome of the newest attempt that is in a block, by one node. */
export async function findOutcome(
  node: Pick<Node, 'call'>,
  attempts: readonly SignedAttempt[],
): Promise<Outcome | undefined> {
  for (const { txHash: value } of attempts.slice(-limits.attemptsAskedFor).reverse()) {
    const found = await node.call('gettransactioninfobyid', { value }, outcome);
    if (found) return found;
  }
  return undefined;
}

function landingOf(found: Outcome | undefined, movement: TronMovement): TronLanding | undefined {
  if (!found) return undefined;
  const { feeSun, height, result, timestampMs, txHash } = found;
  const outcome = outcomeOf(result !== 'failed', hasMoved(found, movement));
  return { txHash, height, block: String(timestampMs), outcome, timestampMs, feeSun };
}

/** A transfer of native coin calls no contract and emits no event; a token has moved only if its contract emitted one. */
function hasMoved({ logs, result }: Outcome, movement: TronMovement): boolean {
  if (movement.contract === undefined) return result === 'no_call';
  const ofToken = logs.filter(({ address }) => address === movement.contract);
  return result === 'called' && isMovedBy(ofToken.flatMap(movementIn), movement);
}

/**
 * Proves by one node that no attempt can ever land: every block that could contain the newest is final and contains none of them.
 * The blocks themselves are read, because a node without transaction history would report every transaction as unknown. An attempt is
 * invalid on a chain without its reference block, so the chain may have another one at that height.
 */
async function hasExpired(
  nodes: TronNodes,
  node: Node,
  attempts: readonly SignedAttempt[],
  { expirationMs, reference }: TronTerms,
  lastFinal: number,
): Promise<boolean> {
  const last = lastFinal > reference.height ? await headerAt(node, lastFinal) : undefined;
  if (!last || last.timestampMs < expirationMs) return false;
  const hashes = new Set(attempts.map(({ txHash }) => txHash));
  let parentId = (await headerAt(node, reference.height))?.id;
  for (let height = reference.height + 1; height <= lastFinal; height += 1) {
    const block = await blockAt(node, height);
    if (!block || block.parentId !== parentId) {
      throw new ChainError('The chain changed during the read.', 'unsettled');
    }
    if (block.txIds.some((id) => hashes.has(id))) {
      nodes.markUnhealthy(node, noHistory);
      throw new ChainError(noHistory);
    }
    // The next block would be too late for the attempt.
    if (block.timestampMs >= expirationMs) return true;
    parentId = block.id;
  }
  return false;
}
