import {
  bank,
  feeRevenue,
  fxPosition,
  type Stripe,
  suspense,
  walletAvailable,
} from '../../ledger/accounts.ts';
import { fiatDepositFlow, returnedDepositFlows } from '../../ledger/flows.ts';
import { assert } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { traceId } from '../../rails/trace-ids.ts';
import { exchangeFeeMinor } from '../../rates/conversion.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import { createdEvents, newTransaction } from '../../resources/transactions/state.ts';
import { senderContext } from '../../resources/virtual-accounts/schema.ts';
import { sandboxBank } from '../../simulator/bank/identity.ts';
import type { CustomerRow } from '../../store/tables/customers.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { VirtualAccountRow, WalletRow } from '../../store/tables/wallets.ts';
import { accountReads, type Command, type DecideContext } from '../../writer/command.ts';
import { creditedCurrency, type FiatDepositTerms } from './request.ts';

type AccountKey = Pick<VirtualAccountRow, 'id' | 'customer_id' | 'wallet_id' | 'source_currency'>;

/**
 * Creates a fiat deposit on a virtual account. It is credited in the same commit; one that cannot be credited is
 * returned to its sender.
 *
 * @param account the columns of the virtual account that never change
 */
export function createFiatDeposit(
  environmentId: string,
  account: AccountKey,
  terms: FiatDepositTerms,
): Command<string> {
  const { customer_id: customerId, id, wallet_id: walletId } = account;
  const bucket = bucketOfId(id);
  return {
    name: 'create_fiat_deposit',
    environmentId,
    bucket,
    reads: (stripe) => [
      { table: 'virtual_accounts', bucket, id },
      { table: 'customers', bucket, id: customerId },
      { table: 'wallets', bucket, id: walletId },
      ...accountReads(accountsOf(stripe, account)),
    ],
    decide(state, context) {
      const found = state.get('virtual_accounts', id);
      const customer = state.get('customers', customerId);
      const wallet = state.get('wallets', walletId);
      assert(found && customer && wallet, 'a virtual account has its customer and its wallet');
      const reason = returnReasonOf(found, customer, wallet);
      const row = newFiatDeposit(found, customer, terms, reason, context);
      const data = transactionJson(row);
      return {
        result: data,
        writes: [{ table: 'transactions', row }],
        journals: journalsOf(row, context),
        events: createdEvents(row, data),
      };
    },
  };
}

function accountsOf(stripe: Stripe, { source_currency: source, wallet_id: walletId }: AccountKey) {
  return [
    bank(stripe, source),
    suspense(stripe, source),
    feeRevenue(stripe, source),
    fxPosition(stripe, source),
    fxPosition(stripe, creditedCurrency),
    walletAvailable(walletId, creditedCurrency),
  ];
}

/** Why a deposit is returned; undefined if it is credited. */
function returnReasonOf(
  account: VirtualAccountRow,
  customer: CustomerRow,
  wallet: WalletRow,
): string | undefined {
  if (account.status !== 'active') return 'The virtual account is deactivated.';
  if (customer.status !== 'active') return `The customer is ${customer.status}.`;
  return wallet.status === 'closed' ? 'The wallet is closed.' : undefined;
}

function newFiatDeposit(
  account: VirtualAccountRow,
  customer: CustomerRow,
  terms: FiatDepositTerms,
  returnReason: string | undefined,
  context: DecideContext,
): TransactionRow {
  const id = context.newId('txn');
  const { conversion, feeMinor, rail, senderName, sourceMinor } = terms;
  const credited = {
    status: 'completed',
    fee_minor: feeMinor,
    final_minor: terms.creditedMinor,
    exchange_rate: conversion.isParity ? null : conversion.rate,
    exchange_fee_minor: exchangeFeeMinor(sourceMinor - feeMinor, conversion.rate, conversion.midRate),
  } as const;
  const returned = { status: 'returned', fee_minor: 0n, return_reason: returnReason ?? null } as const;
  return newTransaction(context, {
    id,
    customer_id: account.customer_id,
    wallet_id: account.wallet_id,
    virtual_account_id: account.id,
    type: 'deposit',
    amount_minor: sourceMinor,
    source_currency: account.source_currency,
    destination_currency: creditedCurrency,
    source_payment_rail: rail,
    trace_id: traceId(rail, { seed: id, nowMs: context.nowMs, sender: sandboxBank }),
    sender_name:
      senderName === undefined || customer.erased_at !== null
        ? null
        : context.vault.forCustomer(customer).seal(senderName, senderContext(id)),
    ...(returnReason === undefined ? credited : returned),
  });
}

function journalsOf(row: TransactionRow, stripe: Stripe) {
  const deposit = {
    transactionId: row.id,
    walletId: row.wallet_id,
    sourceCurrency: row.source_currency,
    sourceMinor: row.amount_minor,
    feeMinor: row.fee_minor,
  };
  if (row.final_minor === null) return returnedDepositFlows(stripe, deposit);
  return [fiatDepositFlow(stripe, { ...deposit, creditedCurrency, creditedMinor: row.final_minor })];
}
