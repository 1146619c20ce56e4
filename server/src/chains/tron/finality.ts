import { limits } from '../../platform/limits.ts';
import { agreeing } from '../node-agreement.ts';
import type { TronConfig } from '../config.ts';
import { type Node, UnsettledError } from '../node.ts';
import { ChainError, type PaymentState, type SignedAttempt } from '../port.ts';
import { blockAt, headerAt, noOutcomes, type TronNodes } from './blocks.ts';
import { type Header, type Outcome, outcome } from './responses.ts';
import { readTerms, type TronTerms } from './terms.ts';
import { isTransfer } from './transfers.ts';

const waiting: PaymentState = { kind: 'waiting', isKnown: true };

/** A payment that can never be paid by what was signed for it: it may be signed again. */
export const expired = { kind: 'expired' } as const;

/**
 * Finds what has become of a payment. As many nodes as have to agree must say the same: on one node's word alone a
 * payment could be taken for failed or for lost, and be paid twice.
 *
 * @param attempts the oldest first; each was signed when the one before it had expired
 * @throws ChainError when the nodes do not agree, or do not tell enough
 */
export async function findOutcome(
  config: TronConfig,
  nodes: TronNodes,
  attempts: readonly SignedAttempt[],
): Promise<PaymentState | typeof expired> {
  const head = await nodes.choose();
  const asked = agreeing(nodes, config.agreement);
  const found = await Promise.all(asked.map((node) => findMined(node, attempts)));
  if (found.some(Boolean)) return judge(config, head, asked, found);
  const last = attempts.at(-1);
  if (!last) throw new ChainError('Nothing was signed for the payment.');
  const terms = readTerms(last.terms);
  // Until its time is over it may be sent as often as one likes: it is one transaction.
  if (head.timestampMs < terms.expirationMs) return { kind: 'waiting', isKnown: false };
  const finalHeight = head.height - config.confirmations + 1;
  const over = await Promise.all(asked.map((node) => isOver(nodes, node, attempts, terms, finalHeight)));
  if (!over.every(Boolean)) return waiting;
  // Whoever may be wrong: what any node has seen happen is not paid again.
  for (const node of nodes.usable()) if (await findMined(node, attempts)) return waiting;
  return expired;
}

/** What became of the newest of the attempts that is in a block, by one node. */
export async function findMined(
  node: Pick<Node, 'call'>,
  attempts: readonly SignedAttempt[],
): Promise<Outcome | undefined> {
  for (const { txHash: value } of attempts.slice(-limits.attemptsAskedFor).reverse()) {
    const found = await node.call('gettransactioninfobyid', { value }, outcome);
    if (found) return found;
  }
  return undefined;
}

async function judge(
  config: TronConfig,
  head: Header,
  asked: readonly Node[],
  found: readonly (Outcome | undefined)[],
): Promise<PaymentState> {
  const [first, ...others] = found;
  // Nodes that have not seen it yet, or see it in another block, will come to agree.
  if (!first || others.some((other) => !other || !isSame(first, other))) return waiting;
  if (head.height - first.height + 1 < config.confirmations) return waiting;
  const blocks = await Promise.all(asked.map((node) => headerAt(node, first.height)));
  if (blocks.some((block) => block?.id !== blocks[0]?.id || block?.timestampMs !== first.timestampMs)) {
    return waiting;
  }
  const { feeSun, height, txHash } = first;
  return { kind: 'final', ok: hasMoved(first, config), txHash, height, feeNative: feeSun };
}

function isSame(a: Outcome, b: Outcome): boolean {
  return (
    a.txHash === b.txHash && a.height === b.height && a.timestampMs === b.timestampMs && a.result === b.result
  );
}

/** Native coin moves without a word; of a token nothing has moved unless its contract says so. */
function hasMoved({ logs, result }: Outcome, config: TronConfig): boolean {
  if (result !== 'called') return result === 'no_call';
  const contracts = new Set(config.tokens.map(({ address }) => address));
  return logs.some((log) => contracts.has(log.address) && isTransfer(log));
}

/**
 * Whether every block that could hold the newest attempt is final, and holds none of them. The blocks themselves are
 * read: a node that does not keep the outcomes of transactions would know of none.
 */
async function isOver(
  nodes: TronNodes,
  node: Node,
  attempts: readonly SignedAttempt[],
  { expirationMs, reference }: TronTerms,
  finalHeight: number,
): Promise<boolean> {
  const last = finalHeight > reference.height ? await headerAt(node, finalHeight) : undefined;
  if (!last || last.timestampMs < expirationMs) return false;
  const hashes = new Set(attempts.map(({ txHash }) => txHash));
  let parentId = reference.id;
  for (let height = reference.height + 1; height <= finalHeight; height += 1) {
    const block = await blockAt(node, height);
    if (block?.parentId !== parentId) throw new UnsettledError('The chain changed while it was read.');
    if (block.txIds.some((id) => hashes.has(id))) {
      nodes.blame(node, noOutcomes);
      throw new ChainError(noOutcomes);
    }
    // The next block would be too late for it.
    if (block.timestampMs >= expirationMs) return true;
    parentId = block.id;
  }
  return false;
}
