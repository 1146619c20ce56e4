import type { Chain } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool } from '../../store/pool.ts';
import type { Rescan, RescanReason } from './queries.ts';

/** What is left of a block. */
export interface DeferredBlock {
  readonly height: number;
  readonly reason: Exclude<RescanReason, 'requested'>;
  readonly waiting: number;
}

/** Stores blocks that are read again, before the cursor moves past them. */
export async function deferBlocks(pool: Pool, chain: Chain, blocks: readonly DeferredBlock[]): Promise<void> {
  if (blocks.length === 0) return;
  const column = (type: 'int8' | 'text', of: (block: DeferredBlock) => string | number) =>
    arrayLiteral(type, blocks.map(of));
  await pool.query(
    `insert into chain_rescans (chain, reason, from_height, to_height, next_height, waiting, found, tries, created_at, next_try_at)
      select $1, reason, height, height, height, waiting, 0, 0, now(), now()
      from unnest($2::text[], $3::int8[], $4::int8[]) as given(reason, height, waiting)
      on conflict (chain, reason, from_height, to_height)
        do update set next_height = excluded.next_height, waiting = excluded.waiting, finished_at = null`,
    [
      chain,
      column('text', ({ reason }) => reason),
      column('int8', ({ height }) => height),
      column('int8', ({ waiting }) => waiting),
    ],
  );
}

/** What an operator's request became. */
export type RescanRequest =
  | { readonly ok: true; readonly toHeight: number }
  /** `message` states the rule. */
  | { readonly ok: false; readonly message: string };

/**
 * Asks for a range of blocks to be read again by the server that follows the chain. Asking again for a range that has ended starts
 * it anew; one under way goes on.
 *
 * @param toHeight the last block; the last one that is credited by default
 */
export async function requestRescan(
  pool: Pool,
  chain: Chain,
  fromHeight: number,
  toHeight: number | undefined,
): Promise<RescanRequest> {
  const { rows } = await pool.query<{ confirmed_height: bigint }>(
    'select confirmed_height from chain_cursors where chain = $1',
    [chain],
  );
  const [row] = rows;
  if (!row) return { ok: false, message: `No server has followed ${chain} yet; set startBlock instead.` };
  const confirmed = Number(row.confirmed_height);
  const to = toHeight ?? confirmed;
  if (to > confirmed)
    return { ok: false, message: `--to must be at most ${confirmed}, the last block that is credited.` };
  if (fromHeight > to) return { ok: false, message: `--from must be at most ${to}.` };
  await pool.query(
    `insert into chain_rescans (chain, reason, from_height, to_height, next_height, waiting, found, tries, created_at, next_try_at)
      values ($1, 'requested', $2, $3, $2, 0, 0, 0, now(), now())
      on conflict (chain, reason, from_height, to_height)
        do update set next_height = excluded.next_height, found = 0, tries = 0, fault = null, finished_at = null,
          next_try_at = now()
        where chain_rescans.finished_at is not null`,
    [chain, fromHeight, to],
  );
  return { ok: true, toHeight: to };
}

/** What a step of a rescan came to. */
export interface RescanStep {
  /** Blocks before this height are done. */
  readonly nextHeight: number;
  readonly waiting: number;
  readonly found: number;
  /** Why the rest has to wait; undefined to go on. */
  readonly fault: string | undefined;
}

/** Saves a step. A rescan that waits is tried again later, twice as late after each failure. */
export async function saveRescanStep(pool: Pool, rescan: Rescan, step: RescanStep): Promise<void> {
  const tries = step.fault === undefined ? 0 : rescan.tries + 1;
  const delayMs = Math.min(limits.rescanRetryMaxMs, limits.rescanRetryMs * 2 ** Math.min(tries - 1, 20));
  await pool.query(
    `update chain_rescans set next_height = $5, waiting = $6, found = found + $7, tries = $8, fault = $9,
        next_try_at = now() + $10 * interval '1 millisecond',
        finished_at = case when $5 > to_height then now() end
      where chain = $1 and reason = $2 and from_height = $3 and to_height = $4`,
    [
      rescan.chain,
      rescan.reason,
      rescan.fromHeight,
      rescan.toHeight,
      step.nextHeight,
      step.waiting,
      step.found,
      tries,
      step.fault ?? null,
      tries === 0 ? 0 : delayMs,
    ],
  );
}
