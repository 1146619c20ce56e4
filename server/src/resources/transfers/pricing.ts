import type { PayoutMoney, TransferMoney } from '../../ledger/flows.ts';
import { assert } from '../../platform/errors.ts';
import type { Currency } from '../../platform/money.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { railFacts } from '../../rails/rails.ts';
import { type ConversionRate, convertAtRate } from '../../rates/conversion.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import type { TransferAmount } from './request-amount.ts';
import { isConvertedOnChain, isPayout, railOf } from './state.ts';

/** The amounts of a transfer as its journals need them. */
export function moneyOf(row: TransactionRow): TransferMoney & { readonly currency: Currency } {
  return {
    transactionId: row.id,
    walletId: row.wallet_id,
    currency: row.source_currency as Currency,
    amountMinor: row.amount_minor,
    feeMinor: row.fee_minor,
  };
}

/** The amounts of a converted transfer, once its final amount is fixed. */
export function payoutMoneyOf(row: TransactionRow): PayoutMoney {
  assert(row.final_minor !== null && row.final_minor > 0n, 'a converted transfer has a final amount');
  return { ...moneyOf(row), payoutCurrency: row.destination_currency, finalMinor: row.final_minor };
}

/** The net amount at a rate, rounded down, in minor units of the currency that arrives. */
export function payoutMinor(
  { amountMinor, currency, feeMinor }: TransferAmount,
  arrivingCurrency: Currency,
  rate: ConversionRate,
): bigint {
  return convertAtRate(amountMinor - feeMinor, currency, arrivingCurrency, rate).finalMinor;
}

/** Whether a transfer is converted, at the rate of the moment when it is handed to the bank or sent. */
export function needsRate(row: TransactionRow): boolean {
  return isPayout(row) || isConvertedOnChain(row);
}

/** Whether less would arrive at the current rate than the rail pays; on a chain, less than one minor unit. */
export function arrivesTooLittle(row: TransactionRow, conversion: ConversionRate | undefined): boolean {
  if (!needsRate(row) || !conversion) return false;
  const currency = row.destination_currency as Currency;
  const leastMinor = isPayout(row) ? railFacts(railOf(row)).minMinor(currency as FiatCode) : 1n;
  return payoutMinor(moneyOf(row), currency, conversion) < leastMinor;
}

/** The columns that a conversion at a rate fixes. The exchange rate of a conversion at parity is null. */
export function priceOf(
  row: TransactionRow,
  conversion: ConversionRate | undefined,
): Pick<TransactionRow, 'exchange_fee_minor' | 'exchange_rate'> & { readonly final_minor: bigint } {
  assert(conversion, 'a transfer is converted at a rate');
  const [from, to] = [row.source_currency as Currency, row.destination_currency as Currency];
  const converted = convertAtRate(row.net_minor, from, to, conversion);
  return {
    final_minor: converted.finalMinor,
    exchange_rate: converted.exchangeRate,
    exchange_fee_minor: converted.exchangeFeeMinor,
  };
}
