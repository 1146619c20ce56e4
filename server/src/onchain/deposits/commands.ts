import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { custody, fxPosition, type Stripe, walletAvailable } from '../../ledger/accounts.ts';
import { convertedDepositFlow, depositFlow } from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { assert, conflict, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { convertAmount, currencyScale, parseRatio } from '../../platform/money.ts';
import { walletInStatus } from '../../resources/crypto-wallets/commands.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import {
  createdEvents,
  newTransaction,
  updatedEvents,
  withStatus,
} from '../../resources/transactions/state.ts';
import type { ChainDepositRow, TransactionRow, WalletRow } from '../../store/rows.ts';
import {
  accountReads,
  type Command,
  type DecideContext,
  type Decision,
  type EventDraft,
  type RowRef,
  type RowWrite,
} from '../../writer/command.ts';

/** Tokens that a real chain shows to have been sent to a wallet. */
export interface ChainDeposit {
  /** chain:transaction:token:receiver:ordinal */
  readonly id: string;
  readonly environmentId: string;
  readonly walletId: string;
  readonly chain: Chain;
  readonly txHash: string;
  readonly height: number;
  readonly blockId: string;
  readonly currency: Stablecoin;
  readonly amountMinor: bigint;
}

/** What is known of a deposit before the command: another process may have been faster. */
export type KnownDeposit = Pick<ChainDepositRow, 'transaction_id'> | undefined;

/** How a deposit stands after a command. */
export type DepositStanding = ChainDepositRow['status'];

/** Shows a deposit as pending, or that it is in another block now. What has been credited stays as it is. */
export function noteDeposit(deposit: ChainDeposit, known: KnownDeposit): Command<DepositStanding> {
  return depositCommand('note_chain_deposit', deposit, known, (found, context) => {
    const { row } = found;
    if (row?.status === 'credited' || row?.status === 'confirmed') return { result: row.status };
    return writeDeposit(deposit, pendingDeposit(deposit, found, context), 'pending', context);
  });
}

/**
 * Credits a deposit that is as deep as it must be, once.
 *
 * @param sellRate US dollars for one USDT; without it a deposit of USDT waits as `confirmed`
 */
export function creditDeposit(
  deposit: ChainDeposit,
  known: KnownDeposit,
  sellRate: string | undefined,
): Command<DepositStanding> {
  return depositCommand('credit_chain_deposit', deposit, known, (found, context) => {
    const { row, wallet } = found;
    if (row?.status === 'credited') return { result: 'credited' };
    const pending = pendingDeposit(deposit, found, context);
    const credit = creditOf(deposit, sellRate);
    if (!credit) return writeDeposit(deposit, pending, 'confirmed', context);
    return completeDeposit(deposit, pending, credit, wallet, context);
  });
}

/** Why a pending deposit is taken back. */
export type DropCause = 'block_gone' | 'nothing_received';

const dropTexts: Readonly<Record<DropCause, string>> = {
  block_gone: 'The chain has taken it back: its block is no longer part of it.',
  nothing_received: 'The chain shows it, but nothing that is credited has arrived.',
};

/** Takes back a pending deposit: nothing had been credited. */
export function dropDeposit(
  deposit: ChainDeposit,
  known: KnownDeposit,
  cause: DropCause,
): Command<DepositStanding> {
  return depositCommand('drop_chain_deposit', deposit, known, ({ row, transaction }, context) => {
    if (row?.status !== 'pending' || !transaction) return { result: row?.status ?? 'vanished' };
    const failed = failedDeposit(transaction, dropTexts[cause], context);
    return {
      result: 'vanished',
      writes: [
        { table: 'transactions', row: failed },
        { table: 'chain_deposits', row: { ...row, status: 'vanished', updated_at: context.now } },
      ],
      events: updatedEvents(transaction, failed),
    };
  });
}

interface Found {
  readonly row: ChainDepositRow | undefined;
  readonly transaction: TransactionRow | undefined;
  readonly wallet: WalletRow;
}

function depositCommand(
  name: string,
  deposit: ChainDeposit,
  known: KnownDeposit,
  decide: (found: Found, context: DecideContext) => Decision<DepositStanding>,
): Command<DepositStanding> {
  const { environmentId, id, walletId } = deposit;
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
      ...accountReads(accountsOf(stripe, deposit)),
    ],
    decide(state, context) {
      const row = state.get('chain_deposits', id);
      if (row?.transaction_id !== known?.transaction_id) return { refusal: outdated() };
      const wallet = state.get('wallets', walletId);
      assert(wallet, 'a deposit has a wallet');
      const transaction = known && state.get('transactions', known.transaction_id);
      return decide({ row, transaction, wallet }, context);
    },
  };
}

function outdated(): Refusal {
  return conflict('deposit_changed', 'The deposit has been changed by another process.');
}

function accountsOf(stripe: Stripe, { chain, currency, walletId }: ChainDeposit) {
  const credited = creditedCurrency(currency);
  const positions = credited === currency ? [] : [fxPosition(stripe, currency), fxPosition(stripe, credited)];
  return [custody(stripe, chain, currency), ...positions, walletAvailable(walletId, credited)];
}

/** USDT is converted, every other currency is credited as it is (contract §4, Crypto wallets). */
function creditedCurrency(currency: Stablecoin): Stablecoin {
  return currency === 'usdt' ? 'usdc' : currency;
}

interface Replaced {
  readonly before: TransactionRow;
  readonly row: TransactionRow;
}

interface Pending {
  readonly transaction: TransactionRow;
  /** The transaction as it was; undefined when it is new. */
  readonly before: TransactionRow | undefined;
  /** Transactions that told of the deposit before and are no longer true, before and after. */
  readonly replaced: readonly Replaced[];
  readonly row: ChainDepositRow | undefined;
}

/** The transaction that tells of a deposit: the one that did, unless it has ended or told of another amount. */
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
      ? [{ before: transaction, row: failedDeposit(transaction, 'Another amount has arrived.', context) }]
      : [];
  return { transaction: newDeposit(deposit, wallet, context), before: undefined, replaced, row };
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

function failedDeposit(transaction: TransactionRow, reason: string, context: DecideContext): TransactionRow {
  return { ...withStatus(transaction, 'failed', context.now), return_reason: reason };
}

function writeDeposit(
  deposit: ChainDeposit,
  pending: Pending,
  status: DepositStanding,
  context: DecideContext,
  more: { journals?: JournalDraft[]; writes?: RowWrite[]; events?: EventDraft[] } = {},
): Decision<DepositStanding> {
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
  status: DepositStanding,
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
  };
}

interface Credit {
  readonly creditedMinor: bigint;
  readonly exchangeRate: string | null;
}

/** @returns undefined while there is no rate */
function creditOf({ amountMinor, currency }: ChainDeposit, sellRate: string | undefined): Credit | undefined {
  if (currency !== 'usdt') return { creditedMinor: amountMinor, exchangeRate: null };
  if (sellRate === undefined) return undefined;
  const scales = [currencyScale.usdt, currencyScale.usdc] as const;
  const creditedMinor = convertAmount(amountMinor, ...scales, parseRatio(sellRate), 'down');
  return creditedMinor > 0n ? { creditedMinor, exchangeRate: sellRate } : undefined;
}

function completeDeposit(
  deposit: ChainDeposit,
  pending: Pending,
  credit: Credit,
  wallet: WalletRow,
  context: DecideContext,
): Decision<DepositStanding> {
  const transaction: TransactionRow = {
    ...withStatus(pending.transaction, 'completed', context.now),
    final_minor: credit.creditedMinor,
    exchange_fee_minor: 0n,
    exchange_rate: credit.exchangeRate,
  };
  // Money in a closed wallet would be out of its owner's reach for good.
  const reopened = wallet.status === 'closed' ? [walletInStatus(wallet, 'active', context.now)] : [];
  return writeDeposit(deposit, { ...pending, transaction }, 'credited', context, {
    journals: [depositJournal(deposit, transaction, credit, context)],
    writes: reopened.map(({ write }) => write),
    events: reopened.map(({ event }) => event),
  });
}

function depositJournal(
  deposit: ChainDeposit,
  { destination_currency: credited, id: transactionId }: TransactionRow,
  { creditedMinor, exchangeRate }: Credit,
  stripe: Stripe,
): JournalDraft {
  const { amountMinor, chain, currency, walletId } = deposit;
  if (exchangeRate === null) {
    return depositFlow(stripe, { transactionId, walletId, chain, currency, amountMinor });
  }
  return convertedDepositFlow(stripe, {
    transactionId,
    walletId,
    chain,
    sourceCurrency: currency,
    sourceMinor: amountMinor,
    creditedCurrency: credited,
    creditedMinor,
  });
}
