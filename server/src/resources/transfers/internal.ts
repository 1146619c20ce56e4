import { internalTransit } from '../../ledger/accounts.ts';
import { settleConvertedTransferFlow, settleTransferFlow } from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { assert } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { InternalTransferRow, TransactionRow } from '../../store/tables/transactions.ts';
import type { DecideContext, EventDraft, RowWrite } from '../../writer/command.ts';
import { moneyOf, payoutMoneyOf } from './pricing.ts';
import { chainOf, isConvertedOnChain } from './state.ts';

/** The wallet whose deposit address a transfer is sent to. */
export interface InternalReceiver {
  readonly walletId: string;
  readonly environmentId: string;
}

/** What is written beside the rows of a transfer. */
export interface Effects {
  readonly writes: readonly RowWrite[];
  readonly journals: readonly JournalDraft[];
  readonly events: readonly EventDraft[];
}

/** How a transfer to a deposit address of this deployment is booked. */
export interface InternalSettlement {
  readonly receiver: InternalReceiver;
  /**
   * Credits the receiver in the statement that settles the transfer.
   *
   * @returns undefined if only a later statement can: the wallet is in another lane or environment, or there is no rate
   */
  credit(transfer: InternalTransferRow): Effects | undefined;
}

/**
 * Settles an internal transfer: its net amount leaves the sender and is credited to the receiver, without a movement on the
 * chain. If the receiver is credited later, the amount is in transit until then and the row that is written stays open.
 *
 * @param row the completed transfer
 */
export function settleInternally(
  row: TransactionRow,
  { credit, receiver }: InternalSettlement,
  context: DecideContext,
): Effects {
  const amount = row.final_minor;
  assert(amount !== null && amount > 0n, 'a completed transfer has a final amount');
  const transfer: InternalTransferRow = {
    bucket: row.bucket,
    id: row.id,
    environment_id: row.environment_id,
    receiver_environment_id: receiver.environmentId,
    receiver_wallet_id: receiver.walletId,
    deposit_id: context.newId('txn', bucketOfId(receiver.walletId)),
    chain: chainOf(row),
    currency: row.destination_currency,
    amount_minor: amount,
    status: 'open',
    created_at: context.now,
    updated_at: context.now,
  };
  const paidFrom = internalTransit(context, transfer.currency);
  const settled = isConvertedOnChain(row)
    ? settleConvertedTransferFlow(context, transfer.chain, payoutMoneyOf(row), paidFrom)
    : settleTransferFlow(context, transfer.chain, moneyOf(row), paidFrom);
  const credited = credit(transfer);
  const status = credited ? 'credited' : 'open';
  return {
    writes: [{ table: 'internal_transfers', row: { ...transfer, status } }, ...(credited?.writes ?? [])],
    journals: [settled, ...(credited?.journals ?? [])],
    events: credited?.events ?? [],
  };
}
