import { limits } from '../../platform/limits.ts';
import { agreeing } from '../agreement.ts';
import type { SolanaConfig } from '../config.ts';
import type { Node } from '../node.ts';
import { ChainError, type PaymentState, type SignedAttempt } from '../port.ts';
import { finalized, headerAt, readBlocks, type SolanaNodes } from './blocks.ts';
import { askStandings } from './reader.ts';
import { paidByPayer, type Standing, signatures } from './responses.ts';
import { readTerms, type SolanaTerms } from './terms.ts';

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
  config: SolanaConfig,
  nodes: SolanaNodes,
  attempts: readonly SignedAttempt[],
): Promise<PaymentState | typeof expired> {
  const head = await nodes.choose();
  const asked = agreeing(nodes, config.agreement);
  const found = await Promise.all(asked.map((node) => findLanded(node, attempts)));
  if (found.some(Boolean)) return judge(asked, found);
  const last = attempts.at(-1);
  if (!last) throw new ChainError('Nothing was signed for the payment.');
  const terms = readTerms(last.terms);
  const newest = await headerAt(nodes, head.height);
  // Until its time is over it may be sent as often as one likes: it is one transaction.
  if (!newest || newest.blockHeight <= terms.lastValidBlockHeight) return { kind: 'waiting', isKnown: false };
  const over = await Promise.all(asked.map((node) => isOver(node, last.txHash, terms, head.height)));
  return over.every(Boolean) ? expired : waiting;
}

/** A transaction that is in a block. */
interface Landed extends Standing {
  readonly txHash: string;
}

/**
 * The newest of the attempts that is in a block, by one node. Each was signed when the one before it was proven to be over,
 * so the last would do.
 */
export async function findLanded(
  node: Pick<Node, 'call'>,
  attempts: readonly SignedAttempt[],
): Promise<Landed | undefined> {
  const hashes = attempts.slice(-limits.attemptsAskedFor).map(({ txHash }) => txHash);
  if (hashes.length === 0) return undefined;
  const found = await askStandings(node, hashes);
  const at = found.findLastIndex((standing) => standing !== undefined);
  const standing = found[at];
  return standing && { ...standing, txHash: hashes[at] ?? '' };
}

async function judge(asked: readonly Node[], found: readonly (Landed | undefined)[]): Promise<PaymentState> {
  const [first, ...others] = found;
  const isSame = (a: Landed, b: Landed): boolean =>
    a.txHash === b.txHash && a.slot === b.slot && a.ok === b.ok && a.isFinal === b.isFinal;
  // Nodes that have not seen it yet, or see it in another block, will come to agree.
  if (!first?.isFinal || others.some((other) => !other || !isSame(first, other))) return waiting;
  const [node] = asked;
  const options = { ...finalized, encoding: 'json', maxSupportedTransactionVersion: 0 };
  const feeNative = await node?.call('getTransaction', [first.txHash, options], paidByPayer);
  if (feeNative === undefined) return waiting;
  const { ok, slot: height, txHash } = first;
  return { kind: 'final', ok, txHash, height, feeNative };
}

/**
 * Whether every block that could hold the newest attempt is final, and holds it not. The blocks themselves are read: a
 * node that does not keep the history of transactions would know of none.
 */
async function isOver(node: Node, txHash: string, terms: SolanaTerms, headSlot: number): Promise<boolean> {
  let isPast = false;
  const to = Math.min(headSlot, terms.slot + limits.solanaSlotsPerRequest);
  const range = { from: terms.slot + 1, to, before: terms.slot };
  await readBlocks(node, range, 'signatures', signatures, ({ blockHeight }, signed) => {
    if (signed.includes(txHash)) throw new ChainError('The node does not keep the history of transactions.');
    isPast = blockHeight > terms.lastValidBlockHeight;
    return !isPast;
  });
  return isPast;
}
