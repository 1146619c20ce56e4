import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import { deleteUnusedContents } from './document-contents.ts';
import type { Pool } from './pool.ts';

/**
 * Deletes rows that have passed their retention: idempotency keys, records of committed batches and of deliveries, the
 * delivery queue of sandboxes that were reset, and the bytes of removed documents.
 *
 * @param deps.idempotencyHours how long idempotency keys are kept
 */
export function startRetention(deps: {
  pool: Pool;
  clock: Clock;
  logger: Logger;
  idempotencyHours: number;
}): Worker {
  const retentionMs = deps.idempotencyHours * 60 * 60 * 1000;
  return startWorker('retention', deps.logger, limits.retentionIntervalMs, async () => {
    const nowMs = deps.clock.now();
    const keys = await deleteCreatedBefore(deps.pool, 'idempotency_keys', nowMs - retentionMs);
    const batches = await deleteCreatedBefore(deps.pool, 'batches', nowMs - limits.batchRecordRetentionMs);
    const attempts = await deleteCreatedBefore(deps.pool, 'deliveries', nowMs - limits.deliveryRetentionMs);
    const deliveries = await deleteAbandoned(deps.pool);
    const documents = await deleteUnusedContents(deps.pool, nowMs);
    return [keys, batches, attempts, deliveries, documents].includes(limits.retentionRows);
  });
}

/**
 * Deletes rows that were created before a time, at most `limits.retentionRows` per call.
 *
 * @returns how many were deleted
 */
export async function deleteCreatedBefore(
  pool: Pool,
  table: 'idempotency_keys' | 'batches' | 'deliveries',
  beforeMs: number,
): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from ${table} where ctid = any (array(
      select ctid from ${table} where created_at < $1::timestamptz limit $2))`,
    [toIsoTime(beforeMs), limits.retentionRows],
  );
  return rowCount ?? 0;
}

/**
 * Deletes the idempotency keys of one environment that were created before a time of its clock.
 *
 * @param keptKey a key to keep regardless of its age
 */
export async function deleteKeysOf(
  pool: Pool,
  environmentId: string,
  beforeMs: number,
  keptKey: string | undefined,
): Promise<void> {
  await pool.query(
    `delete from idempotency_keys
      where environment_id = $1 and created_at < $2::timestamptz and key is distinct from $3`,
    [environmentId, toIsoTime(beforeMs), keptKey ?? null],
  );
}

/** Deletes queued deliveries of sandboxes that were reset. */
async function deleteAbandoned(pool: Pool): Promise<number> {
  const { rowCount } = await pool.query(
    `delete from delivery_queue where ctid = any (array(
      select q.ctid from delivery_queue q left join environments e on e.current_id = q.environment_id
      where e.id is null limit $1 for update of q skip locked))`,
    [limits.retentionRows],
  );
  return rowCount ?? 0;
}
