import { ApiError, notFound } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransactionRow } from '../../store/rows.ts';
import { findTransaction } from '../transactions/queries.ts';
import type { TransferKey } from './advance.ts';

/**
 * The transfer by this id.
 *
 * @throws ApiError 404 when the environment has no transfer by it; a deposit is none
 */
export async function requireTransfer(db: Db, environmentId: string, id: string): Promise<TransactionRow> {
  const row = await findTransaction(db, environmentId, id);
  if (row?.type !== 'transfer') throw new ApiError(notFound('transfer'));
  return row;
}

/**
 * Transfers whose next step is due by their environment's clock, the longest waiting first.
 *
 * @param now our own time
 * @param latest the latest time that any environment's clock shows: nothing after it is due
 */
export async function listDueTransfers(pool: Pool, now: string, latest: string): Promise<TransferKey[]> {
  const { rows } = await pool.query<TransferKey>({
    name: 'list_due_transfers',
    text: `select t.bucket, t.id, t.environment_id, t.wallet_id, t.source_currency, t.destination_currency,
        t.destination_payment_rail
      from transactions t join environments e on e.current_id = t.environment_id
      where t.next_action_at <= $3::timestamptz
        and t.next_action_at <= $1::timestamptz + e.clock_offset_ms * interval '1 millisecond'
      order by t.next_action_at limit $2`,
    values: [now, limits.settlementBatch, latest],
  });
  return rows;
}
