import Type, { type Static } from 'typebox';
import { nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import type { TransactionRow } from '../../store/tables/transactions.ts';
import { printAmount, printOptional } from '../fields.ts';

export const transactionTypes = ['transfer', 'deposit'] as const;
export const transactionStatuses = [
  'in_review',
  'funds_received',
  'payment_submitted',
  'payment_processed',
  'completed',
  'failed',
  'returned',
  'refunded',
] as const;

export const Transaction = Type.Object({
  id: Type.String(),
  customerId: Type.String(),
  walletId: Type.String(),
  type: oneOf(transactionTypes),
  status: oneOf(transactionStatuses),
  amount: Type.String({ description: 'What left the wallet, or what arrived' }),
  sourceCurrency: Type.String(),
  destinationCurrency: Type.String(),
  fee: Type.String(),
  netAmount: Type.String({ description: '`amount` less `fee`' }),
  finalAmount: nullableText('What reached the destination, in its currency'),
  exchangeFee: nullableText(),
  exchangeRate: nullableText('Units of the destination currency for one of the source currency'),
  destinationPaymentRail: Type.Optional(Type.String()),
  destinationAddress: Type.Optional(Type.String()),
  destinationTxHash: Type.Optional(nullableText()),
  payoutAccountId: Type.Optional(Type.String({ description: 'The counterparty that is paid, of a payout' })),
  traceId: Type.Optional(nullableText("What the rail knows the payment by, in the rail's own form")),
  estimatedArrivalAt: Type.Optional(
    nullableTime('When the beneficiary usually has it, by the cut-offs and banking days of the rail'),
  ),
  returnCode: Type.Optional(nullableText("The rail's code, of a payment that came back")),
  returnReason: Type.Optional(nullableText('Why it failed or came back')),
  gasFee: Type.Optional(
    nullableText(
      "What the chain charged us; until it is known, the part of the fee that is charged for the receiver's token account",
    ),
  ),
  virtualAccountId: Type.Optional(Type.String({ description: 'Where a fiat deposit arrived' })),
  sourcePaymentRail: Type.Optional(Type.String()),
  sourceTxHash: Type.Optional(nullableText()),
  reference: Type.Optional(nullableText()),
  clientReferenceId: Type.Optional(nullableText()),
  metadata: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string' } }),
  timeline: Type.Array(Type.Object({ status: oneOf(transactionStatuses), at: time() })),
  createdAt: time(),
  updatedAt: time(),
});

const serialise = compileSerialiser<Static<typeof Transaction>>(Transaction);

/** The JSON text of a transaction. */
export function transactionJson(row: TransactionRow): string {
  return serialise(transactionView(row));
}

/** A transaction as the API returns it, without fields of other kinds of transactions (contract §1). */
export function transactionView(row: TransactionRow): Static<typeof Transaction> {
  const { destination_currency: destination, source_currency: source } = row;
  return {
    id: row.id,
    customerId: row.customer_id,
    walletId: row.wallet_id,
    type: row.type,
    status: row.status,
    amount: printAmount(row.amount_minor, source),
    sourceCurrency: source,
    destinationCurrency: destination,
    fee: printAmount(row.fee_minor, source),
    netAmount: printAmount(row.net_minor, source),
    finalAmount: printOptional(row.final_minor, destination),
    exchangeFee: printOptional(row.exchange_fee_minor, source),
    exchangeRate: row.exchange_rate,
    ...(row.type === 'transfer' ? transferFields(row) : depositFields(row)),
    metadata: JSON.parse(row.metadata),
    timeline: JSON.parse(row.timeline),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function transferFields(row: TransactionRow) {
  return {
    destinationPaymentRail: row.destination_payment_rail ?? '',
    ...(row.payout_account_id === null ? chainFields(row) : payoutFields(row, row.payout_account_id)),
    returnReason: row.return_reason,
    reference: row.reference,
    clientReferenceId: row.client_reference_id,
  };
}

function chainFields(row: TransactionRow) {
  return {
    destinationAddress: row.destination_address ?? '',
    destinationTxHash: row.destination_tx_hash,
    gasFee: printOptional(row.gas_fee_minor ?? (row.account_fee_minor || null), row.source_currency),
  };
}

function payoutFields(row: TransactionRow, payoutAccountId: string) {
  return {
    payoutAccountId,
    traceId: row.trace_id,
    estimatedArrivalAt: row.estimated_arrival_at,
    returnCode: row.return_code,
  };
}

function depositFields(row: TransactionRow) {
  const sourcePaymentRail = row.source_payment_rail ?? '';
  return row.virtual_account_id === null
    ? {
        sourcePaymentRail,
        sourceTxHash: row.source_tx_hash,
        ...(row.return_reason === null ? {} : { returnReason: row.return_reason }),
      }
    : {
        sourcePaymentRail,
        virtualAccountId: row.virtual_account_id,
        traceId: row.trace_id,
        returnReason: row.return_reason,
      };
}
