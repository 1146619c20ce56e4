import { ChainError } from './errors.ts';
import type { Node } from './node.ts';
import { requireQuorum } from './node-agreement.ts';
import type { NodePool } from './node-pool.ts';
import type { Block, PaymentState, SignedAttempt } from './port.ts';

/** When a block counts as final, and how many nodes must agree on what is in it. */
export interface ConfirmationRules {
  /** Blocks that confirm a block, itself included. */
  readonly confirmations: number;
  readonly agreement: number;
}

/** The newest height whose blocks are final under `confirmations`. */
export function finalHeight(headHeight: number, confirmations: number): number {
  return headHeight - confirmations + 1;
}

/** A payment's transaction in a block, as one node reports it. */
export interface Landing {
  readonly txHash: string;
  readonly height: number;
  /** Distinguishes the block from others at its height: its id, or its time where the node reports no id. */
  readonly block: string;
  /** The result as the chain reports it. */
  readonly result: string;
  /** Whether the transaction succeeded and moved the money. */
  readonly isPaid: boolean;
}

/** No attempt can ever land: the payment may be signed again. */
export const expired = { kind: 'expired' } as const;

/** What became of a payment, or that all its attempts have expired. */
export type PaymentOutcome = PaymentState | typeof expired;

/** What a family contributes: how its nodes prove what became of a payment. */
export interface PaymentProof<Head extends Block, Found extends Landing, Missing extends PaymentOutcome> {
  /** Finds the newest attempt that is in a block, by one node. */
  findLanding(node: Node): Promise<Found | undefined>;
  /** The id of the block that the landing is in; undefined if the node has another block at that height now. */
  blockIdOf(node: Node, landing: Found): Promise<string | undefined>;
  /** The fee that the chain charged, in native units; undefined if the node does not know it yet. */
  feeOf(node: Node, landing: Found): Promise<bigint | undefined>;
  /** Judges a payment of which no node that was asked has an attempt in a block. */
  judgeMissing(asked: readonly Node[], head: Head): Promise<Missing>;
}

/** The payment is in a block, or may be: nothing to do. */
export const waiting: PaymentState = { kind: 'waiting', isKnown: true };

/**
 * Judges what became of a payment. As many nodes as must agree have to report the same: on the word of one node, a payment could
 * be taken for failed, and its money be returned or paid twice.
 *
 * @throws ChainError if too few nodes respond, or if they do not report enough
 */
export async function judgePayment<Head extends Block, Found extends Landing, Missing extends PaymentOutcome>(
  nodes: NodePool<Head>,
  { agreement, confirmations }: ConfirmationRules,
  proof: PaymentProof<Head, Found, Missing>,
): Promise<PaymentState | Missing> {
  const head = await nodes.choose();
  const asked = requireQuorum(nodes, agreement);
  const found = await Promise.all(asked.map((node) => proof.findLanding(node)));
  if (found.every((landing) => landing === undefined)) return proof.judgeMissing(asked, head);
  const [first] = found;
  const [node] = asked;
  // Nodes that do not have the transaction yet, or have it in another block, will agree later.
  if (!first || !node || !found.every((other) => other && isSame(first, other))) return waiting;
  if (first.height > finalHeight(head.height, confirmations)) return waiting;
  const ids = await Promise.all(asked.map((each, at) => proof.blockIdOf(each, found[at] ?? first)));
  if (ids[0] === undefined || ids.some((id) => id !== ids[0])) return waiting;
  const feeNative = await proof.feeOf(node, first);
  if (feeNative === undefined) return waiting;
  return { kind: 'final', ok: first.isPaid, txHash: first.txHash, height: first.height, feeNative };
}

/**
 * Judges a payment without a landing on a chain where transactions expire.
 *
 * @param canLand whether the newest attempt is still valid
 * @param hasExpired proves by one node that every block that could hold the attempt is final and does not hold it
 */
export async function judgeExpiry(
  asked: readonly Node[],
  canLand: boolean,
  hasExpired: (node: Node) => Promise<boolean>,
): Promise<PaymentOutcome> {
  // While it is valid it may be broadcast any number of times: it is one transaction.
  if (canLand) return { kind: 'waiting', isKnown: false };
  const proven = await Promise.all(asked.map(hasExpired));
  return proven.every(Boolean) ? expired : waiting;
}

/** The newest of the attempts. @throws ChainError if there is none */
export function newestOf(attempts: readonly SignedAttempt[]): SignedAttempt {
  const newest = attempts.at(-1);
  if (!newest) throw new ChainError('A payment that is followed must have a signed transaction.');
  return newest;
}

function isSame(a: Landing, b: Landing): boolean {
  return (
    a.txHash === b.txHash &&
    a.height === b.height &&
    a.block === b.block &&
    a.result === b.result &&
    a.isPaid === b.isPaid
  );
}
