import { previousAttributes } from '../../events/changes.ts';
import {
  type TransactionRow,
  type TransactionStatus,
  transactions,
} from '../../store/tables/transactions.ts';
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

/** A new transaction: columns that are not given are blank. */
export function newTransaction(
  context: DecideContext,
  given: Given & Partial<TransactionRow>,
): TransactionRow {
  const row = {
    ...transactions.blank,
    bucket: context.bucket,
    id: context.newId('txn'),
    environment_id: context.environmentId,
    net_minor: given.amount_minor - given.fee_minor,
    timeline: JSON.stringify([{ status: given.status, at: context.now }]),
    created_at: context.now,
    updated_at: context.now,
  };
  // `Object.assign` to keys that exist is ten times as fast as spreading `given` into the literal.
  return Object.assign(row, given);
}

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
