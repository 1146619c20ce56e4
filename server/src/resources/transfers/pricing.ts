import type { TransferMoney } from '../../ledger/flows.ts';
import { assert } from '../../platform/errors.ts';
import { type Currency, convertAmount, currencyScale, parseRatio } from '../../platform/money.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { railFacts } from '../../rails/rails.ts';
import { type ConversionRate, exchangeFeeMinor } from '../../rates/conversion.ts';
import type { TransactionRow } from '../../store/rows.ts';
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

/** The net amount at a rate, rounded down, in minor units of the currency that arrives. */
export function payoutMinor(
  { amountMinor, currency, feeMinor }: TransferAmount,
  arrivingCurrency: Currency,
  { rate }: ConversionRate,
): bigint {
  const scales = [currencyScale[currency], currencyScale[arrivingCurrency]] as const;
  return convertAmount(amountMinor - feeMinor, ...scales, parseRatio(rate), 'down');
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
  return {
    final_minor: payoutMinor(moneyOf(row), row.destination_currency as Currency, conversion),
    exchange_rate: conversion.isParity ? null : conversion.rate,
    exchange_fee_minor: exchangeFeeMinor(row.net_minor, conversion.rate, conversion.midRate),
  };
}
