import { returnCause } from '../fiat/payouts/transitions.ts';
import { bookingReads, type InternalBooking, settlementOf } from '../onchain/internal/commands.ts';
import { arrivesTooLittle, needsRate } from '../resources/transfers/pricing.ts';
import { type Cause, isPayout, nextStatuses } from '../resources/transfers/state.ts';
import { notDue, type TransferKey, transferCommand } from '../resources/transfers/transfer-command.ts';
import {
  applyTransitions,
  chainRefused,
  nothingArrives,
  type Transfer,
  type TransitionTerms,
} from '../resources/transfers/transition.ts';
import type { TransactionRow, TransactionStatus } from '../store/tables/transactions.ts';
import type { Command, DecideContext, Decision, State } from '../writer/command.ts';
import { plannedReturn } from './test-values.ts';

/**
 * Makes the next transition of a sandbox transfer if it is due. A command that comes too early, or twice, is refused and
 * changes nothing.
 *
 * @param booking for a transfer to a deposit address of its environment
 */
export function advanceDueTransfer(
  key: TransferKey,
  given: TransitionTerms,
  booking?: InternalBooking,
): Command<TransactionStatus> {
  const decide = (transfer: Transfer, context: DecideContext, state: State): Decision<TransactionStatus> => {
    const { row } = transfer;
    const terms = { ...given, internal: settlementOf(booking, state, context) };
    const isDue = row.next_action_at !== null && Date.parse(row.next_action_at) <= context.nowMs;
    const status = isDue ? nextBySandbox(row, terms) : undefined;
    if (status === undefined) return { refusal: notDue() };
    return applyTransitions(
      transfer,
      [status],
      context,
      terms,
      () => sandboxCause(row, terms),
      () => status,
    );
  };
  return transferCommand('advance_due_transfer', key, decide, bookingReads(key, booking));
}

/** The status that the sandbox moves a transfer to next; undefined if it stays where it is. */
function nextBySandbox(row: TransactionRow, terms: TransitionTerms): TransactionStatus | undefined {
  if (row.status === 'in_review' && row.sandbox_outcome === 'hold_review') return undefined;
  if (row.status === 'funds_received') {
    if (row.sandbox_outcome === 'fail') return 'failed';
    // Without a rate it waits until there is one.
    if (needsRate(row) && !terms.conversion) return undefined;
    if (arrivesTooLittle(row, terms.conversion)) return 'failed';
  }
  if (row.status === 'payment_processed' && plannedReturn(row.sandbox_outcome) === undefined)
    return undefined;
  return nextStatuses(row)[0];
}

/** Why a transfer fails or is returned without a request that forces it. */
function sandboxCause(row: TransactionRow, terms: TransitionTerms): Cause {
  const code = plannedReturn(row.sandbox_outcome);
  if (row.status === 'payment_processed' && code !== undefined) return returnCause(row, code);
  const isTooLittle = row.sandbox_outcome !== 'fail' && arrivesTooLittle(row, terms.conversion);
  if (!isPayout(row)) return isTooLittle ? nothingArrives : chainRefused;
  return isTooLittle
    ? { code: null, text: 'At the current rate less would arrive than the rail pays.' }
    : { code: null, text: 'The bank refused the payment.' };
}
