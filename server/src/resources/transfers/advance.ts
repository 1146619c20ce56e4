import {
  bank,
  custody,
  feeRevenue,
  fxPosition,
  type Stripe,
  walletAvailable,
  walletInTransit,
} from '../../ledger/accounts.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { conflict, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { isRail, type Rail } from '../../rails/rails.ts';
import { isUnknownOutcome, returnCodesOf } from '../../rails/return-codes.ts';
import type { TransactionRow, TransactionStatus } from '../../store/rows.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type EventDraft,
} from '../../writer/command.ts';
import { transactionEvents } from '../transactions/lifecycle.ts';
import { transactionJson } from '../transactions/schema.ts';
import { followersOf, isPayout, refuseCancel, wayTo } from './lifecycle.ts';
import { plannedReturn } from './magic.ts';
import { causeOf, type MoveTerms, moveTransfer } from './moves.ts';

/** What never changes of a transfer, and is needed to move it on. */
export type TransferKey = Pick<
  TransactionRow,
  | 'bucket'
  | 'id'
  | 'environment_id'
  | 'wallet_id'
  | 'source_currency'
  | 'destination_currency'
  | 'destination_payment_rail'
>;

/** The accounts that a transfer's journals can touch. */
function accountsOf(key: TransferKey, stripe: Stripe) {
  const { destination_payment_rail: rail, source_currency: currency, wallet_id: walletId } = key;
  const own = [
    walletAvailable(walletId, currency),
    walletInTransit(walletId, currency),
    feeRevenue(stripe, currency),
  ];
  if (rail === null || !isRail(rail)) return [...own, custody(stripe, rail ?? '', currency)];
  const paid = key.destination_currency;
  return [...own, fxPosition(stripe, currency), fxPosition(stripe, paid), bank(stripe, paid)];
}

function transferCommand<Result>(
  name: string,
  key: TransferKey,
  decide: (row: TransactionRow, context: DecideContext) => Decision<Result>,
): Command<Result> {
  const { bucket, id } = key;
  return {
    name,
    environmentId: key.environment_id,
    bucket,
    reads: (stripe) => [{ table: 'transactions', bucket, id }, ...accountReads(accountsOf(key, stripe))],
    decide(state, context) {
      const row = state.get('transactions', id);
      return row ? decide(row, context) : { refusal: notDue() };
    },
  };
}

/**
 * Moves a sandbox transfer on by one status when its time has come. Asking too early or twice changes nothing.
 */
export function advanceDueTransfer(key: TransferKey, terms: MoveTerms): Command<TransactionStatus> {
  return transferCommand('advance_due_transfer', key, (row, context) => {
    const isDue = row.next_action_at !== null && Date.parse(row.next_action_at) <= context.nowMs;
    const status = isDue ? nextBySandbox(row, terms) : undefined;
    if (status === undefined) return { refusal: notDue() };
    return moveAlong(row, [status], context, withPlannedCause(row, terms), () => status);
  });
}

/** What the sandbox does with a transfer next. */
function nextBySandbox(row: TransactionRow, { conversion }: MoveTerms): TransactionStatus | undefined {
  const isHeld = row.status === 'in_review' && row.sandbox_outcome === 'hold_review';
  if (isHeld) return undefined;
  if (row.status === 'funds_received') {
    if (row.sandbox_outcome === 'fail') return 'failed';
    // Without a rate it waits until there is one.
    if (isPayout(row) && !conversion) return undefined;
  }
  if (row.status === 'payment_processed' && plannedReturn(row.sandbox_outcome) === undefined)
    return undefined;
  return followersOf(row)[0];
}

function withPlannedCause(row: TransactionRow, terms: MoveTerms): MoveTerms {
  const code = plannedReturn(row.sandbox_outcome);
  if (row.status === 'payment_processed' && code !== undefined)
    return { ...terms, cause: causeOf(row, code) };
  const refused = isPayout(row) ? 'The bank refused the payment.' : 'The chain refused the transaction.';
  return row.status === 'funds_received' ? { ...terms, cause: { code: null, text: refused } } : terms;
}

/** Moves a transfer on along statuses that follow each other, each with its journals and events. */
function moveAlong<Result>(
  row: TransactionRow,
  way: readonly TransactionStatus[],
  context: DecideContext,
  terms: MoveTerms,
  resultOf: (row: TransactionRow) => Result,
): Decision<Result> {
  let current = row;
  const journals: JournalDraft[] = [];
  const events: EventDraft[] = [];
  for (const status of way) {
    const move = moveTransfer(current, status, context, terms);
    current = move.row;
    journals.push(...move.journals);
    events.push(...transactionEvents(current, 'updated'));
  }
  return { result: resultOf(current), writes: [{ table: 'transactions', row: current }], journals, events };
}

function notDue(): Refusal {
  return conflict('not_due', 'The transfer has nothing to do now.');
}

/** Cancels a transfer that is still in review: its whole amount is available again. */
export function cancelTransfer(key: TransferKey, terms: MoveTerms): Command<string> {
  return transferCommand('cancel_transfer', key, (row, context) => {
    const refusal = refuseCancel(row);
    if (refusal) return { refusal };
    const cause = { code: null, text: 'It was cancelled.' };
    return moveAlong(row, ['failed'], context, { ...terms, cause }, transactionJson);
  });
}

/** Where the sandbox's user wants a transfer to go; nothing for the ordinary next status. */
export interface Wish {
  readonly status?: TransactionStatus | undefined;
  readonly returnCode?: string | undefined;
}

/** Moves a sandbox transfer on at once, as its user wishes, over every status on the way. */
export function steerTransfer(key: TransferKey, wish: Wish, terms: MoveTerms): Command<string> {
  return transferCommand('steer_transfer', key, (row, context) => {
    const rail = isPayout(row) ? (row.destination_payment_rail as Rail) : undefined;
    if (wish.returnCode !== undefined) {
      const refusal = refuseReturnCode(wish, rail);
      if (refusal) return { refusal };
      // Nobody knows what became of it: it stays under way and is asked about again.
      if (rail && isUnknownOutcome(rail, wish.returnCode)) return stayUnderWay(row, context, terms);
    }
    const wanted = wish.status ?? (wish.returnCode === undefined ? followersOf(row)[0] : 'returned');
    const way = wanted && wayTo(row, wanted);
    if (!way) return { refusal: noWay(row, wanted) };
    if (rail && !terms.conversion && way.includes('payment_submitted')) return { refusal: noRate() };
    return moveAlong(row, way, context, { ...terms, cause: wishedCause(row, wish, wanted) }, transactionJson);
  });
}

function wishedCause(row: TransactionRow, wish: Wish, wanted: TransactionStatus) {
  if (wanted === 'failed' || !isPayout(row))
    return { code: null, text: 'The sandbox was told to let it fail.' };
  const code = wish.returnCode ?? returnCodesOf(row.destination_payment_rail as Rail)[0]?.code ?? '';
  return causeOf(row, code);
}

function stayUnderWay(row: TransactionRow, context: DecideContext, terms: MoveTerms): Decision<string> {
  if (row.status !== 'payment_submitted') return { refusal: noWay(row, undefined) };
  const asked = moveTransfer(row, 'payment_submitted', context, terms).row.next_action_at;
  const next = { ...row, next_action_at: asked };
  return { result: transactionJson(next), writes: [{ table: 'transactions', row: next }] };
}

function refuseReturnCode({ returnCode = '', status }: Wish, rail: Rail | undefined): Refusal | undefined {
  const unfit = (message: string): Refusal =>
    invalidRequest('invalid_return_code', message, [{ path: '/returnCode', message }]);
  if (rail === undefined) return unfit('Only what a bank has paid out is returned with a code.');
  if (status !== undefined && status !== 'returned') return unfit('It goes with the status `returned` only.');
  const known = returnCodesOf(rail).map(({ code }) => code);
  if (known.includes(returnCode) || isUnknownOutcome(rail, returnCode)) return undefined;
  return unfit(`The rail ${rail} has the codes ${known.join(', ')}.`);
}

function noWay(row: TransactionRow, wanted: TransactionStatus | undefined): Refusal {
  const next = followersOf(row);
  const follows = next.length === 0 ? 'nothing follows' : `${next.join(' or ')} follows`;
  const text = wanted === undefined ? '' : `, and ${wanted} cannot be reached`;
  return conflict('transition_not_allowed', `The transaction is ${row.status}: ${follows}${text}.`);
}

function noRate(): Refusal {
  return conflict('rate_unavailable', 'There is no rate now at which it could be paid out.');
}
