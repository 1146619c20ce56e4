import { returnCause } from '../fiat/payouts/transitions.ts';
import { bookingReads, type InternalBooking, settlementOf } from '../onchain/internal/commands.ts';
import { conflict, invalidRequest, type Refusal } from '../platform/errors.ts';
import type { Rail } from '../rails/rails.ts';
import { isUnknownOutcome, returnCodesOf, usualReturnCode } from '../rails/return-codes.ts';
import { transactionJson } from '../resources/transactions/schema.ts';
import { arrivesTooLittle, needsRate } from '../resources/transfers/pricing.ts';
import { type Cause, isPayout, nextStatuses, railOf, transitionPath } from '../resources/transfers/state.ts';
import { type TransferKey, transferCommand } from '../resources/transfers/transfer-command.ts';
import {
  applyTransitions,
  type CauseFor,
  type Transfer,
  type TransitionTerms,
} from '../resources/transfers/transition.ts';
import type { TransactionRow, TransactionStatus } from '../store/tables/transactions.ts';
import type { Command, DecideContext, Decision, State } from '../writer/command.ts';
import { nextActionAt } from './schedule.ts';

/** What a request wants of a sandbox transfer. */
export interface ForcedStatus {
  /** The target; `returned` with a return code, or else the default next status, if left out. */
  readonly status?: TransactionStatus | undefined;
  readonly returnCode?: string | undefined;
}

/**
 * Moves a sandbox transfer immediately to a target status, over every status on the path to it.
 *
 * @param booking for a transfer to a deposit address of its environment
 */
export function forceStatus(
  key: TransferKey,
  forced: ForcedStatus,
  given: TransitionTerms,
  booking?: InternalBooking,
): Command<string> {
  const decide = (transfer: Transfer, context: DecideContext, state: State): Decision<string> => {
    const { row } = transfer;
    const terms = { ...given, internal: settlementOf(booking, state, context) };
    const rail = isPayout(row) ? railOf(row) : undefined;
    if (forced.returnCode !== undefined) {
      const refusal = refuseReturnCode(forced, rail);
      if (refusal) return { refusal };
      if (rail && isUnknownOutcome(rail, forced.returnCode)) return keepSubmitted(transfer, context, terms);
    }
    const target = forced.status ?? (forced.returnCode === undefined ? nextStatuses(row)[0] : 'returned');
    return moveTo(transfer, target, context, terms, (status) => forcedCause(row, forced, status));
  };
  return transferCommand('force_transfer_status', key, decide, bookingReads(key, booking));
}

function moveTo(
  transfer: Transfer,
  target: TransactionStatus | undefined,
  context: DecideContext,
  terms: TransitionTerms,
  causeFor: CauseFor,
): Decision<string> {
  const { row } = transfer;
  const path = target && transitionPath(row, target);
  if (!path) return { refusal: notReachable(row, target) };
  if (needsRate(row) && path.includes('payment_submitted')) {
    if (!terms.conversion) return { refusal: noRate() };
    if (arrivesTooLittle(row, terms.conversion)) return { refusal: tooLittle() };
  }
  return applyTransitions(transfer, path, context, terms, causeFor, transactionJson);
}

function forcedCause(row: TransactionRow, { returnCode }: ForcedStatus, status: TransactionStatus): Cause {
  if (status === 'failed') return { code: null, text: 'A request to the sandbox forced the failure.' };
  return returnCause(row, returnCode ?? usualReturnCode(railOf(row)));
}

/** With a code for an unknown outcome the payment stays submitted, and its outcome is requested again later. */
function keepSubmitted(transfer: Transfer, context: DecideContext, terms: TransitionTerms): Decision<string> {
  const { row } = transfer;
  const submitted = 'payment_submitted';
  if (row.status !== submitted) {
    return moveTo(transfer, submitted, context, terms, (status) => forcedCause(row, {}, status));
  }
  const next = { ...row, next_action_at: nextActionAt(row, submitted, context.nowMs, terms.stepMs) };
  return { result: transactionJson(next), writes: [{ table: 'transactions', row: next }] };
}

function refuseReturnCode(
  { returnCode = '', status }: ForcedStatus,
  rail: Rail | undefined,
): Refusal | undefined {
  const invalid = (message: string): Refusal =>
    invalidRequest('invalid_return_code', message, [{ path: '/returnCode', message }]);
  if (rail === undefined) return invalid('`returnCode` may only be given for a payout to a bank account.');
  if (status !== undefined && status !== 'returned')
    return invalid('`returnCode` may only be given with the status `returned`.');
  const known = returnCodesOf(rail).map(({ code }) => code);
  if (known.includes(returnCode) || isUnknownOutcome(rail, returnCode)) return undefined;
  return invalid(`\`returnCode\` must be a code of the rail ${rail}: ${known.join(', ')}.`);
}

function notReachable(row: TransactionRow, target: TransactionStatus | undefined): Refusal {
  const next = nextStatuses(row);
  const allowed = next.length === 0 ? 'it is final' : `it may become ${next.join(' or ')}`;
  const text = target === undefined ? '' : `; ${target} cannot be reached`;
  return conflict('transition_not_allowed', `The transaction is ${row.status}: ${allowed}${text}.`);
}

function tooLittle(): Refusal {
  const message = 'At the current rate less would arrive than can be paid; the transfer may only fail.';
  return conflict('transition_not_allowed', message);
}

function noRate(): Refusal {
  return conflict('rate_unavailable', 'There is no current rate for the conversion; try again later.');
}
