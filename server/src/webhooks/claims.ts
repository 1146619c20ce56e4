import { toIsoTime } from '../platform/clock.ts';
import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from '../store/arrays.ts';
import type { Pool } from '../store/pool.ts';
import type { EventRow } from '../store/tables/events.ts';
import type { DeliveryQueueRow } from '../store/tables/webhooks.ts';

/** A claimed attempt, with its event. */
export interface DueDelivery extends Omit<DeliveryQueueRow, 'next_attempt_at' | 'claimed_until'> {
  /** Until when the attempt may start, in real milliseconds since the Unix epoch; later it is left to another claim. */
  readonly startBeforeMs: number;
  /** When its claim expires, by the real time. */
  readonly claimedUntil: string;
  readonly event: Pick<
    EventRow,
    'id' | 'environment_id' | 'type' | 'created_at' | 'data' | 'previous_attributes'
  >;
}

/** What to claim for one webhook. */
export interface ClaimRequest {
  readonly bucket: number;
  readonly webhookId: string;
  /** ISO 8601, by the environment's clock. */
  readonly dueBefore: string;
  /** The most deliveries to claim. */
  readonly limit: number;
}

type Claimed = Omit<DeliveryQueueRow, 'next_attempt_at' | 'claimed_until'>;
type Queued = Pick<DeliveryQueueRow, 'bucket' | 'webhook_id'>;

// The statements of this file are not prepared, because their plan depends on the length of the queue, which changes.

/** The webhooks that have queued deliveries, found by a loose index scan. */
export async function queuedWebhooks(pool: Pool): Promise<Queued[]> {
  const { rows } = await pool.query<Queued>(`with recursive queued as (
      (select bucket, webhook_id from delivery_queue order by webhook_id limit 1)
      union all
      select n.bucket, n.webhook_id from queued p cross join lateral (
        select bucket, webhook_id from delivery_queue q where q.webhook_id > p.webhook_id
        order by q.webhook_id limit 1) n
    ) select bucket, webhook_id from queued`);
  return rows;
}

/**
 * Claims due attempts for each webhook. A claim is a lease: if this process dies, another one makes the attempt. Rows that
 * another process is claiming are skipped.
 *
 * @param nowMs the real time, in milliseconds since the Unix epoch
 */
export async function claimDue(
  pool: Pool,
  nowMs: number,
  requests: readonly ClaimRequest[],
): Promise<DueDelivery[]> {
  const claimedUntil = toIsoTime(nowMs + limits.deliveryClaimMs);
  const { rows } = await pool.query<Claimed>(
    `with chosen as materialized (
      select q.bucket, q.webhook_id, q.event_id
      from unnest($1::int2[], $2::text[], $3::timestamptz[], $4::int4[]) as w(bucket, id, due_before, room)
      cross join lateral (
        select d.bucket, d.webhook_id, d.event_id from delivery_queue d
        where d.webhook_id = w.id and d.next_attempt_at <= w.due_before
          and (d.claimed_until is null or d.claimed_until <= $5::timestamptz)
        order by d.next_attempt_at limit w.room for update skip locked) q)
    update delivery_queue q set claimed_until = $6::timestamptz from chosen c
    where q.bucket = c.bucket and q.webhook_id = c.webhook_id and q.event_id = c.event_id
    returning q.bucket, q.webhook_id, q.event_id, q.environment_id, q.attempt_number`,
    [
      arrayLiteral(
        'int2',
        requests.map(({ bucket }) => bucket),
      ),
      arrayLiteral(
        'text',
        requests.map(({ webhookId }) => webhookId),
      ),
      arrayLiteral(
        'timestamptz',
        requests.map(({ dueBefore }) => dueBefore),
      ),
      arrayLiteral(
        'int4',
        requests.map(({ limit }) => limit),
      ),
      toIsoTime(nowMs),
      claimedUntil,
    ],
  );
  if (rows.length === 0) return [];
  const events = await loadEvents(pool, [...new Set(rows.map(({ event_id }) => event_id))]);
  return rows
    .flatMap((row): DueDelivery[] => {
      const event = events.get(row.event_id);
      return event ? [{ ...row, event, claimedUntil, startBeforeMs: nowMs + limits.deliveryStartMs }] : [];
    })
    .sort((a, b) => (a.event_id < b.event_id ? -1 : 1));
}

async function loadEvents(pool: Pool, ids: readonly string[]): Promise<Map<string, DueDelivery['event']>> {
  const { rows } = await pool.query<DueDelivery['event']>(
    `select e.id, e.environment_id, e.type, e.created_at, e.data, e.previous_attributes from unnest($1::int2[], $2::text[]) as c(bucket, id)
      join events e on e.bucket = c.bucket and e.id = c.id`,
    [arrayLiteral('int2', ids.map(bucketOfId)), arrayLiteral('text', ids)],
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Releases claims that will not be used, before they expire. */
export async function releaseClaims(pool: Pool, rows: readonly DueDelivery[]): Promise<void> {
  await pool.query(
    `update delivery_queue q set claimed_until = null
      from unnest($1::int2[], $2::text[], $3::text[], $4::timestamptz[]) as d(bucket, webhook_id, event_id, until)
      where q.bucket = d.bucket and q.webhook_id = d.webhook_id and q.event_id = d.event_id
        and q.claimed_until = d.until`,
    [
      ...queueKeys(rows),
      arrayLiteral(
        'timestamptz',
        rows.map(({ claimedUntil }) => claimedUntil),
      ),
    ],
  );
}

/** Deletes due deliveries of a webhook that is disabled or deleted, at most `limits.deliveryDropRows`; skips locked rows. */
export async function dropDue(pool: Pool, webhookId: string, dueBefore: string): Promise<void> {
  await pool.query(
    `delete from delivery_queue where ctid = any (array(select ctid from delivery_queue
      where webhook_id = $1 and next_attempt_at <= $2::timestamptz order by next_attempt_at limit $3 for update skip locked))`,
    [webhookId, dueBefore, limits.deliveryDropRows],
  );
}

/** The keys of queue rows, as arrays: bucket, webhook, event. */
export function queueKeys(rows: readonly Claimed[]): string[] {
  return [
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
  ];
}
