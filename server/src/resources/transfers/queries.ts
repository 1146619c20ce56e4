import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransferKey } from './commands.ts';

/** Transfers whose next step is due, the longest waiting first. */
export async function listDueTransfers(pool: Pool, now: string): Promise<TransferKey[]> {
  const { rows } = await pool.query<TransferKey>({
    name: 'list_due_transfers',
    text: `select bucket, id, environment_id, wallet_id, source_currency, destination_payment_rail
      from transactions where next_action_at <= $1::timestamptz order by next_action_at limit $2`,
    values: [now, limits.settlementBatch],
  });
  return rows;
}
