import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Pool } from '../store/pool.ts';
import { startWorker, type Worker } from './loop.ts';

/** Removes what has outlived its use: idempotency keys and the records of committed batches. */
export function startSweep(deps: {
  pool: Pool;
  clock: Clock;
  logger: Logger;
  idempotencyHours: number;
}): Worker {
  const retentionMs = deps.idempotencyHours * 60 * 60 * 1000;
  return startWorker('sweep', deps.logger, limits.sweepIntervalMs, async () => {
    const nowMs = deps.clock.now();
    const keys = await sweepTable(deps.pool, 'idempotency_keys', nowMs - retentionMs);
    const batches = await sweepTable(deps.pool, 'batches', nowMs - limits.batchRecordRetentionMs);
    return keys === limits.sweepRows || batches === limits.sweepRows;
  });
}

/**
 * Deletes rows that were created before a time, some at once.
 *
 * @returns how many were deleted
 */
export async function sweepTable(
  pool: Pool,
  table: 'idempotency_keys' | 'batches',
  beforeMs: number,
): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from ${table} where ctid = any (array(
      select ctid from ${table} where created_at < $1::timestamptz limit $2))`,
    [toIsoTime(beforeMs), limits.sweepRows],
  );
  return rowCount ?? 0;
}
