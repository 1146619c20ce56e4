import { toIsoTime } from '../platform/clock.ts';
import { bucketOfId, firstIdAt } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import { arrayLiteral } from '../store/arrays.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import type { GuardedRow } from '../store/row-guard.ts';
import type { EventRow } from '../store/tables/events.ts';
import {
  type DeliveryQueueRow,
  deliveryQueue,
  type WebhookReplayRow,
  type WebhookRow,
} from '../store/tables/webhooks.ts';
import { inTransaction } from '../store/transaction.ts';
import { insertRows } from './insert-rows.ts';
import { isSubscribed } from './subscription.ts';

type Listed = Pick<EventRow, 'id' | 'type' | 'object_id' | 'created_at'>;

/** How much the clocks of server processes may differ. */
const clockSlackMs = 60_000;

/** A waiting delivery becomes due immediately and starts again at attempt 1; a claimed one stays as it is. */
const onConflict = {
  name: 'again',
  text: `(bucket, webhook_id, event_id) do update
    set attempt_number = 1, next_attempt_at = excluded.next_attempt_at, claimed_until = null
    where delivery_queue.claimed_until is null or delivery_queue.claimed_until <= now()`,
};

/**
 * Queues the next events of running replays. A replay's chunk and its position are one transaction, so that no event is left
 * out or counted twice if the process dies.
 *
 * @param offsetMs how far an environment's clock is ahead of the real time
 * @returns the webhooks with queued deliveries; undefined if no replay is running
 */
export async function runReplays(
  pool: Pool,
  nowIn: (environmentId: string) => number,
  offsetMs: (environmentId: string) => number,
): Promise<string[] | undefined> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<WebhookReplayRow>(
      `select * from webhook_replays where status = 'running' order by id limit 1 for update skip locked`,
    );
    const replay = rows[0];
    if (!replay) return undefined;
    if (!pool.guard.admits('webhook_replays', replay as unknown as GuardedRow)) {
      // It would block the replays after it.
      await client.query("update webhook_replays set status = 'completed' where bucket = $1 and id = $2", [
        replay.bucket,
        replay.id,
      ]);
      return [];
    }
    const webhook = await findRecipient(client, replay);
    const chunk = webhook ? await nextEvents(client, replay, offsetMs(replay.environment_id)) : emptyChunk;
    const chosen = webhook
      ? chunk.events.filter((event) => replay.event_ids !== null || isSubscribed(webhook, event))
      : [];
    const now = toIsoTime(nowIn(replay.environment_id));
    const queued = chosen.map((event): DeliveryQueueRow => queueRow(replay, event.id, now));
    await insertRows(client, deliveryQueue, queued, onConflict);
    await client.query(
      `update webhook_replays set position = $3, queued = queued + $4, status = $5, completed_at = $6
        where bucket = $1 and id = $2`,
      [
        replay.bucket,
        replay.id,
        chunk.position,
        queued.length,
        chunk.isLast ? 'completed' : 'running',
        chunk.isLast ? now : null,
      ],
    );
    return queued.length > 0 ? [replay.webhook_id] : [];
  });
}

interface Chunk {
  readonly events: readonly Listed[];
  readonly position: string | null;
  readonly isLast: boolean;
}

const emptyChunk: Chunk = { events: [], position: null, isLast: true };

async function findRecipient(
  client: PoolClient,
  { bucket, webhook_id }: WebhookReplayRow,
): Promise<Pick<WebhookRow, 'id' | 'events'> | undefined> {
  const { rows } = await client.query<Pick<WebhookRow, 'id' | 'events'>>(
    `select id, events from webhooks where bucket = $1 and id = $2 and status = 'active' and deleted_at is null`,
    [bucket, webhook_id],
  );
  return rows[0];
}

async function nextEvents(client: PoolClient, replay: WebhookReplayRow, offsetMs: number): Promise<Chunk> {
  if (replay.event_ids !== null) {
    const ids: string[] = JSON.parse(replay.event_ids);
    const { rows } = await client.query<Listed>(
      `select e.id, e.type, e.object_id, e.created_at from unnest($1::int2[], $2::text[]) as c(bucket, id)
        join events e on e.bucket = c.bucket and e.id = c.id and e.environment_id = $3`,
      [arrayLiteral('int2', ids.map(bucketOfId)), arrayLiteral('text', ids), replay.environment_id],
    );
    return { events: rows, position: null, isLast: true };
  }
  const [after, before] = [Date.parse(replay.created_after ?? ''), Date.parse(replay.created_before ?? '')];
  // Ids carry the real time, which is behind the environment's time by at most the offset.
  const from = replay.position ?? firstIdAt('evt', after - offsetMs - clockSlackMs);
  const { rows } = await client.query<Listed>(
    `select id, type, object_id, created_at from events
      where environment_id = $1 and id > $2 and id < $3 order by id limit $4`,
    [replay.environment_id, from, firstIdAt('evt', before + clockSlackMs), limits.replayChunkEvents],
  );
  return {
    events: rows.filter(
      ({ created_at }) => Date.parse(created_at) >= after && Date.parse(created_at) < before,
    ),
    position: rows.at(-1)?.id ?? replay.position,
    isLast: rows.length < limits.replayChunkEvents,
  };
}

function queueRow(replay: WebhookReplayRow, eventId: string, now: string): DeliveryQueueRow {
  return {
    bucket: replay.bucket,
    webhook_id: replay.webhook_id,
    event_id: eventId,
    environment_id: replay.environment_id,
    attempt_number: 1,
    next_attempt_at: now,
    claimed_until: null,
  };
}
