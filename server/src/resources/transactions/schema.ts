import Type, { type Static } from 'typebox';
import { nullableText, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import type { TransactionRow } from '../../store/rows.ts';
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
  gasFee: Type.Optional(nullableText('What the chain charged us; never taken from the transfer')),
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

/** A transaction as the API shows it, as JSON text. What does not belong to its kind is absent (contract §1). */
export function transactionJson(row: TransactionRow): string {
  const { destination_currency: destination, source_currency: source } = row;
  return serialise({
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
  });
}

function transferFields(row: TransactionRow) {
  return {
    destinationPaymentRail: row.destination_payment_rail ?? '',
    destinationAddress: row.destination_address ?? '',
    destinationTxHash: row.destination_tx_hash,
    gasFee: printOptional(row.gas_fee_minor, row.source_currency),
    reference: row.reference,
    clientReferenceId: row.client_reference_id,
  };
}

function depositFields(row: TransactionRow) {
  return { sourcePaymentRail: row.source_payment_rail ?? '', sourceTxHash: row.source_tx_hash };
}
