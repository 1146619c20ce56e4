import { conflict, invalidRequest, type Refusal } from '../platform/errors.ts';
import type { Rail } from '../rails/rails.ts';
import { isUnknownOutcome, returnCodesOf, usualReturnCode } from '../rails/return-codes.ts';
import type { TransactionRow, TransactionStatus } from '../store/rows.ts';
import type { Command, DecideContext, Decision } from '../writer/command.ts';
import { transactionJson } from '../resources/transactions/schema.ts';
import { moveAlong, type Transfer, type TransferKey, transferCommand } from '../resources/transfers/transfer-command.ts';
import { followersOf, isPayout, wayTo } from '../resources/transfers/state.ts';
import { arrivesTooLittle, type Cause, causeOf, type MoveTerms, needsRate, nextActionAt } from '../resources/transfers/transition.ts';

/** Where the sandbox's user wants a transfer to go; nothing for the ordinary next status. */
export interface Wish {
  readonly status?: TransactionStatus | undefined;
  readonly returnCode?: string | undefined;
}

/** Moves a sandbox transfer on at once, as its user wishes, over every status on the way. */
export function steerTransfer(key: TransferKey, wish: Wish, terms: MoveTerms): Command<string> {
  return transferCommand('steer_transfer', key, (transfer, context) => {
    const { row } = transfer;
    const rail = isPayout(row) ? (row.destination_payment_rail as Rail) : undefined;
    if (wish.returnCode !== undefined) {
      const refusal = refuseReturnCode(wish, rail);
      if (refusal) return { refusal };
      if (rail && isUnknownOutcome(rail, wish.returnCode)) return stayUnderWay(transfer, context, terms);
    }
    const wanted = wish.status ?? (wish.returnCode === undefined ? followersOf(row)[0] : 'returned');
    return goTo(transfer, wanted, context, terms, (status) => wishedCause(row, wish, status));
  });
}

function goTo(
  transfer: Transfer,
  wanted: TransactionStatus | undefined,
  context: DecideContext,
  terms: MoveTerms,
  causeFor: (status: TransactionStatus) => Cause,
): Decision<string> {
  const { row } = transfer;
  const way = wanted && wayTo(row, wanted);
  if (!way) return { refusal: noWay(row, wanted) };
  if (needsRate(row) && way.includes('payment_submitted')) {
    if (!terms.conversion) return { refusal: noRate() };
    if (arrivesTooLittle(row, terms)) return { refusal: tooLittle() };
  }
  return moveAlong(transfer, way, context, terms, causeFor, transactionJson);
}

function wishedCause(row: TransactionRow, { returnCode }: Wish, status: TransactionStatus): Cause {
  if (status === 'failed') return { code: null, text: 'The sandbox was told to let it fail.' };
  return causeOf(row, returnCode ?? usualReturnCode(row.destination_payment_rail as Rail));
}

/** Nobody knows what became of the payment: it stays under way and is asked about again. */
function stayUnderWay(transfer: Transfer, context: DecideContext, terms: MoveTerms): Decision<string> {
  const { row } = transfer;
  const submitted = 'payment_submitted';
  if (row.status !== submitted) {
    return goTo(transfer, submitted, context, terms, (status) => wishedCause(row, {}, status));
  }
  const next = { ...row, next_action_at: nextActionAt(row, submitted, context, terms) };
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

function tooLittle(): Refusal {
  const message = 'The rate has moved: less would arrive than can be paid. The transfer can only fail.';
  return conflict('transition_not_allowed', message);
}

function noRate(): Refusal {
  return conflict('rate_unavailable', 'There is no rate now at which it could be paid out.');
}
