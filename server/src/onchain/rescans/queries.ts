import type { Chain } from '../../chains/registry.ts';
import type { Pool } from '../../store/pool.ts';
import type { ChainRescanRow } from '../../store/tables/chains.ts';

/**
 * Why blocks are read again. Rows say only which: what is credited is read from the chain, and by the ids of its transfers nothing is
 * credited twice.
 */
export type RescanReason = ChainRescanRow['reason'];

/** A range of final blocks that is read again. */
export interface Rescan {
  readonly chain: Chain;
  readonly reason: RescanReason;
  readonly fromHeight: number;
  readonly toHeight: number;
  /** Blocks before this height are done. */
  readonly nextHeight: number;
  /** Transfers that are left. */
  readonly waiting: number;
  /** Transfers that were recorded for the first time. */
  readonly found: number;
  /** Failures in a row. */
  readonly tries: number;
  readonly fault: string | null;
  readonly finishedAt: string | null;
}

interface RescanRow {
  readonly chain: Chain;
  readonly reason: RescanReason;
  readonly from_height: bigint;
  readonly to_height: bigint;
  readonly next_height: bigint;
  readonly waiting: bigint;
  readonly found: bigint;
  readonly tries: number;
  readonly fault: string | null;
  readonly finished_at: string | null;
}

function toRescan(row: RescanRow): Rescan {
  const { chain, fault, reason, tries } = row;
  return {
    chain,
    reason,
    fromHeight: Number(row.from_height),
    toHeight: Number(row.to_height),
    nextHeight: Number(row.next_height),
    waiting: Number(row.waiting),
    found: Number(row.found),
    tries,
    fault,
    finishedAt: row.finished_at,
  };
}

/**
 * The rescan that is due next: what customers wait for comes before what an operator asked for. After a deep reorganisation, those of
 * blocks that are not final any more wait until they are.
 */
export async function findDueRescan(pool: Pool, chain: Chain): Promise<Rescan | undefined> {
  const { rows } = await pool.query<RescanRow>({
    name: 'find_due_rescan',
    text: `select r.* from chain_rescans r join chain_cursors c on c.chain = r.chain
      where r.chain = $1 and r.finished_at is null and r.next_try_at <= now() and r.to_height <= c.confirmed_height
      order by reason = 'requested', next_try_at limit 1`,
    values: [chain],
  });
  const [row] = rows;
  return row && toRescan(row);
}

/** Whether a part of the blocks up to a height is still to be recorded. */
export async function hasLeftovers(pool: Pool, chain: Chain, toHeight: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `select from chain_rescans
      where chain = $1 and finished_at is null and reason = 'over_limit' and from_height <= $2 limit 1`,
    [chain, toHeight],
  );
  return rowCount === 1;
}

/** The rescan of a range that an operator asked for; undefined if there is none. */
export async function findRequestedRescan(
  pool: Pool,
  chain: Chain,
  fromHeight: number,
  toHeight: number,
): Promise<Rescan | undefined> {
  const { rows } = await pool.query<RescanRow>(
    `select * from chain_rescans where chain = $1 and reason = 'requested' and from_height = $2 and to_height = $3`,
    [chain, fromHeight, toHeight],
  );
  const [row] = rows;
  return row && toRescan(row);
}

/** Open rescans of one reason, summed up. */
export interface OpenRescans {
  readonly chain: Chain;
  readonly reason: RescanReason;
  /** How many ranges or blocks. */
  readonly count: number;
  readonly waiting: number;
  /** The first block that is not done. */
  readonly nextHeight: number;
  readonly toHeight: number;
  readonly found: number;
  readonly fault: string | null;
}

/** Sums up what is to be read again, by chain and reason. */
export async function listOpenRescans(pool: Pool, chain?: Chain): Promise<OpenRescans[]> {
  const { rows } = await pool.query<Record<keyof OpenRescans, string>>(
    `select chain, reason, count(*), sum(waiting) as waiting, min(next_height) as "nextHeight",
        max(to_height) as "toHeight", sum(found) as found, max(fault) as fault
      from chain_rescans where finished_at is null and ($1::text is null or chain = $1)
      group by chain, reason order by chain, reason`,
    [chain ?? null],
  );
  return rows.map((row) => ({
    chain: row.chain as Chain,
    reason: row.reason as RescanReason,
    count: Number(row.count),
    waiting: Number(row.waiting),
    nextHeight: Number(row.nextHeight),
    toHeight: Number(row.toHeight),
    found: Number(row.found),
    fault: row.fault,
  }));
}
