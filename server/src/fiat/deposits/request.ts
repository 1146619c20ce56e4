import {
  bank,
  feeRevenue,
  fxPosition,
  type Stripe,
  suspense,
  walletAvailable,
} from '../../ledger/accounts.ts';
import { fiatDepositFlow, returnedDepositFlows } from '../../ledger/flows.ts';
import { assert, invalidRequest, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import {
  convertAmount,
  currencyScale,
  formatAmount,
  multiplyRatio,
  parseRatio,
  type Ratio,
} from '../../platform/money.ts';
import { type Rail, railFacts, railNames } from '../../rails/rails.ts';
import { traceId } from '../../rails/trace-ids.ts';
import { type ConversionRate, exchangeFeeMinor } from '../../rates/conversion.ts';
import type { CustomerRow, TransactionRow, VirtualAccountRow, WalletRow } from '../../store/rows.ts';
import { accountReads, type Command, type DecideContext } from '../../writer/command.ts';
import { readAmount } from '../../resources/fields.ts';
import { createdEvents, newTransaction } from '../../resources/transactions/state.ts';
import { transactionJson } from '../../resources/transactions/schema.ts';
import { senderContext } from '../../resources/virtual-accounts/schema.ts';
import type { FiatDepositBody } from '../../resources/sandbox/schema.ts';

/** Every deposit is credited in it. */
const creditedCurrency = 'usdc';

/** A fiat deposit once its request has been understood. */
export interface FiatDepositTerms {
  readonly rail: Rail;
  readonly sourceMinor: bigint;
  readonly feeMinor: bigint;
  readonly creditedMinor: bigint;
  readonly conversion: ConversionRate;
  readonly senderName: string | undefined;
}

type Read = { readonly terms: FiatDepositTerms } | { readonly refusal: Refusal };

/**
 * Understands a sandbox deposit: less the fee, rounded up, it is converted at the current rate, rounded down.
 *
 * @param conversion from the account's currency into USDC; undefined when there is no rate now
 */
export function readFiatDeposit(
  body: FiatDepositBody,
  currency: VirtualAccountRow['source_currency'],
  conversion: ConversionRate | undefined,
  fiatFee: Ratio,
): Read {
  const rails = railNames.filter((name) => railFacts(name).currencies.includes(currency));
  const rail = body.paymentRail === undefined ? rails[0] : rails.find((name) => name === body.paymentRail);
  const amount = readAmount(body.amount, currency);
  const details = amount.ok ? [] : [amount.fault];
  if (!rail) details.push({ path: '/paymentRail', message: `${currency} comes in by ${rails.join(', ')}.` });
  if (!amount.ok || !rail) {
    const reason = amount.ok ? 'unsupported_rail' : 'invalid_amount';
    return { refusal: invalidRequest(reason, details[0]?.message ?? '', details) };
  }
  if (!conversion)
    return refuse('rate_unavailable', `There is no rate from ${currency} now; try again later.`);
  const feeMinor = multiplyRatio(amount.minor, fiatFee, 'up');
  const scales = [currencyScale[currency], currencyScale[creditedCurrency]] as const;
  const creditedMinor =
    feeMinor < amount.minor
      ? convertAmount(amount.minor - feeMinor, ...scales, parseRatio(conversion.rate), 'down')
      : 0n;
  if (creditedMinor === 0n) {
    const fee = formatAmount(feeMinor, currencyScale[currency]);
    return refuse('amount_too_small', `Its fee of ${fee} would leave nothing of the amount.`);
  }
  if (creditedMinor > limits.amountMinor) {
    const max = formatAmount(limits.amountMinor, currencyScale[creditedCurrency]);
    return refuse('amount_too_large', `At most ${max} ${creditedCurrency} can be credited at once.`);
  }
  const { senderName } = body;
  return { terms: { rail, sourceMinor: amount.minor, feeMinor, creditedMinor, conversion, senderName } };
}

function refuse(reason: string, message: string): Read {
  return { refusal: invalidRequest(reason, message, [{ path: '/amount', message }]) };
}

type AccountKey = Pick<VirtualAccountRow, 'id' | 'customer_id' | 'wallet_id' | 'source_currency'>;

/**
 * Lets fiat money arrive on a virtual account. It is credited with the same commit; what cannot be credited goes back
 * to its sender.
 *
 * @param account what never changes of the virtual account
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
      const reason = reasonToReturn(found, customer, wallet);
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

/** Why money cannot be credited; undefined when it can. */
function reasonToReturn(
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
    trace_id: traceId(rail, { seed: id, nowMs: context.nowMs }),
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
