import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { custody, fxPosition, suspense, walletAvailable } from '../../ledger/accounts.ts';
import {
  exchangeUncreditedFlow,
  holdUncreditedFlow,
  releaseUncreditedFlow,
  returnUncreditedFlow,
  writeOffUncreditedFlow,
} from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { assert, conflict } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { walletInStatus } from '../../resources/crypto-wallets/commands.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import { createdEvents, newTransaction } from '../../resources/transactions/state.ts';
import type { ChainDepositRow, OperatorActionRow } from '../../store/tables/chains.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { WalletRow } from '../../store/tables/wallets.ts';
import type { Command, DecideContext } from '../../writer/command.ts';
import { type DepositCredit, depositAccounts, depositJournal } from '../deposits/credit.ts';
import { type ActionStep, stepAction } from './commands.ts';

/** The steps of orders about uncredited deposits, each with its journal in one statement with the action. */

/** What a customer is credited by order. Amounts are in minor units. */
export interface OrderedCredit {
  readonly walletId: string;
  readonly chain: Chain;
  readonly txHash: string;
  readonly height: number;
  readonly blockId: string;
  readonly currency: Stablecoin;
  /** How much of a configured token arrived; for any other token, what the house gives for it. */
  readonly amountMinor: bigint;
  /** How a configured token is credited; undefined for any other token. */
  readonly credit: DepositCredit | undefined;
}

/** Credits an uncredited deposit to a wallet, as a deposit that is completed. */
export function creditByOrder(action: OperatorActionRow, ordered: OrderedCredit): Command<OperatorActionRow> {
  const { walletId } = ordered;
  const bucket = bucketOfId(walletId);
  const id = action.subject;
  return stepAction(action, 'requested', {
    reads: [
      { table: 'wallets', bucket, id: walletId },
      { table: 'chain_deposits', bucket, id },
    ],
    accounts: (stripe) => [
      ...depositAccounts(stripe, ordered),
      fxPosition(stripe, ordered.currency),
      walletAvailable(walletId, ordered.currency),
    ],
    decide(_, context, state) {
      const wallet = state.get('wallets', walletId);
      assert(wallet, 'a deposit must have a wallet');
      const known = state.get('chain_deposits', id);
      if (known && (known.status !== 'orphaned' || known.lost_minor !== null)) {
        return { refusal: conflict('deposit_known', `The deposit is ${known.status} already.`) };
      }
      return credited(ordered, id, wallet, known, context);
    },
  });
}

function credited(
  ordered: OrderedCredit,
  id: string,
  wallet: WalletRow,
  known: ChainDepositRow | undefined,
  context: DecideContext,
): ReturnType<ActionStep['decide']> {
  const { amountMinor, credit, currency } = ordered;
  const transaction = creditedTransaction(ordered, wallet, context);
  const reopened = wallet.status === 'closed' ? [walletInStatus(wallet, 'active', context.now)] : [];
  const deposit = credit ? [depositOf(ordered, id, transaction, known, context)] : [];
  return {
    change: {
      status: 'done',
      result: `It is credited by ${transaction.id}.`,
      ...(credit ? { currency, booked_minor: amountMinor } : {}),
    },
    writes: [
      { table: 'transactions', row: transaction },
      ...deposit.map((row) => ({ table: 'chain_deposits', row }) as const),
      ...reopened.map(({ write }) => write),
    ],
    journals: [creditJournal(ordered, transaction.id, context)],
    events: [
      ...createdEvents(transaction, transactionJson(transaction)),
      ...reopened.map(({ event }) => event),
    ],
  };
}

function creditJournal(ordered: OrderedCredit, transactionId: string, context: DecideContext): JournalDraft {
  const { credit } = ordered;
  if (!credit) return exchangeUncreditedFlow(context, { ...ordered, transactionId });
  return { ...depositJournal(context, transactionId, ordered, credit), kind: 'operator_credit' };
}

function creditedTransaction(
  { amountMinor, chain, credit, currency, txHash, walletId }: OrderedCredit,
  wallet: WalletRow,
  context: DecideContext,
): TransactionRow {
  return newTransaction(context, {
    customer_id: wallet.customer_id,
    wallet_id: walletId,
    type: 'deposit',
    status: 'completed',
    amount_minor: amountMinor,
    source_currency: currency,
    destination_currency: credit?.currency ?? currency,
    fee_minor: 0n,
    source_payment_rail: chain,
    source_tx_hash: txHash,
    final_minor: credit?.creditedMinor ?? amountMinor,
    exchange_fee_minor: 0n,
    exchange_rate: credit?.exchangeRate ?? null,
  });
}

/** The row that keeps a later scan from crediting the deposit again. */
function depositOf(
  { amountMinor, blockId, chain, currency, height, txHash, walletId }: OrderedCredit,
  id: string,
  transaction: TransactionRow,
  known: ChainDepositRow | undefined,
  { bucket, environmentId, now }: DecideContext,
): ChainDepositRow {
  return {
    ...{ bucket, id, environment_id: environmentId, wallet_id: walletId, chain, tx_hash: txHash },
    ...{ height: BigInt(height), block_id: blockId, currency, amount_minor: amountMinor, status: 'credited' },
    ...{
      transaction_id: transaction.id,
      created_at: known?.created_at ?? now,
      updated_at: now,
      lost_minor: null,
    },
  };
}

/** What of an uncredited deposit is taken into custody: its currency and amount; null if nothing of it is on the books. */
export type Booked = { readonly currency: Stablecoin; readonly amountMinor: bigint } | null;

/** Ends an uncredited deposit: what of it arrived stays in custody, owed to its sender. */
export function writeOffByOrder(action: OperatorActionRow, booked: Booked): Command<OperatorActionRow> {
  return stepAction(action, 'requested', {
    accounts: (stripe) => accountsFor(action.chain, booked, stripe),
    decide: (_, context) => ({
      change: { status: 'done', result: 'It is written off.', ...bookedColumns(booked) },
      journals: booked ? [writeOffUncreditedFlow(context, moneyOf(action, booked))] : [],
    }),
  });
}

/** Accepts the order to return a deposit: what of it arrived is held for its sender. */
export function holdForReturn(action: OperatorActionRow, booked: Booked): Command<OperatorActionRow> {
  return stepAction(action, 'requested', {
    accounts: (stripe) => accountsFor(action.chain, booked, stripe),
    decide: (_, context) => ({
      change: { status: 'accepted', result: null, ...bookedColumns(booked) },
      journals: booked ? [holdUncreditedFlow(context, moneyOf(action, booked))] : [],
    }),
  });
}

/** Ends a return as its payment did. */
export function endReturn(
  action: OperatorActionRow,
  isPaid: boolean,
  result: string,
): Command<OperatorActionRow> {
  const booked = bookedOf(action);
  const flow = isPaid ? returnUncreditedFlow : releaseUncreditedFlow;
  return stepAction(action, 'accepted', {
    accounts: (stripe) => accountsFor(action.chain, booked, stripe),
    decide: (_, context) => ({
      change: {
        status: isPaid ? 'done' : 'refused',
        result,
        ...(isPaid ? {} : { currency: null, booked_minor: null }),
      },
      journals: booked ? [flow(context, moneyOf(action, booked))] : [],
    }),
  });
}

function bookedOf({ booked_minor: amountMinor, currency }: OperatorActionRow): Booked {
  return amountMinor === null ? null : { currency: currency as Stablecoin, amountMinor };
}

function bookedColumns(booked: Booked) {
  return { currency: booked?.currency ?? null, booked_minor: booked?.amountMinor ?? null };
}

function moneyOf({ chain, id: actionId }: OperatorActionRow, booked: NonNullable<Booked>) {
  return { actionId, chain, ...booked };
}

function accountsFor(chain: string, booked: Booked, stripe: Parameters<typeof custody>[0]) {
  return booked ? [custody(stripe, chain, booked.currency), suspense(stripe, booked.currency)] : [];
}
