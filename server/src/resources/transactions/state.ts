import { previousAttributes } from '../../events/changes.ts';
import type { TransactionRow, TransactionStatus } from '../../store/rows.ts';
import type { DecideContext, EventDraft } from '../../writer/command.ts';
import { transactionJson } from './schema.ts';

/** The terminal statuses (contract §4, Transfers). */
const terminal: ReadonlySet<TransactionStatus> = new Set([
  'payment_processed',
  'completed',
  'failed',
  'returned',
  'refunded',
]);

type Given = Pick<
  TransactionRow,
  | 'customer_id'
  | 'wallet_id'
  | 'type'
  | 'status'
  | 'amount_minor'
  | 'source_currency'
  | 'destination_currency'
  | 'fee_minor'
>;

/** A new transaction: what is not given is not there, or not known yet. */
export function newTransaction(
  context: DecideContext,
  given: Given & Partial<TransactionRow>,
): TransactionRow {
  const row = {
    ...nothingKnown,
    bucket: context.bucket,
    id: context.newId('txn'),
    environment_id: context.environmentId,
    net_minor: given.amount_minor - given.fee_minor,
    timeline: JSON.stringify([{ status: given.status, at: context.now }]),
    created_at: context.now,
    updated_at: context.now,
  };
  // Assigned to keys that are there already: spread into the literal, `given` took ten times as long.
  return Object.assign(row, given);
}

/** Every column has its place, so that all rows are of one shape. */
const nothingKnown = {
  bucket: 0,
  id: '',
  environment_id: '',
  customer_id: '',
  wallet_id: '',
  type: 'transfer',
  status: 'in_review',
  amount_minor: 0n,
  source_currency: '',
  destination_currency: '',
  fee_minor: 0n,
  net_minor: 0n,
  source_payment_rail: null,
  source_tx_hash: null,
  destination_payment_rail: null,
  destination_address: null,
  destination_tx_hash: null,
  final_minor: null,
  gas_fee_minor: null,
  exchange_fee_minor: null,
  exchange_rate: null,
  reference: null,
  client_reference_id: null,
  metadata: '{}',
  timeline: '[]',
  next_action_at: null,
  created_at: '',
  updated_at: '',
  virtual_account_id: null,
  sender_name: null,
  payout_account_id: null,
  trace_id: null,
  return_code: null,
  return_reason: null,
  estimated_arrival_at: null,
  sandbox_outcome: null,
  transfer_proof: null,
} as const;

/** The transaction in its next status, added to its timeline. */
export function withStatus(row: TransactionRow, status: TransactionStatus, now: string): TransactionRow {
  const timeline = JSON.stringify([...JSON.parse(row.timeline), { status, at: now }]);
  return { ...row, status, timeline, updated_at: now };
}

/**
 * The events of a new transaction: `transaction.created`, and `transaction.completed` if its status is terminal.
 *
 * @param data the transaction's JSON text
 */
export function createdEvents(row: TransactionRow, data: string): EventDraft[] {
  const event = { objectId: row.id, customerId: row.customer_id, data };
  return [
    { type: 'transaction.created', ...event },
    ...(terminal.has(row.status) ? [{ type: 'transaction.completed', ...event } as const] : []),
  ];
}

/** The events of a changed transaction: `transaction.updated`, and `transaction.completed` if its status is terminal. */
export function updatedEvents(before: TransactionRow, row: TransactionRow): EventDraft[] {
  const data = transactionJson(row);
  const event = {
    objectId: row.id,
    customerId: row.customer_id,
    data,
    previousAttributes: previousAttributes(transactionJson(before), data),
  };
  return [
    { type: 'transaction.updated', ...event },
    ...(terminal.has(row.status) ? [{ type: 'transaction.completed', ...event } as const] : []),
  ];
}
