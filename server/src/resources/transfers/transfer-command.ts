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
import { conflict, type Refusal } from '../../platform/errors.ts';
import { isRail } from '../../rails/rails.ts';
import type { TransactionRow, TransactionStatus, WalletRow } from '../../store/rows.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type EventDraft,
  type RowRef,
  type RowWrite,
} from '../../writer/command.ts';
import { walletInStatus } from '../crypto-wallets/commands.ts';
import { updatedEvents } from '../transactions/state.ts';
import { transactionJson } from '../transactions/schema.ts';
import { followersOf, isPayout, refuseCancel } from './state.ts';
import { plannedReturn } from '../../simulator/test-values.ts';
import {
  arrivesTooLittle,
  type Cause,
  causeOf,
  chainRefused,
  type MoveTerms,
  moveTransfer,
  needsRate,
  nothingArrives,
} from './transition.ts';

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

/** A transfer, and for a payout the wallet that it comes back to. */
export interface Transfer {
  readonly row: TransactionRow;
  readonly wallet: WalletRow | undefined;
}

/** The accounts that a transfer's journals can touch. */
function accountsOf(key: TransferKey, stripe: Stripe) {
  const { destination_payment_rail: rail, source_currency: currency, wallet_id: walletId } = key;
  const own = [
    walletAvailable(walletId, currency),
    walletInTransit(walletId, currency),
    feeRevenue(stripe, currency),
  ];
  const paid = key.destination_currency;
  const from = isPaidByBank(key) ? bank(stripe, paid) : custody(stripe, rail ?? '', paid);
  if (!isPaidByBank(key) && paid === currency) return [...own, from];
  return [...own, fxPosition(stripe, currency), fxPosition(stripe, paid), from];
}

function isPaidByBank({ destination_payment_rail: rail }: TransferKey): boolean {
  return rail !== null && isRail(rail);
}

/** A command on one transfer, whatever its journals may touch. */
export function transferCommand<Result>(
  name: string,
  key: TransferKey,
  decide: (transfer: Transfer, context: DecideContext) => Decision<Result>,
): Command<Result> {
  const { bucket, id, wallet_id: walletId } = key;
  const wallets: RowRef[] = isPaidByBank(key) ? [{ table: 'wallets', bucket, id: walletId }] : [];
  return {
    name,
    environmentId: key.environment_id,
    bucket,
    reads: (stripe) => [
      { table: 'transactions', bucket, id },
      ...wallets,
      ...accountReads(accountsOf(key, stripe)),
    ],
    decide(state, context) {
      const row = state.get('transactions', id);
      if (!row) return { refusal: notDue() };
      return decide(
        { row, wallet: wallets.length > 0 ? state.get('wallets', walletId) : undefined },
        context,
      );
    },
  };
}

/**
 * Moves a sandbox transfer on by one status when its time has come. Asking too early or twice changes nothing.
 */
export function advanceDueTransfer(key: TransferKey, terms: MoveTerms): Command<TransactionStatus> {
  return transferCommand('advance_due_transfer', key, (transfer, context) => {
    const { row } = transfer;
    const isDue = row.next_action_at !== null && Date.parse(row.next_action_at) <= context.nowMs;
    const status = isDue ? nextBySandbox(row, terms) : undefined;
    if (status === undefined) return { refusal: notDue() };
    return moveAlong(
      transfer,
      [status],
      context,
      terms,
      () => ownCause(row, terms),
      () => status,
    );
  });
}

/** What the sandbox does with a transfer next. */
function nextBySandbox(row: TransactionRow, terms: MoveTerms): TransactionStatus | undefined {
  if (row.status === 'in_review' && row.sandbox_outcome === 'hold_review') return undefined;
  if (row.status === 'funds_received') {
    if (row.sandbox_outcome === 'fail') return 'failed';
    // Without a rate it waits until there is one.
    if (needsRate(row) && !terms.conversion) return undefined;
    if (arrivesTooLittle(row, terms)) return 'failed';
  }
  if (row.status === 'payment_processed' && plannedReturn(row.sandbox_outcome) === undefined)
    return undefined;
  return followersOf(row)[0];
}

/** Why a transfer fails or comes back when nobody has asked for it. */
function ownCause(row: TransactionRow, terms: MoveTerms): Cause {
  const code = plannedReturn(row.sandbox_outcome);
  if (row.status === 'payment_processed' && code !== undefined) return causeOf(row, code);
  const isTooLittle = row.sandbox_outcome !== 'fail' && arrivesTooLittle(row, terms);
  if (!isPayout(row)) return isTooLittle ? nothingArrives : chainRefused;
  return isTooLittle
    ? { code: null, text: 'The rate has moved: less would arrive than the rail pays.' }
    : { code: null, text: 'The bank refused the payment.' };
}

/**
 * Moves a transfer on along statuses that follow each other, each with its journals and events.
 *
 * @param causeFor why it gets to `failed` or `returned`
 */
export function moveAlong<Result>(
  { row, wallet }: Transfer,
  way: readonly TransactionStatus[],
  context: DecideContext,
  terms: MoveTerms,
  causeFor: (status: TransactionStatus) => Cause,
  resultOf: (row: TransactionRow) => Result,
): Decision<Result> {
  let current = row;
  const journals: JournalDraft[] = [];
  const events: EventDraft[] = [];
  for (const status of way) {
    const move = moveTransfer(current, status, context, terms, causeFor);
    journals.push(...move.journals);
    events.push(...updatedEvents(current, move.row));
    current = move.row;
  }
  const writes: RowWrite[] = [{ table: 'transactions', row: current }];
  // What comes back after the wallet was closed would be out of the customer's reach for good.
  if (wallet?.status === 'closed' && journals.length > 0) {
    const reopened = walletInStatus(wallet, 'active', context.now);
    writes.push(reopened.write);
    events.unshift(reopened.event);
  }
  return { result: resultOf(current), writes, journals, events };
}

function notDue(): Refusal {
  return conflict('not_due', 'The transfer has nothing to do now.');
}

/** Cancels a transfer that is still in review: its whole amount is available again. */
export function cancelTransfer(key: TransferKey, terms: MoveTerms): Command<string> {
  return transferCommand('cancel_transfer', key, (transfer, context) => {
    const refusal = refuseCancel(transfer.row);
    if (refusal) return { refusal };
    const cause = { code: null, text: 'It was cancelled.' };
    // The sandbox shows each status for a while.
    const way = terms.live ? (['failed', 'refunded'] as const) : (['failed'] as const);
    return moveAlong(transfer, way, context, terms, () => cause, transactionJson);
  });
}
