import { limits } from '../../platform/limits.ts';
import type { EventRow } from '../../store/tables/events.ts';

/**
 * How far a consumer has read: the number of the last event of each lane. Within a lane events are numbered without a gap
 * in the order of their commits, so nothing can come in before a position later on. A lane that is not named has not
 * been begun.
 */
export type Positions = ReadonlyMap<number, bigint>;

const cursorVersion = 'e1.';
const cursorPattern = /^e1\.(env_[0-9a-z]{26})\.((?:\d{1,2}:\d{1,19}(?:,\d{1,2}:\d{1,19})*)?)$/;

/** Makes the opaque cursor of these positions. It fits one environment only, and no longer once that has been reset. */
export function encodePositions(environmentId: string, positions: Positions): string {
  const lanes = [...positions].sort(([a], [b]) => a - b).map(([lane, seq]) => `${lane}:${seq}`);
  return Buffer.from(`${cursorVersion}${environmentId}.${lanes.join(',')}`).toString('base64url');
}

/**
 * Reads a cursor back.
 *
 * @returns `malformed` when the text is no cursor of ours, `outdated` when it is one of another environment
 */
export function decodePositions(environmentId: string, cursor: string): Positions | 'malformed' | 'outdated' {
  if (cursor.length > limits.eventCursorLength || !/^[A-Za-z0-9_-]+$/.test(cursor)) return 'malformed';
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const [, environment, lanes = ''] = cursorPattern.exec(text) ?? [];
  if (environment === undefined) return 'malformed';
  if (environment !== environmentId) return 'outdated';
  const entries = lanes === '' ? [] : lanes.split(',');
  const positions = new Map(
    entries.map((entry) => {
      const [lane = '', seq = ''] = entry.split(':');
      return [Number(lane), BigInt(seq)] as const;
    }),
  );
  // What we would not have written so, a lane twice for example, was not written by us.
  if (encodePositions(environmentId, positions) !== cursor) return 'malformed';
  return [...positions.values()].every((seq) => seq < 2n ** 63n) ? positions : 'malformed';
}

/** What was read of one lane: its next events that fit the filter, and how far it has been searched for them. */
export interface LaneEvents {
  readonly lane: number;
  /** The position that was read from. */
  readonly after: bigint;
  /** The last number that was looked at. */
  readonly upTo: bigint;
  readonly rows: readonly EventRow[];
}

/** An event, and where a consumer is who has read up to it. */
export interface PlacedEvent {
  readonly row: EventRow;
  readonly positions: Positions;
}

/**
 * Puts the lanes' events into one order: by their ids, which go by time, as far as each lane's own order allows.
 *
 * @param limit how many events are taken; each lane's rows were read with the same limit
 * @returns the events, and the positions after all of them and whatever was passed over
 */
export function mergeLanes(
  from: Positions,
  lanes: readonly LaneEvents[],
  limit: number,
): { readonly events: readonly PlacedEvent[]; readonly positions: Positions } {
  const positions = new Map(from);
  const events: PlacedEvent[] = [];
  const next = lanes.map(() => 0);
  while (events.length < limit) {
    const first = lanes.reduce<number | undefined>((best, lane, index) => {
      const row = lane.rows[next[index] as number];
      if (!row) return best;
      const other = best === undefined ? undefined : lanes[best]?.rows[next[best] as number];
      return other && other.id <= row.id ? best : index;
    }, undefined);
    if (first === undefined) break;
    const row = lanes[first]?.rows[next[first] as number] as EventRow;
    next[first] = (next[first] as number) + 1;
    positions.set(row.lane, row.seq);
    events.push({ row, positions: new Map(positions) });
  }
  lanes.forEach(({ lane, rows, upTo }, index) => {
    if (next[index] === rows.length && rows.length < limit) positions.set(lane, upTo);
  });
  return { events, positions };
}
