import type { Chain } from '../../chains/registry.ts';
import { conflict, type Refusal } from '../../platform/errors.ts';
import type { Rail } from '../../rails/rails.ts';
import type { TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';

/** Why a transfer failed or was returned: the rail's code, null if it has none, and its meaning. */
export interface Cause {
  readonly code: string | null;
  readonly text: string;
}

/** Whether a transfer is paid out by a bank rather than sent on a chain. */
export function isPayout(row: Pick<TransactionRow, 'payout_account_id'>): boolean {
  return row.payout_account_id !== null;
}

/** Whether a transfer on a chain arrives in another currency than it left in. */
export function isConvertedOnChain(
  row: Pick<TransactionRow, 'destination_currency' | 'payout_account_id' | 'source_currency'>,
): boolean {
  return !isPayout(row) && row.destination_currency !== row.source_currency;
}

/** The chain of a transfer that is sent on one. */
export function chainOf(row: TransactionRow): Chain {
  return row.destination_payment_rail as Chain;
}

/** The bank rail of a payout. */
export function railOf(row: TransactionRow): Rail {
  return row.destination_payment_rail as Rail;
}

type Transitions = Partial<Record<TransactionStatus, readonly TransactionStatus[]>>;

const chainTransitions: Transitions = {
  in_review: ['funds_received', 'failed'],
  funds_received: ['payment_submitted', 'failed'],
  payment_submitted: ['completed', 'failed'],
  failed: ['refunded'],
};

const payoutTransitions: Transitions = {
  in_review: ['funds_received', 'failed'],
  funds_received: ['payment_submitted', 'failed'],
  payment_submitted: ['payment_processed', 'returned', 'failed'],
  payment_processed: ['returned'],
  failed: ['refunded'],
  returned: ['refunded'],
};

/** The statuses that may follow a transfer's own (contract §4, Transfers), the default one first. */
export function nextStatuses(
  row: Pick<TransactionRow, 'payout_account_id' | 'status'>,
): readonly TransactionStatus[] {
  return (isPayout(row) ? payoutTransitions : chainTransitions)[row.status] ?? [];
}

/**
 * The shortest path of statuses to a target status, the target included.
 *
 * @returns undefined if the target cannot be reached
 */
export function transitionPath(
  row: Pick<TransactionRow, 'payout_account_id' | 'status'>,
  target: TransactionStatus,
): TransactionStatus[] | undefined {
  let paths: TransactionStatus[][] = [[]];
  while (paths.length > 0) {
    const longer = paths.flatMap((path) =>
      nextStatuses({ ...row, status: path.at(-1) ?? row.status }).map((next) => [...path, next]),
    );
    const found = longer.find((path) => path.at(-1) === target);
    if (found) return found;
    paths = longer;
  }
  return undefined;
}

/** @returns why a transfer cannot be cancelled; undefined if it can */
export function refuseCancel(row: TransactionRow): Refusal | undefined {
  if (row.status === 'in_review') return undefined;
  return conflict(
    'transfer_not_cancelable',
    `The transfer is ${row.status}; it must be in_review to be cancelled.`,
  );
}
