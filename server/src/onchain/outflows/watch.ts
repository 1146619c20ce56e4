import type { Chain } from '../../chains/registry.ts';
import type { Pool } from '../../store/pool.ts';

/** What a process finds when it marks that it watches a chain. Times are the database's, in milliseconds since the Unix epoch. */
export interface Beat {
  readonly formerOwner: string | null;
  readonly formerAtMs: number;
  readonly atMs: number;
  /** Whether the database was on another timeline: it was restored, or another server of it has taken over. */
  readonly isOtherTimeline: boolean;
  readonly unsettledHeight: number | undefined;
  readonly confirmed: number;
}

/**
 * Marks that a process watches a chain now.
 *
 * @param timeline the timeline of the database; undefined if it is unknown
 * @returns undefined if the chain is not followed yet
 */
export async function markWatched(
  pool: Pool,
  chain: Chain,
  owner: string,
  timeline: string | undefined,
): Promise<Beat | undefined> {
  const { rows } = await pool.query<BeatRow>({
    name: 'mark_chain_watched',
    text: `with before as (
        select watch_owner, coalesce(watched_at, updated_at) as watched_at, timeline, unsettled_height, confirmed_height,
          date_trunc('milliseconds', clock_timestamp()) as at
        from chain_cursors where chain = $1 for update)
      update chain_cursors c set watch_owner = $2, watched_at = b.at, timeline = coalesce($3, c.timeline)
      from before b where c.chain = $1
      returning b.watch_owner, b.watched_at, b.at, b.timeline, b.unsettled_height, b.confirmed_height`,
    values: [chain, owner, timeline ?? null],
  });
  const [row] = rows;
  if (!row) return undefined;
  return {
    formerOwner: row.watch_owner,
    formerAtMs: Date.parse(row.watched_at),
    atMs: Date.parse(row.at),
    isOtherTimeline: timeline !== undefined && row.timeline !== null && row.timeline !== timeline,
    unsettledHeight: row.unsettled_height === null ? undefined : Number(row.unsettled_height),
    confirmed: Number(row.confirmed_height),
  };
}

interface BeatRow {
  readonly watch_owner: string | null;
  readonly watched_at: string;
  readonly at: string;
  readonly timeline: string | null;
  readonly unsettled_height: bigint | null;
  readonly confirmed_height: bigint;
}

/** Records from which height on transactions may be on the chain that a lost state of the database had signed; null once none can be. */
export async function saveUnsettled(pool: Pool, chain: Chain, height: number | null): Promise<void> {
  await pool.query('update chain_cursors set unsettled_height = $2 where chain = $1', [chain, height]);
}

/**
 * The timeline of the database, which changes when it is restored to a point in time or a standby takes over.
 *
 * @returns undefined if this kind of PostgreSQL does not say
 */
export async function readTimeline(pool: Pool): Promise<string | undefined> {
  try {
    const { rows } = await pool.query<{ timeline: string }>(
      `select s.system_identifier || '/' || c.timeline_id as timeline from pg_control_system() s, pg_control_checkpoint() c`,
    );
    return rows[0]?.timeline;
  } catch {
    return undefined;
  }
}
