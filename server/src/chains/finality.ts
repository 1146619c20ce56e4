import { ChainError } from './errors.ts';
import type { Node } from './node.ts';
import { requireQuorum } from './node-agreement.ts';
import type { NodePool } from './node-pool.ts';
import type { Block, PaymentState, SignedAttempt } from './port.ts';

/** The newest height whose blocks are final under `confirmations`. */
export function finalHeight(headHeight: number, confirmations: number): number {
  return headHeight - confirmations + 1;
}

/**
 * What a transaction did, as one node reports it.
 *
 * - `paid`: it succeeded, and the token moved as the payment says.
 * - `failed`: the chain refused it, so that nothing moved.
 * - `unclear`: it succeeded without that movement. The node may omit logs, or the contract may not have done what it was called for.
 */
export type LandingOutcome = 'paid' | 'failed' | 'unclear';

/** A payment's transaction in a block, as one node reports it. */
export interface Landing {
  readonly txHash: string;
  readonly height: number;
  /** Distinguishes the block from others at its height: its id, or its time where the node reports no id. */
  readonly block: string;
  readonly outcome: LandingOutcome;
}

/** Decides the outcome of a landing. @param hasMoved whether exactly the payment's movement is reported */
export function outcomeOf(hasSucceeded: boolean, hasMoved: boolean): LandingOutcome {
  if (!hasSucceeded) return 'failed';
  return hasMoved ? 'paid' : 'unclear';
}

/** A token movement that a transaction reports. Addresses are in one form, amounts in the token's smallest unit. */
export interface ReportedMovement {
  readonly from: string;
  readonly to: string;
  readonly amount: bigint;
}

/**
 * Whether reported movements of the payment's token are the payment: its whole amount left the payer, and the receiver got something.
 * Tokens that charge a fee on the transfer report it as another movement of the payer's.
 */
export function isMovedBy(reported: readonly ReportedMovement[], payment: ReportedMovement): boolean {
  const left = reported.filter(({ from }) => from === payment.from);
  const amount = left.reduce((sum, movement) => sum + movement.amount, 0n);
  return amount === payment.amount && left.some(({ amount: some, to }) => to === payment.to && some > 0n);
}

/** No attempt can ever land: the payment may be signed again. */
export const expired = { kind: 'expired' } as const;

/** What became of a payment, or that all its attempts have expired. */
export type PaymentOutcome = PaymentState | typeof expired;

/** What a family contributes: how its nodes prove what became of a payment. */
export interface PaymentProof<Head extends Block, Found extends Landing, Missing extends PaymentOutcome> {
  /** The newest height whose blocks are final, by as many nodes as must agree. */
  finalHeight(head: Head): Promise<number>;
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
 * Judges what became of a payment. As many nodes as must agree have to report the same transaction, block and outcome: on the word of
 * one node, a payment could be taken for failed, and its money be returned or paid twice. A false "not paid" is worse than waiting:
 * no other healthy node may contradict it, and a success without the payment's movement is never taken for a failure.
 *
 * @throws ChainError if too few nodes respond, or if they do not report enough
 */
export async function judgePayment<Head extends Block, Found extends Landing, Missing extends PaymentOutcome>(
  nodes: NodePool<Head>,
  { agreement }: { readonly agreement: number },
  proof: PaymentProof<Head, Found, Missing>,
): Promise<PaymentState | Missing> {
  const head = await nodes.choose();
  const asked = requireQuorum(nodes, agreement);
  const others = nodes.healthy().filter((node) => !asked.includes(node));
  const votes = await findLandings(asked, proof);
  if (votes.length === 0) {
    const missing = await proof.judgeMissing(asked, head);
    if (missing.kind === 'waiting') return missing;
    // A payment that any node has in a block is neither signed again nor given up, even if that node is wrong.
    return (await findLandings(others, proof)).length > 0 ? waiting : missing;
  }
  const isUnanimous =
    votes.length === asked.length && votes.every(({ found }) => isSame(found, votes[0]?.found));
  const isPaid = isUnanimous && votes[0]?.found.outcome === 'paid';
  if (!isPaid) votes.push(...(await findLandings(others, proof)));
  const winner = winnerOf(votes, agreement);
  const [first] = winner;
  // Nodes that do not have the transaction yet, or have it in another block, will agree later.
  if (!first || first.found.height > (await proof.finalHeight(head))) return waiting;
  const ids = await Promise.all(winner.map(({ found, node }) => proof.blockIdOf(node, found)));
  if (ids[0] === undefined || ids.some((id) => id !== ids[0])) return waiting;
  const { height, outcome, txHash } = first.found;
  if (outcome === 'unclear') return { kind: 'unclear', txHash, height };
  const feeNative = await proof.feeOf(first.node, first.found);
  if (feeNative === undefined) return waiting;
  return { kind: 'final', ok: outcome === 'paid', txHash, height, feeNative };
}

/** A landing, and the node that reports it. */
interface Vote<Found extends Landing> {
  readonly node: Node;
  readonly found: Found;
}

async function findLandings<Head extends Block, Found extends Landing, Missing extends PaymentOutcome>(
  nodes: readonly Node[],
  proof: PaymentProof<Head, Found, Missing>,
): Promise<Vote<Found>[]> {
  const found = await Promise.all(nodes.map((node) => proof.findLanding(node)));
  return nodes.flatMap((node, at) => {
    const landing = found[at];
    return landing ? [{ node, found: landing }] : [];
  });
}

/** The first votes for the landing that enough nodes report; empty if there is none, or more than one. */
function winnerOf<Found extends Landing>(votes: readonly Vote<Found>[], agreement: number): Vote<Found>[] {
  const groups: Vote<Found>[][] = [];
  for (const vote of votes) {
    const group = groups.find(([first]) => isSame(first?.found, vote.found));
    if (group) group.push(vote);
    else groups.push([vote]);
  }
  const enough = groups.filter(({ length }) => length >= agreement);
  const [winner] = enough;
  if (!winner || enough.length > 1) return [];
  const isContradicted = votes.some(({ found }) => found.outcome !== 'failed');
  return winner[0]?.found.outcome === 'failed' && isContradicted ? [] : winner.slice(0, agreement);
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

function isSame(a: Landing | undefined, b: Landing | undefined): boolean {
  return (
    a?.txHash === b?.txHash && a?.height === b?.height && a?.block === b?.block && a?.outcome === b?.outcome
  );
}
