import type { IdSource } from '../platform/ids.ts';
import type { Vault } from '../platform/seal.ts';
import type { Pool } from '../store/pool.ts';
import type { DeliveryRow } from '../store/rows.ts';
import type { Table } from '../store/tables.ts';
import { inTransaction } from '../store/transaction.ts';
import { type DueDelivery, dropFromQueue } from './claims.ts';
import { insertRows } from './insert-rows.ts';
import { responseBodyContext } from './seal-contexts.ts';

const deliveriesTable: Table<DeliveryRow> = {
  name: 'deliveries',
  key: 'id',
  mutable: [],
  columns: {
    bucket: 'int2',
    id: 'text',
    environment_id: 'text',
    webhook_id: 'text',
    event_id: 'text',
    event_type: 'text',
    attempt_number: 'int2',
    http_status: 'int2',
    success: 'bool',
    duration_ms: 'int4',
    error: 'text',
    response_body: 'text',
    next_attempt_at: 'timestamptz',
    created_at: 'timestamptz',
  },
};

/** How an attempt ended. */
export interface AttemptResult {
  readonly httpStatus: number | null;
  readonly success: boolean;
  readonly durationMs: number;
  readonly error: string | null;
  readonly responseBody: string | null;
}

/**
 * Records an attempt, and takes the event from the queue or sets its next attempt.
 *
 * @param nextAttemptAt null when there is none
 */
export async function recordAttempt(
  pool: Pool,
  ids: IdSource,
  vault: Vault,
  due: DueDelivery,
  result: AttemptResult,
  nextAttemptAt: string | null,
  now: string,
): Promise<void> {
  const id = ids.next('whd', due.bucket);
  const row: DeliveryRow = {
    bucket: due.bucket,
    id,
    environment_id: due.environment_id,
    webhook_id: due.webhook_id,
    event_id: due.event_id,
    event_type: due.event_type,
    attempt_number: due.attempt_number,
    http_status: result.httpStatus,
    success: result.success,
    duration_ms: Math.round(result.durationMs),
    error: result.error,
    response_body:
      result.responseBody === null ? null : vault.seal(result.responseBody, responseBodyContext(id)),
    next_attempt_at: nextAttemptAt,
    created_at: now,
  };
  await inTransaction(pool, async (client) => {
    await insertRows(client, deliveriesTable, [row]);
    if (nextAttemptAt === null) {
      await dropFromQueue(client, [due]);
      return;
    }
    await client.query(
      `update delivery_queue set attempt_number = $4, next_attempt_at = $5, claimed_until = null
        where bucket = $1 and webhook_id = $2 and event_id = $3`,
      [due.bucket, due.webhook_id, due.event_id, due.attempt_number + 1, nextAttemptAt],
    );
  });
}
