import { limits } from '../platform/limits.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import type { EventRow } from '../store/tables/events.ts';
import { type DeliveryQueueRow, deliveryQueue, type WebhookRow } from '../store/tables/webhooks.ts';
import { inTransaction } from '../store/transaction.ts';
import { insertRows } from './insert-rows.ts';
import { isSubscribed } from './subscription.ts';

/** A lane whose events of one environment have not all been queued. */
interface Backlog {
  readonly bucket: number;
  readonly environment_id: string;
  readonly event_seq: bigint;
}

type NewEvent = Pick<EventRow, 'id' | 'type' | 'object_id' | 'seq'>;
type ActiveWebhook = Pick<WebhookRow, 'id' | 'bucket' | 'events' | 'event_positions'>;

/**
 * Queues new events, due immediately by the environment's clock: one row for each subscribed webhook. Any number of processes
 * may run this concurrently; a lock lets one of them at a time advance a lane's position.
 *
 * @returns how many events were read; 0 if there was nothing to do
 */
export async function fanOut(pool: Pool, nowIn: (environmentId: string) => string): Promise<number> {
  const { rows } = await pool.query<Backlog>({
    name: 'fan_out_backlog',
    text: `select h.bucket, h.environment_id, h.event_seq from journal_heads h
      left join fan_out_positions p on p.bucket = h.bucket and p.environment_id = h.environment_id
      where h.event_seq > coalesce(p.event_seq, 0)`,
  });
  let events = 0;
  for (const backlog of rows)
    events += await inTransaction(pool, (client) =>
      fanOutLane(client, backlog, nowIn(backlog.environment_id)),
    );
  return events;
}

async function fanOutLane(client: PoolClient, backlog: Backlog, now: string): Promise<number> {
  const position = await lockPosition(client, backlog);
  if (position === undefined) return 0;
  const { rows: events } = await client.query<NewEvent>(
    `select id, type, object_id, seq from events
      where environment_id = $1 and lane = $2 and seq > $3 order by seq limit $4`,
    [backlog.environment_id, backlog.bucket, position, limits.fanOutEvents],
  );
  // After the events, so that an event that is newer than a webhook always finds it.
  const { rows: webhooks } = await client.query<ActiveWebhook>(
    `select id, bucket, events, event_positions from webhooks
      where environment_id = $1 and status = 'active' and deleted_at is null`,
    [backlog.environment_id],
  );
  if (webhooks.length === 0) {
    await movePosition(client, backlog, backlog.event_seq);
    return 0;
  }
  const queued = webhooks.flatMap((webhook) => {
    const after = positionIn(webhook, backlog.bucket);
    return events
      .filter((event) => event.seq > after && isSubscribed(webhook, event))
      .map(
        (event): DeliveryQueueRow => ({
          bucket: webhook.bucket,
          webhook_id: webhook.id,
          event_id: event.id,
          environment_id: backlog.environment_id,
          attempt_number: 1,
          next_attempt_at: now,
          claimed_until: null,
        }),
      );
  });
  await insertRows(client, deliveryQueue, queued, { name: 'once', text: 'do nothing' });
  const last = events.at(-1);
  if (last) await movePosition(client, backlog, last.seq);
  return events.length;
}

/** @returns the position, locked; undefined if another process holds the lock */
async function lockPosition(
  client: PoolClient,
  { bucket, environment_id }: Backlog,
): Promise<bigint | undefined> {
  await client.query(
    'insert into fan_out_positions (bucket, environment_id, event_seq) values ($1, $2, 0) on conflict do nothing',
    [bucket, environment_id],
  );
  const { rows } = await client.query<{ event_seq: bigint }>(
    `select event_seq from fan_out_positions where bucket = $1 and environment_id = $2 for update skip locked`,
    [bucket, environment_id],
  );
  return rows[0]?.event_seq;
}

async function movePosition(
  client: PoolClient,
  { bucket, environment_id }: Backlog,
  seq: bigint,
): Promise<void> {
  await client.query(
    `update fan_out_positions set event_seq = $3
      where bucket = $1 and environment_id = $2 and event_seq < $3`,
    [bucket, environment_id, seq],
  );
}

/**
 * The position of a lane's events when the webhook was created: later events are new to it. Positions do not depend on
 * servers' clocks.
 */
function positionIn({ event_positions }: ActiveWebhook, lane: number): bigint {
  const positions: Record<string, string> = JSON.parse(event_positions);
  return BigInt(positions[lane] ?? 0);
}
