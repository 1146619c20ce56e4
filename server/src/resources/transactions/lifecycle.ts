import type { TransactionRow, TransactionStatus } from '../../store/rows.ts';
import type { EventDraft } from '../../writer/command.ts';
import { transactionJson } from './schema.ts';

/** Statuses that nothing follows by itself (contract §4, Transfers). */
const terminal: ReadonlySet<TransactionStatus> = new Set([
  'payment_processed',
  'completed',
  'failed',
  'returned',
  'refunded',
]);

/** The timeline of a new transaction. */
export function firstEntry(status: TransactionStatus, now: string): string {
  return JSON.stringify([{ status, at: now }]);
}

/** The transaction in its next status, with the change on its timeline. */
export function withStatus(row: TransactionRow, status: TransactionStatus, now: string): TransactionRow {
  const timeline = JSON.stringify([...JSON.parse(row.timeline), { status, at: now }]);
  return { ...row, status, timeline, updated_at: now };
}

/**
 * The events that a change of a transaction writes: that it was created or updated, and that it has reached its end.
 *
 * @param data the transaction's JSON text, when the caller has it already
 */
export function transactionEvents(
  row: TransactionRow,
  change: 'created' | 'updated',
  data: string = transactionJson(row),
): EventDraft[] {
  const event = (type: string): EventDraft => ({ type, objectId: row.id, customerId: row.customer_id, data });
  const events = [event(`transaction.${change}`)];
  if (terminal.has(row.status)) events.push(event('transaction.completed'));
  return events;
}
