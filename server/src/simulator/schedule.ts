import { returnTimeMs } from '../fiat/payouts/transitions.ts';
import { toIsoTime } from '../platform/clock.ts';
import type { TransactionRow, TransactionStatus } from '../store/tables/transactions.ts';
import { plannedReturn } from './test-values.ts';

/**
 * When the sandbox makes the next transition of a transfer that gets a status.
 *
 * @param nowMs milliseconds since the Unix epoch, by the environment's clock
 * @param stepMs how long a transfer stays in each status
 * @returns an ISO 8601 time; null if the transfer stays until it is moved on by a request
 */
export function nextActionAt(
  row: TransactionRow,
  status: TransactionStatus,
  nowMs: number,
  stepMs: number,
): string | null {
  if (status === 'completed' || status === 'refunded') return null;
  if (status === 'payment_submitted' && row.sandbox_outcome === 'hold_payment') return null;
  if (status !== 'payment_processed') return toIsoTime(nowMs + stepMs);
  const code = plannedReturn(row.sandbox_outcome);
  return code === undefined ? null : toIsoTime(returnTimeMs(row, code, nowMs));
}
