import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { internalTransit, type Stripe } from '../../ledger/accounts.ts';
import { assert } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { walletInStatus } from '../../resources/crypto-wallets/commands.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import { createdEvents, newTransaction } from '../../resources/transactions/state.ts';
import type { Effects, InternalReceiver, InternalSettlement } from '../../resources/transfers/internal.ts';
import { notDue, type TransferKey, transferCommand } from '../../resources/transfers/transfer-command.ts';
import { applyTransitions, type Transfer } from '../../resources/transfers/transition.ts';
import type { InternalTransferRow, TransactionRow } from '../../store/tables/transactions.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type RowRef,
  type State,
} from '../../writer/command.ts';
import {
  type ArrivedTokens,
  creditOf,
  type DepositCredit,
  depositAccounts,
  depositJournal,
} from '../deposits/credit.ts';

/** A transfer to a deposit address of this deployment, as the command that settles it needs it. */
export interface InternalBooking {
  readonly receiver: InternalReceiver;
  /** Whether one statement can write both wallets: they are of one environment and one lane. */
  readonly isOneStatement: boolean;
  /** US dollars per USDT; undefined if there is no rate. */
  readonly sellRate: string | undefined;
}

/** The rows that settling an internal transfer reads beside those of the transfer. */
export function bookingReads(key: TransferKey, booking: InternalBooking | undefined) {
  return (stripe: Stripe): RowRef[] => {
    if (!booking) return [];
    const { walletId } = booking.receiver;
    const currency = key.destination_currency as Stablecoin;
    const transit = internalTransit(stripe, currency);
    if (!booking.isOneStatement) return accountReads([transit]);
    const arriving = { walletId, chain: key.destination_payment_rail as Chain, currency };
    return [
      { table: 'wallets', bucket: bucketOfId(walletId), id: walletId },
      ...accountReads(depositAccounts(stripe, arriving, transit)),
    ];
  };
}

/** How a command whose reads include `bookingReads` settles the transfer; undefined if it is not internal. */
export function settlementOf(
  booking: InternalBooking | undefined,
  state: State,
  context: DecideContext,
): InternalSettlement | undefined {
  if (!booking) return undefined;
  const { isOneStatement, receiver, sellRate } = booking;
  return {
    receiver,
    credit(transfer) {
      const wallet = isOneStatement ? state.get('wallets', receiver.walletId) : undefined;
      return wallet && creditReceiver(transfer, wallet, sellRate, context);
    },
  };
}

/**
 * Books a live transfer to a deposit address of this deployment, from `funds_received` to `completed`. A converted amount has
 * been fixed before.
 */
export function bookInternalTransfer(
  key: TransferKey,
  booking: InternalBooking,
): Command<TransactionRow['status']> {
  const decide = (transfer: Transfer, context: DecideContext, state: State) => {
    if (transfer.row.status !== 'funds_received') return { refusal: notDue() };
    const internal = settlementOf(booking, state, context);
    const terms = { stepMs: 0, conversion: undefined, live: {}, internal };
    const path = ['payment_submitted', 'completed'] as const;
    return applyTransitions(transfer, path, context, terms, noCause, ({ status }) => status);
  };
  return transferCommand('book_internal_transfer', key, decide, bookingReads(key, booking));
}

const noCause = () => ({ code: null, text: '' });

/**
 * Credits the receiver of an internal transfer that is open. Does nothing if the deposit exists already.
 *
 * @returns whether the receiver is credited; false if there is no rate for the conversion
 */
export function creditInternalTransfer(
  transfer: InternalTransferRow,
  sellRate: string | undefined,
): Command<boolean> {
  const { deposit_id: depositId, receiver_wallet_id: walletId } = transfer;
  const bucket = bucketOfId(walletId);
  return {
    name: 'credit_internal_transfer',
    environmentId: transfer.receiver_environment_id,
    bucket,
    reads: (stripe) => [
      { table: 'transactions', bucket, id: depositId },
      { table: 'wallets', bucket, id: walletId },
      ...accountReads(
        depositAccounts(stripe, arrivedOf(transfer), internalTransit(stripe, transfer.currency)),
      ),
    ],
    decide(state, context) {
      if (state.get('transactions', depositId)) return { result: true };
      const wallet = state.get('wallets', walletId);
      assert(wallet, 'an internal transfer has a wallet that receives it');
      const effects = creditReceiver(transfer, wallet, sellRate, context);
      return effects ? { result: true, ...effects } : { result: false };
    },
  };
}

/** Marks an internal transfer as credited, after its deposit was written by another statement. */
export function closeInternalTransfer({
  bucket,
  environment_id: environmentId,
  id,
}: InternalTransferRow): Command<boolean> {
  return {
    name: 'close_internal_transfer',
    environmentId,
    bucket,
    reads: () => [{ table: 'internal_transfers', bucket, id }],
    decide(state, { now }) {
      const row = state.get('internal_transfers', id);
      if (row?.status !== 'open') return { result: false };
      const closed: InternalTransferRow = { ...row, status: 'credited', updated_at: now };
      return { result: true, writes: [{ table: 'internal_transfers', row: closed }] };
    },
  };
}

function arrivedOf(transfer: InternalTransferRow): ArrivedTokens {
  return {
    walletId: transfer.receiver_wallet_id,
    chain: transfer.chain as Chain,
    currency: transfer.currency as Stablecoin,
    amountMinor: transfer.amount_minor,
  };
}

/** The deposit of the receiver, in the receiver's bucket. @returns undefined if it cannot be converted now */
function creditReceiver(
  transfer: InternalTransferRow,
  wallet: WalletRow,
  sellRate: string | undefined,
  context: DecideContext,
): Effects | undefined {
  assert(wallet.environment_id === transfer.receiver_environment_id, "the wallet is the receiver's");
  const arrived = arrivedOf(transfer);
  const credit = creditOf(arrived, sellRate);
  if (!credit) return undefined;
  const { bucket } = wallet;
  const row = newDeposit(transfer, wallet, credit, context);
  const transit = internalTransit(context, transfer.currency);
  const journal = depositJournal(context, row.id, arrived, credit, transit);
  // The owner could never reach money in a closed wallet.
  const reopened = wallet.status === 'closed' ? [walletInStatus(wallet, 'active', context.now)] : [];
  const events = [...reopened.map(({ event }) => event), ...createdEvents(row, transactionJson(row))];
  return {
    writes: [{ table: 'transactions', row }, ...reopened.map(({ write }) => write)],
    journals: [{ ...journal, bucket }],
    events: events.map((event) => ({ ...event, bucket })),
  };
}

function newDeposit(
  transfer: InternalTransferRow,
  wallet: WalletRow,
  credit: DepositCredit,
  context: DecideContext,
): TransactionRow {
  return newTransaction(context, {
    bucket: wallet.bucket,
    id: transfer.deposit_id,
    environment_id: wallet.environment_id,
    customer_id: wallet.customer_id,
    wallet_id: wallet.id,
    type: 'deposit',
    status: 'completed',
    amount_minor: transfer.amount_minor,
    source_currency: transfer.currency,
    destination_currency: credit.currency,
    fee_minor: 0n,
    source_payment_rail: transfer.chain,
    final_minor: credit.creditedMinor,
    exchange_fee_minor: 0n,
    exchange_rate: credit.exchangeRate,
  });
}
