import { limits } from '../../platform/limits.ts';
import type { EventRow } from '../../store/tables/events.ts';

/**
 * How far a consumer has read: the number of the last event of each lane. Within a lane events are numbered without gaps in
 * the order of their commits, so that no event appears before a position later. A lane without a position is unread.
 */
export type Positions = ReadonlyMap<number, bigint>;

const cursorVersion = 'e1.';
const cursorPattern = /^e1\.(env_[0-9a-z]{26})\.((?:\d{1,2}:\d{1,19}(?:,\d{1,2}:\d{1,19})*)?)$/;

/** Encodes positions as an opaque cursor. It is valid for one environment, until that is reset. */
export function encodePositions(environmentId: string, positions: Positions): string {
  const lanes = [...positions].sort(([a], [b]) => a - b).map(([lane, seq]) => `${lane}:${seq}`);
  return Buffer.from(`${cursorVersion}${environmentId}.${lanes.join(',')}`).toString('base64url');
}

/**
 * Decodes a cursor.
 *
 * @returns `malformed` if the text is not a cursor, `outdated` if it belongs to another environment
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
  // Only the canonical form is valid: it excludes duplicate lanes, for example.
  if (encodePositions(environmentId, positions) !== cursor) return 'malformed';
  return [...positions.values()].every((seq) => seq < 2n ** 63n) ? positions : 'malformed';
}

/** The next events of one lane that match the filter, and how far the lane was searched. */
export interface LaneEvents {
  readonly lane: number;
  /** The position that was read from. */
  readonly after: bigint;
  /** The last number that was searched. */
  readonly upTo: bigint;
  readonly rows: readonly EventRow[];
}

/** An event, and the positions of a consumer that has read up to it. */
export interface PlacedEvent {
  readonly row: EventRow;
  readonly positions: Positions;
}

/**
 * Merges the lanes' events into one order: by their ids, which ascend with time, within the order of each lane.
 *
 * @param limit how many events are taken; each lane's rows were read with the same limit
 * @returns the events, and the positions behind them and behind events that the filter excluded
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
