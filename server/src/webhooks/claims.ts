import { toIsoTime } from '../platform/clock.ts';
import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from '../store/arrays.ts';
import type { Pool } from '../store/pool.ts';
import type { DeliveryQueueRow } from '../store/rows.ts';

/** An attempt that is to be made now, with everything it needs. */
export interface DueDelivery extends DeliveryQueueRow {
  readonly url: string;
  readonly sealed_secret: string;
  readonly kind: 'test' | 'live';
  readonly event_type: string;
  readonly event_data: string;
  readonly event_created_at: string;
}

/**
 * Claims attempts that are due. A claim lasts for its lease: if this process dies, another one makes the attempt.
 * What belongs to a deleted or disabled webhook is dropped; what belongs to a sandbox before its reset is left alone.
 *
 * @param nowMs our own time; what is due is told by each environment's clock
 * @param count how many at most
 * @param busy webhooks that are to get no more for now, because enough is on its way to them
 */
export async function claimDue(
  pool: Pool,
  nowMs: number,
  count: number,
  busy: readonly string[],
): Promise<DueDelivery[]> {
  const claimed = await pool.query<DeliveryQueueRow>({
    name: 'claim_deliveries',
    text: `update delivery_queue q set claimed_until = $2::timestamptz
      from (select bucket, webhook_id, event_id, environment_now from (
          select d.bucket, webhook_id, event_id, next_attempt_at,
            $1::timestamptz + e.clock_offset_ms * interval '1 millisecond' as environment_now,
            row_number() over (partition by webhook_id order by next_attempt_at) as place
          from delivery_queue d join environments e on e.current_id = d.environment_id
          where next_attempt_at <= $1::timestamptz + e.clock_offset_ms * interval '1 millisecond'
            and (claimed_until is null or claimed_until <= $1::timestamptz) and webhook_id <> all ($5::text[])
        ) due where place <= $4 order by next_attempt_at limit $3) as chosen
      where q.bucket = chosen.bucket and q.webhook_id = chosen.webhook_id and q.event_id = chosen.event_id
        and q.next_attempt_at <= chosen.environment_now
        and (q.claimed_until is null or q.claimed_until <= $1::timestamptz)
      returning q.bucket, q.webhook_id, q.event_id, q.environment_id, q.attempt_number, q.next_attempt_at,
        q.claimed_until`,
    values: [
      toIsoTime(nowMs),
      toIsoTime(nowMs + limits.deliveryClaimMs),
      count,
      limits.deliveryConcurrencyPerWebhook,
      arrayLiteral('text', busy),
    ],
  });
  if (claimed.rows.length === 0) return [];
  const due = await loadClaimed(pool, claimed.rows);
  const found = new Set(due.map((row) => `${row.webhook_id} ${row.event_id}`));
  const orphans = claimed.rows.filter((row) => !found.has(`${row.webhook_id} ${row.event_id}`));
  if (orphans.length > 0) await dropFromQueue(pool, orphans);
  return due;
}

async function loadClaimed(pool: Pool, claimed: readonly DeliveryQueueRow[]): Promise<DueDelivery[]> {
  const { rows } = await pool.query<Omit<DueDelivery, keyof DeliveryQueueRow> & { place: bigint }>({
    name: 'load_claimed_deliveries',
    text: `select c.place, w.url, w.secret as sealed_secret, n.kind, e.type as event_type, e.data as event_data,
        e.created_at as event_created_at
      from unnest($1::int2[], $2::text[], $3::int2[], $4::text[]) with ordinality
        as c(webhook_bucket, webhook_id, event_bucket, event_id, place)
      join webhooks w on w.bucket = c.webhook_bucket and w.id = c.webhook_id
        and w.status = 'active' and w.deleted_at is null
      join events e on e.bucket = c.event_bucket and e.id = c.event_id
      join environments n on n.current_id = w.environment_id`,
    values: [
      arrayLiteral(
        'int2',
        claimed.map((row) => row.bucket),
      ),
      arrayLiteral(
        'text',
        claimed.map((row) => row.webhook_id),
      ),
      arrayLiteral(
        'int2',
        claimed.map((row) => bucketOfId(row.event_id)),
      ),
      arrayLiteral(
        'text',
        claimed.map((row) => row.event_id),
      ),
    ],
  });
  return rows.flatMap(({ place, ...rest }) => {
    const row = claimed[Number(place) - 1];
    return row ? [{ ...row, ...rest }] : [];
  });
}

/** Takes events from the queue: they have been delivered, or are not to be. */
export async function dropFromQueue(
  db: Pick<Pool, 'query'>,
  rows: readonly Pick<DeliveryQueueRow, 'bucket' | 'webhook_id' | 'event_id'>[],
): Promise<void> {
  await db.query({
    name: 'drop_deliveries',
    text: `delete from delivery_queue q using unnest($1::int2[], $2::text[], $3::text[]) as d(bucket, webhook_id, event_id)
      where q.bucket = d.bucket and q.webhook_id = d.webhook_id and q.event_id = d.event_id`,
    values: [
      arrayLiteral(
        'int2',
        rows.map((row) => row.bucket),
      ),
      arrayLiteral(
        'text',
        rows.map((row) => row.webhook_id),
      ),
      arrayLiteral(
        'text',
        rows.map((row) => row.event_id),
      ),
    ],
  });
}
