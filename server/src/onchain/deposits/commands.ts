import { restoreDepositFlow } from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { assert, conflict, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { walletInStatus } from '../../resources/crypto-wallets/commands.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import {
  createdEvents,
  newTransaction,
  updatedEvents,
  withStatus,
} from '../../resources/transactions/state.ts';
import type { ChainDepositRow } from '../../store/tables/chains.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type EventDraft,
  type RowRef,
  type RowWrite,
  type State,
} from '../../writer/command.ts';
import {
  type ArrivedTokens,
  creditedCurrency,
  creditOf,
  type DepositCredit,
  depositAccounts,
  depositJournal,
  depositLoss,
} from './credit.ts';

/** A deposit on a real chain. */
export interface ChainDeposit extends ArrivedTokens {
  /** chain:transaction:token:receiver:ordinal */
  readonly id: string;
  readonly environmentId: string;
  readonly txHash: string;
  readonly height: number;
  readonly blockId: string;
}

/** The row of a deposit as read before the command; another process may change it in between. */
export type KnownDeposit = Pick<ChainDepositRow, 'transaction_id' | 'lost_minor'> | undefined;

export type DepositStatus = ChainDepositRow['status'];

/** Shows a deposit as pending, or in another block than before. Does not change a confirmed or credited deposit. */
export function showDeposit(deposit: ChainDeposit, known: KnownDeposit): Command<DepositStatus> {
  return depositCommand('show_chain_deposit', deposit, known, (found, context) => {
    const { row } = found;
    if (row?.status === 'credited' || row?.status === 'confirmed') return { result: row.status };
    return writeDeposit(deposit, pendingDeposit(deposit, found, context), 'pending', context);
  });
}

/**
 * Credits a final deposit once. A credited deposit whose transaction is in another block by now stays credited, and is known to be in
 * that one. A deposit that was reversed and is in a block again is credited again, less what the house has lost by it.
 *
 * @param sellRate US dollars per USDT; without it a deposit of USDT waits as `confirmed`
 */
export function creditDeposit(
  deposit: ChainDeposit,
  known: KnownDeposit,
  sellRate: string | undefined,
): Command<DepositStatus> {
  return depositCommand('credit_chain_deposit', deposit, known, (found, context) => {
    const { row, transaction, wallet } = found;
    if (row?.status === 'credited') return moveTo(deposit, row, context);
    const pending = pendingDeposit(deposit, found, context);
    // A deposit that was reversed has its former rate.
    const credit = creditOf(deposit, transaction?.exchange_rate ?? sellRate);
    if (!credit) return writeDeposit(deposit, pending, 'confirmed', context);
    return completeDeposit(deposit, pending, credit, wallet, context);
  });
}

/** Records that the transaction of a credited or confirmed deposit is in another block by now. */
export function moveDeposit(deposit: ChainDeposit, known: KnownDeposit): Command<DepositStatus> {
  return depositCommand('move_chain_deposit', deposit, known, ({ row }, context) =>
    row && row.status !== 'orphaned' ? moveTo(deposit, row, context) : { result: 'orphaned' },
  );
}

function moveTo(
  { blockId, height }: ChainDeposit,
  row: ChainDepositRow,
  { now }: DecideContext,
): Decision<DepositStatus> {
  const result = row.status;
  if (row.block_id === blockId && row.height === BigInt(height)) return { result };
  const moved = { ...row, height: BigInt(height), block_id: blockId, updated_at: now };
  return { result, writes: [{ table: 'chain_deposits', row: moved }] };
}

/** Why a pending deposit is withdrawn. */
export type WithdrawalCause = 'block_orphaned' | 'nothing_received';

const withdrawalTexts: Readonly<Record<WithdrawalCause, string>> = {
  block_orphaned: 'The block of the deposit is no longer part of the chain.',
  nothing_received: 'The transaction is in the chain, but it transferred nothing that can be credited.',
};

/** Withdraws a pending deposit, of which nothing has been credited. */
export function withdrawDeposit(
  deposit: ChainDeposit,
  known: KnownDeposit,
  cause: WithdrawalCause,
): Command<DepositStatus> {
  return depositCommand('withdraw_chain_deposit', deposit, known, ({ row, transaction }, context) => {
    if (row?.status !== 'pending' || !transaction) return { result: row?.status ?? 'orphaned' };
    const failed = failedDeposit(transaction, withdrawalTexts[cause], context);
    return {
      result: 'orphaned',
      writes: [
        { table: 'transactions', row: failed },
        { table: 'chain_deposits', row: { ...row, status: 'orphaned', updated_at: context.now } },
      ],
      events: updatedEvents(transaction, failed),
    };
  });
}

/** The rows of a deposit, as its commands find them. */
export interface Found {
  readonly row: ChainDepositRow | undefined;
  readonly transaction: TransactionRow | undefined;
  readonly wallet: WalletRow;
}

/**
 * Makes a command on one deposit. It reads the deposit, its transaction and wallet, and every account that its journals can touch.
 *
 * @param isReversal whether the command may reverse the deposit
 */
export function depositCommand<Result>(
  name: string,
  deposit: ChainDeposit,
  known: KnownDeposit,
  decide: (found: Found, context: DecideContext, state: State) => Decision<Result>,
  isReversal = false,
): Command<Result> {
  const { currency, environmentId, id, walletId } = deposit;
  const usesLoss = isReversal || (known?.lost_minor ?? null) !== null;
  const bucket = bucketOfId(walletId);
  const transaction: RowRef[] = known ? [{ table: 'transactions', bucket, id: known.transaction_id }] : [];
  return {
    name,
    environmentId,
    bucket,
    reads: (stripe) => [
      { table: 'chain_deposits', bucket, id },
      { table: 'wallets', bucket, id: walletId },
      ...transaction,
      ...accountReads(depositAccounts(stripe, deposit)),
      ...accountReads(usesLoss ? [depositLoss(stripe, currency)] : []),
    ],
    decide(state, context) {
      const row = state.get('chain_deposits', id);
      const isKnown = row?.transaction_id === known?.transaction_id && row?.lost_minor === known?.lost_minor;
      if (!isKnown) return { refusal: outdated() };
      const wallet = state.get('wallets', walletId);
      assert(wallet, 'a deposit must have a wallet');
      const transaction = known && state.get('transactions', known.transaction_id);
      return decide({ row, transaction, wallet }, context, state);
    },
  };
}

function outdated(): Refusal {
  return conflict('deposit_changed', 'Another process changed the deposit.');
}

interface Replaced {
  readonly before: TransactionRow;
  readonly row: TransactionRow;
}

interface Pending {
  readonly transaction: TransactionRow;
  /** The transaction before the command; undefined if it is new. */
  readonly before: TransactionRow | undefined;
  /** Transactions that this one replaces, before and after. */
  readonly replaced: readonly Replaced[];
  readonly row: ChainDepositRow | undefined;
}

/** The transaction of a deposit: the existing one, or a new one if that has ended or has another amount. */
function pendingDeposit(
  deposit: ChainDeposit,
  { row, transaction, wallet }: Found,
  context: DecideContext,
): Pending {
  const isOpen = transaction?.status === 'payment_submitted';
  if (transaction && isOpen && transaction.amount_minor === deposit.amountMinor) {
    return { transaction, before: transaction, replaced: [], row };
  }
  const replaced =
    transaction && isOpen
      ? [{ before: transaction, row: failedDeposit(transaction, 'Another amount was received.', context) }]
      : [];
  // A deposit that was reversed is credited again at its former rate.
  const rate = transaction?.exchange_rate ?? null;
  const fresh = { ...newDeposit(deposit, wallet, context), exchange_rate: rate };
  return { transaction: fresh, before: undefined, replaced, row };
}

function newDeposit(deposit: ChainDeposit, wallet: WalletRow, context: DecideContext): TransactionRow {
  const { amountMinor, chain, currency, txHash, walletId } = deposit;
  return newTransaction(context, {
    customer_id: wallet.customer_id,
    wallet_id: walletId,
    type: 'deposit',
    status: 'payment_submitted',
    amount_minor: amountMinor,
    source_currency: currency,
    destination_currency: creditedCurrency(currency),
    fee_minor: 0n,
    source_payment_rail: chain,
    source_tx_hash: txHash,
  });
}

/** The transaction of a deposit that is not credited, or no longer. */
export function failedDeposit(
  transaction: TransactionRow,
  reason: string,
  context: DecideContext,
): TransactionRow {
  return { ...withStatus(transaction, 'failed', context.now), return_reason: reason };
}

function writeDeposit(
  deposit: ChainDeposit,
  pending: Pending,
  status: DepositStatus,
  context: DecideContext,
  more: { journals?: JournalDraft[]; writes?: RowWrite[]; events?: EventDraft[] } = {},
): Decision<DepositStatus> {
  const { before, replaced, row, transaction } = pending;
  const events = replaced.flatMap((gone) => updatedEvents(gone.before, gone.row));
  if (!before) events.push(...createdEvents(transaction, transactionJson(transaction)));
  else if (transaction.status === 'completed') events.push(...updatedEvents(before, transaction));
  return {
    result: status,
    writes: [
      ...replaced.map((gone): RowWrite => ({ table: 'transactions', row: gone.row })),
      { table: 'transactions', row: transaction },
      { table: 'chain_deposits', row: depositRow(deposit, transaction, row, status, context) },
      ...(more.writes ?? []),
    ],
    journals: more.journals ?? [],
    events: [...events, ...(more.events ?? [])],
  };
}

function depositRow(
  deposit: ChainDeposit,
  transaction: TransactionRow,
  before: ChainDepositRow | undefined,
  status: DepositStatus,
  { bucket, environmentId, now }: DecideContext,
): ChainDepositRow {
  return {
    bucket,
    id: deposit.id,
    environment_id: environmentId,
    wallet_id: deposit.walletId,
    chain: deposit.chain,
    tx_hash: deposit.txHash,
    height: BigInt(deposit.height),
    block_id: deposit.blockId,
    currency: deposit.currency,
    amount_minor: deposit.amountMinor,
    status,
    transaction_id: transaction.id,
    created_at: before?.created_at ?? now,
    updated_at: now,
    lost_minor: before?.lost_minor ?? null,
  };
}

function completeDeposit(
  deposit: ChainDeposit,
  pending: Pending,
  credit: DepositCredit,
  wallet: WalletRow,
  context: DecideContext,
): Decision<DepositStatus> {
  const lost = pending.row?.lost_minor ?? 0n;
  const houseMinor = lost < credit.creditedMinor ? lost : credit.creditedMinor;
  const walletMinor = credit.creditedMinor - houseMinor;
  const transaction: TransactionRow = {
    ...withStatus(pending.transaction, 'completed', context.now),
    final_minor: walletMinor,
    exchange_fee_minor: 0n,
    exchange_rate: credit.exchangeRate,
  };
  const journal = depositJournal(context, transaction.id, deposit, credit);
  const row = pending.row && { ...pending.row, lost_minor: lost > houseMinor ? lost - houseMinor : null };
  // The owner could never reach money in a closed wallet.
  const reopened = wallet.status === 'closed' ? [walletInStatus(wallet, 'active', context.now)] : [];
  return writeDeposit(deposit, { ...pending, transaction, row }, 'credited', context, {
    journals: [houseMinor > 0n ? restoreDepositFlow(context, journal, { walletMinor, houseMinor }) : journal],
    writes: reopened.map(({ write }) => write),
    events: reopened.map(({ event }) => event),
  });
}
