import { type Chain, isChain } from '../../chains/registry.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import type { GuardedRow } from '../../store/row-guard.ts';
import type { ChainHoldRow } from '../../store/tables/chains.ts';

/**
 * Why nothing is signed on a chain.
 *
 * - `paused`: an operator has paused it.
 * - `unknown_outflow`: the chain has something of our own addresses that the books did not give out.
 * - `unexplained_difference`: reconciliation has found a difference that nothing explains.
 * - `unknown_fork`: the chain was reorganised below the oldest block whose id is kept.
 */
export type HoldKind = 'paused' | 'unknown_outflow' | 'unexplained_difference' | 'unknown_fork';

/** A hold of a chain. */
export interface Hold {
  readonly id: string;
  readonly chain: string;
  readonly kind: string;
  /** What was found, for the operator. */
  readonly detail: string;
  /** What the hold is about by currency, in minor units. */
  readonly figures: Readonly<Record<string, string>>;
  readonly openedAt: string;
  /** The operator who opened it; null if the server did. */
  readonly openedBy: string | null;
}

type HoldRow = ChainHoldRow & GuardedRow;

/**
 * Lists the open holds of a chain. While there is one, nothing of the chain is signed. A hold that is not authentic counts as open.
 */
export async function listHolds(pool: Pool, chain: Chain): Promise<Hold[]> {
  const { rows } = await pool.query<HoldRow>({
    name: 'list_chain_holds',
    text: `select ${authenticatedColumns('chain_holds')} from chain_holds t where t.chain = $1 order by t.opened_at, t.id`,
    values: [chain],
  });
  return rows.filter((row) => !isReleased(pool, row)).map(toHold);
}

function isReleased(pool: Pool, row: HoldRow): boolean {
  return pool.guard.admits('chain_holds', row) && row.released_at !== null;
}

/** Lists the open holds of all chains for display, without a master key. */
export async function listShownHolds(db: Queryable): Promise<Hold[]> {
  const { rows } = await db.query<ChainHoldRow>(
    'select * from chain_holds where released_at is null order by chain, opened_at, id',
  );
  return rows.filter(({ chain }) => isChain(chain)).map(toHold);
}

/** The hold of a kind that was released last; undefined if there is none. */
export async function findLastReleased(pool: Pool, chain: Chain, kind: HoldKind): Promise<Hold | undefined> {
  const { rows } = await pool.query<HoldRow>(
    `select ${authenticatedColumns('chain_holds')} from chain_holds t
      where t.chain = $1 and t.kind = $2 and t.released_at is not null order by t.released_at desc limit 1`,
    [chain, kind],
  );
  const [row] = rows;
  return row && pool.guard.admits('chain_holds', row) ? toHold(row) : undefined;
}

function toHold(row: ChainHoldRow): Hold {
  return {
    id: row.id,
    chain: row.chain,
    kind: row.kind,
    detail: row.detail,
    figures: JSON.parse(row.figures ?? '{}'),
    openedAt: row.opened_at,
    openedBy: row.opened_by,
  };
}
