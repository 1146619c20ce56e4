import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type CreatedSpan, type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { Queryable } from '../../store/pool.ts';
import type { EventRow } from '../../store/tables/events.ts';
import { type LaneEvents, mergeLanes, type PlacedEvent, type Positions } from './positions.ts';
import { prepareEvents } from './schema.ts';

/** The filters of a list of events. */
export interface EventFilter extends CreatedSpan {
  /** Any of these; undefined for every type. */
  readonly types: readonly string[] | undefined;
  readonly customerId: string | undefined;
  readonly objectId: string | undefined;
}

/** Finds an event of the environment by its id. */
export async function findEvent(db: Db, environmentId: string, id: string): Promise<EventRow | undefined> {
  return findRow(db, 'events', environmentId, id);
}

/** A page of the environment's events, newest first. */
export async function listEvents<Item>(
  db: Db,
  environmentId: string,
  filter: EventFilter,
  page: PageRequest,
  vault: Vault,
  toItem: (row: EventRow) => Item,
): Promise<Page<Item>> {
  const narrowing = {
    environment_id: environmentId,
    type: filter.types,
    customer_id: filter.customerId,
    object_id: filter.objectId,
  };
  const rows = await readPageRows(selectList(db, 'events', narrowing, filter), page);
  await prepareEvents(rows, vault);
  return toPage(rows, page.limit, toItem);
}

/**
 * Reads events after a position, oldest first. No event that is committed before a returned one is left out, because a lane's
 * head and its events are read in one snapshot.
 *
 * With a filter, so many events of each lane are looked at and no more: then there may be none, and yet the positions
 * have moved.
 */
export async function readEventsAfter(
  db: Queryable,
  environmentId: string,
  filter: EventFilter,
  from: Positions,
  limit: number,
): Promise<{ readonly events: readonly PlacedEvent[]; readonly positions: Positions }> {
  const { createdAfter = null, createdBefore = null, customerId = null, objectId = null, types } = filter;
  const { rows } = await db.query<{ head_lane: number; after: bigint; up_to: bigint } & Nullable<EventRow>>({
    name: 'read_events_after',
    text: `select h.bucket as head_lane, h.after, h.up_to, e.* from (
        select bucket, coalesce(p.seq, 0) as after, least(event_seq, coalesce(p.seq, 0) + $4::int8) as up_to
        from journal_heads left join unnest($2::int2[], $3::int8[]) as p(lane, seq) on p.lane = bucket
        where environment_id = $1::text and event_seq > coalesce(p.seq, 0)
      ) h left join lateral (
        select * from events
        where environment_id = $1::text and lane = h.bucket and seq > h.after and seq <= h.up_to
          and ($6::text[] is null or type = any ($6::text[]))
          and ($7::text is null or customer_id = $7::text)
          and ($8::text is null or object_id = $8::text)
          and ($9::timestamptz is null or created_at >= $9::timestamptz)
          and ($10::timestamptz is null or created_at < $10::timestamptz)
        order by seq limit $5::int4
      ) e on true order by h.bucket, e.seq`,
    values: [
      environmentId,
      arrayLiteral('int2', [...from.keys()]),
      arrayLiteral('int8', [...from.values()]),
      limits.eventScan,
      limit,
      types === undefined ? null : arrayLiteral('text', [...types]),
      customerId,
      objectId,
      createdAfter,
      createdBefore,
    ],
  });
  const lanes = new Map<number, LaneEvents & { readonly rows: EventRow[] }>();
  for (const { after, head_lane: lane, up_to: upTo, ...event } of rows) {
    const found = lanes.get(lane) ?? { lane, after, upTo, rows: [] };
    lanes.set(lane, found);
    if (event.id !== null) found.rows.push(event as EventRow);
  }
  return mergeLanes(from, [...lanes.values()], limit);
}

type Nullable<Row> = { [Column in keyof Row]: Row[Column] | null };

/** The positions behind the environment's last events. */
export async function endOfEvents(db: Queryable, environmentId: string): Promise<Positions> {
  const { rows } = await db.query<{ bucket: number; event_seq: bigint }>({
    name: 'end_of_events',
    text: 'select bucket, event_seq from journal_heads where environment_id = $1',
    values: [environmentId],
  });
  return new Map(rows.map(({ bucket, event_seq: seq }) => [bucket, seq]));
}
