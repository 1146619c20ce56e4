import { toIsoTime } from '../platform/clock.ts';
import type { IdSource } from '../platform/ids.ts';
import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import { arrayLiteral } from '../store/arrays.ts';
import { arrayParameters, columnArrays, columnList } from '../store/insert.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import type { DeliveryQueueRow, DeliveryRow, EventRow, WebhookRow } from '../store/rows.ts';
import type { Table } from '../store/tables.ts';
import { inTransaction } from '../store/transaction.ts';

/** Where the sealed answer of a receiver belongs: it may repeat the personal data that it was sent. */
export function responseBodyContext(deliveryId: string): string {
  return `deliveries.response_body:${deliveryId}`;
}

/** Where a webhook's sealed secret belongs. */
export function webhookSecretContext(webhookId: string): string {
  return `webhooks.secret:${webhookId}`;
}

const queueTable: Table<DeliveryQueueRow> = {
  name: 'delivery_queue',
  key: 'event_id',
  mutable: [],
  columns: {
    bucket: 'int2',
    webhook_id: 'text',
    event_id: 'text',
    environment_id: 'text',
    attempt_number: 'int2',
    next_attempt_at: 'timestamptz',
  },
};

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

/** A lane's events of one environment that have not all been handed out yet. */
interface Backlog {
  readonly bucket: number;
  readonly environment_id: string;
  readonly event_seq: bigint;
}

/**
 * Hands new events out: one queue row for each webhook that has chosen the event. Any number of processes may do so
 * at once; each lane's position is moved by one of them at a time.
 *
 * @returns how many events were looked at; 0 when there is nothing to do
 */
export async function fanOut(pool: Pool, now: string): Promise<number> {
  const { rows } = await pool.query<Backlog>({
    name: 'fan_out_backlog',
    text: `select h.bucket, h.environment_id, h.event_seq from chain_heads h
      left join fan_out_positions p on p.bucket = h.bucket and p.environment_id = h.environment_id
      where h.event_seq > coalesce(p.event_seq, 0)`,
  });
  let events = 0;
  for (const backlog of rows)
    events += await inTransaction(pool, (client) => fanOutLane(client, backlog, now));
  return events;
}

async function fanOutLane(client: PoolClient, backlog: Backlog, now: string): Promise<number> {
  const position = await lockPosition(client, backlog);
  if (position === undefined) return 0;
  const { rows: webhooks } = await client.query<Pick<WebhookRow, 'id' | 'bucket' | 'events' | 'created_at'>>(
    `select id, bucket, events, created_at from webhooks
      where environment_id = $1 and status = 'active' and deleted_at is null`,
    [backlog.environment_id],
  );
  if (webhooks.length === 0) {
    await movePosition(client, backlog, backlog.event_seq);
    return 0;
  }
  const { rows: events } = await client.query<
    Pick<EventRow, 'id' | 'type' | 'object_id' | 'seq' | 'created_at'>
  >(
    `select id, type, object_id, seq, created_at from events
      where environment_id = $1 and lane = $2 and seq > $3 order by seq limit $4`,
    [backlog.environment_id, backlog.bucket, position, limits.fanOutEvents],
  );
  const queued = webhooks.flatMap((webhook) =>
    events
      .filter((event) => isChosen(webhook, event))
      .map(
        (event): DeliveryQueueRow => ({
          bucket: webhook.bucket,
          webhook_id: webhook.id,
          event_id: event.id,
          environment_id: backlog.environment_id,
          attempt_number: 1,
          next_attempt_at: now,
        }),
      ),
  );
  await insertRows(client, queueTable, queued, 'on conflict do nothing');
  const last = events.at(-1);
  if (last) await movePosition(client, backlog, last.seq);
  return events.length;
}

/** @returns the position, locked; undefined when another process is moving it */
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
 * Whether a webhook receives an event: none from before its creation. A test event is for the webhook it names,
 * whatever that has chosen.
 */
function isChosen(
  webhook: Pick<WebhookRow, 'id' | 'events' | 'created_at'>,
  event: Pick<EventRow, 'type' | 'object_id' | 'created_at'>,
): boolean {
  if (event.created_at < webhook.created_at) return false;
  if (event.type === 'webhook.test') return event.object_id === webhook.id;
  const chosen: string[] = JSON.parse(webhook.events);
  return chosen.includes('*') || chosen.includes(event.type);
}

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
 * What belongs to a deleted or disabled webhook is dropped.
 *
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
    text: `update delivery_queue q set next_attempt_at = $2::timestamptz
      from (select bucket, webhook_id, event_id from (
          select bucket, webhook_id, event_id, next_attempt_at,
            row_number() over (partition by webhook_id order by next_attempt_at) as place
          from delivery_queue where next_attempt_at <= $1::timestamptz and webhook_id <> all ($5::text[])
        ) due where place <= $4 order by next_attempt_at limit $3) as chosen
      where q.bucket = chosen.bucket and q.webhook_id = chosen.webhook_id and q.event_id = chosen.event_id
        and q.next_attempt_at <= $1::timestamptz
      returning q.bucket, q.webhook_id, q.event_id, q.environment_id, q.attempt_number, q.next_attempt_at`,
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
      join environments n on n.id = w.environment_id`,
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

async function dropFromQueue(
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
      `update delivery_queue set attempt_number = $4, next_attempt_at = $5
        where bucket = $1 and webhook_id = $2 and event_id = $3`,
      [due.bucket, due.webhook_id, due.event_id, due.attempt_number + 1, nextAttemptAt],
    );
  });
}

async function insertRows<Row>(
  client: PoolClient,
  table: Table<Row>,
  rows: readonly Row[],
  onConflict = '',
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(table.columns) as (keyof Row & string)[];
  await client.query({
    name: `insert_${table.name}`,
    text: `insert into ${table.name} (${columnList(table)})
      select * from unnest(${arrayParameters(Object.values(table.columns), 1)}) ${onConflict}`,
    values: columnArrays(table, columns, rows),
  });
}
