import { blockingReasonOf } from '../../chains/errors.ts';
import { findLiveTransfers } from '../../resources/transfers/queries.ts';
import { countReorganisations } from '../cursor.ts';
import { acquireLease, type ChainWork } from '../lease.ts';
import { listCancelling } from '../operator/queries.ts';
import { type FollowDeps, followPayment } from './follow.ts';
import { listPayments, type OpenPayment } from './queries.ts';

/** What following the open payments needs. */
export interface FollowOpenDeps extends FollowDeps {
  /** Identifies this process. */
  readonly leaseOwner: string;
}

/**
 * Follows the open payments of a work: the transfers, or the treasury operations. The worker of the transfers also follows what stands
 * before them in the treasury's order of nonces, and the fills of nonces, which operators order there. A return, and a payment that is
 * being cancelled, is followed by the operator's order.
 *
 * @param notes receives the reasons why payments wait
 * @param note receives them by payment
 */
export async function followOpen(
  deps: FollowOpenDeps,
  work: ChainWork & ('payments' | 'sweeps'),
  notes: string[],
  note: (id: string, text: string) => void = () => undefined,
): Promise<void> {
  // Before the payments: what is judged on an orphaned branch stays open.
  const reorganisations = await countReorganisations(deps.pool, deps.port.chain);
  const open = await listPayments(deps.pool, deps.port.chain);
  const decided = await listCancelling(deps.pool, deps.port.chain);
  const wanted = selectFollowed(open, work, deps.port.sender.treasury).filter(
    ({ id, intent }) => intent.kind !== 'deposit_return' && !decided.has(id),
  );
  const ids = wanted.filter(({ intent }) => intent.kind === 'transfer').map(({ id }) => id);
  const transfers = ids.length === 0 ? new Map() : await findLiveTransfers(deps.pool, ids);
  for (const payment of wanted) {
    if (!(await acquireLease(deps, work))) return;
    const following = followPayment(deps, payment, transfers.get(payment.id), reorganisations);
    // A payment that cannot be followed must not hold up the others.
    const blockedBy = await following.catch((error) => blockingReasonOf(error, payment.id));
    if (blockedBy) notes.push(blockedBy.text);
    if (blockedBy) note(payment.id, blockedBy.text);
  }
}

/** Selects what a worker follows. Two workers may follow the same payment at the same time. */
function selectFollowed(
  open: readonly OpenPayment[],
  work: 'payments' | 'sweeps',
  treasury: string,
): OpenPayment[] {
  const isOfPayments = ({ intent }: OpenPayment) =>
    intent.kind === 'transfer' || intent.kind === 'nonce_fill';
  if (work === 'sweeps') return open.filter((payment) => !isOfPayments(payment));
  const first = open.find(({ sender }) => sender === treasury);
  return open.filter((payment) => {
    const isUnsigned = payment.sender === treasury && payment.attempts.length === 0;
    return isOfPayments(payment) || payment === first || isUnsigned;
  });
}
