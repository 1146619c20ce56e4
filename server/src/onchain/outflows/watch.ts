import type { Chain } from '../../chains/registry.ts';
import type { Pool } from '../../store/pool.ts';

/** What a process finds when it marks that it watches a chain. Times are the database's, in milliseconds since the Unix epoch. */
export interface Beat {
  readonly atMs: number;
  /** The mark that this process left; undefined if there is none. */
  readonly ownMs: number | undefined;
  /** The newest mark of any process. */
  readonly newestMs: number;
  /** Whether the database was on another timeline: it was restored, or another server of it has taken over. */
  readonly isOtherTimeline: boolean;
  readonly unsettledHeight: number | undefined;
  readonly confirmed: number;
}

interface BeatRow {
  readonly own: string | null;
  readonly newest: string;
  readonly at: string;
  readonly timeline: string | null;
  readonly unsettled_height: bigint | null;
  readonly confirmed_height: bigint;
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
        select (select w.watched_at from chain_watches w where w.chain = $1 and w.owner = $2) as own,
          coalesce((select max(w.watched_at) from chain_watches w where w.chain = $1), c.updated_at) as newest,
          date_trunc('milliseconds', clock_timestamp()) as at, c.timeline, c.unsettled_height, c.confirmed_height
        from chain_cursors c where c.chain = $1),
      marked as (insert into chain_watches (chain, owner, watched_at) select $1, $2, at from before
        on conflict (chain, owner) do update set watched_at = excluded.watched_at),
      forgotten as (delete from chain_watches where chain = $1 and owner <> $2 and watched_at < now() - interval '1 day'),
      moved as (update chain_cursors set timeline = $3 where chain = $1 and timeline is distinct from $3 and $3 is not null)
      select * from before`,
    values: [chain, owner, timeline ?? null],
  });
  const [row] = rows;
  if (!row) return undefined;
  return {
    atMs: Date.parse(row.at),
    ownMs: row.own === null ? undefined : Date.parse(row.own),
    newestMs: Date.parse(row.newest),
    isOtherTimeline: timeline !== undefined && row.timeline !== null && row.timeline !== timeline,
    unsettledHeight: row.unsettled_height === null ? undefined : Number(row.unsettled_height),
    confirmed: Number(row.confirmed_height),
  };
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
