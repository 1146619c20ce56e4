import { randomUUID } from 'node:crypto';
import type { Chain } from '../../chains/registry.ts';
import { limits } from '../../platform/limits.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, PoolClient } from '../../store/pool.ts';
import type { ChainHoldRow } from '../../store/tables/chains.ts';
import { inTransaction } from '../../store/transaction.ts';
import type { HoldKind } from './queries.ts';

/** What is recorded with a hold beside its kind. */
export interface HoldFacts {
  /** Names the operator who opens it; the server opens it if omitted. */
  readonly by?: string;
  /** What the hold is about by currency, in minor units. */
  readonly figures?: Readonly<Record<string, string>>;
}

/**
 * Holds a chain: nothing of it is signed until an operator releases the hold. A chain has at most one open hold of a kind: a second one
 * only renews the detail and the figures of the first.
 *
 * @param detail what was found, for the operator
 * @returns whether there was no open hold of this kind
 */
export async function holdChain(
  pool: Pool,
  chain: Chain,
  kind: HoldKind,
  detail: string,
  { by, figures }: HoldFacts = {},
): Promise<boolean> {
  const found = {
    detail: detail.slice(0, limits.holdDetailLength),
    figures: figures === undefined ? null : JSON.stringify(figures),
  };
  return inTransaction(pool, async (client) => {
    const open = await findOpen(client, chain, kind);
    if (open) {
      if (open.detail !== found.detail || open.figures !== found.figures) {
        await updateHold(pool, client, { ...open, ...found });
      }
      return false;
    }
    const row = {
      ...{ id: `hold_${randomUUID()}`, chain, kind, ...found },
      ...{ opened_at: new Date().toISOString(), opened_by: by ?? null },
    };
    const { rowCount } = await client.query(
      `insert into chain_holds (id, chain, kind, detail, figures, opened_at, opened_by, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (chain, kind) where released_at is null do nothing`,
      [row.id, chain, kind, row.detail, row.figures, row.opened_at, row.opened_by, macOf(pool, row)],
    );
    return rowCount === 1;
  });
}

/** Who releases a hold, and why. */
export interface Release {
  readonly by: string;
  readonly reason: string;
}

/**
 * Releases a hold, also one whose row is not authentic: the operator has looked at it.
 *
 * @returns whether it was open
 */
export async function releaseHold(pool: Pool, id: string, { by, reason }: Release): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rows } = await client.query<ChainHoldRow>(
      `select ${authenticatedColumns('chain_holds')} from chain_holds t where t.id = $1 for update`,
      [id],
    );
    const [row] = rows;
    if (!row) return false;
    const isOpen = row.released_at === null || !pool.guard.isAuthentic('chain_holds', { ...row });
    if (!isOpen) return false;
    const released = { released_at: new Date().toISOString(), released_by: by, release_reason: reason };
    await updateHold(pool, client, { ...row, ...released });
    return true;
  });
}

async function findOpen(client: PoolClient, chain: Chain, kind: HoldKind): Promise<ChainHoldRow | undefined> {
  const { rows } = await client.query<ChainHoldRow>(
    `select ${authenticatedColumns('chain_holds')} from chain_holds t
      where t.chain = $1 and t.kind = $2 and t.released_at is null for update`,
    [chain, kind],
  );
  return rows[0];
}

async function updateHold(pool: Pool, client: PoolClient, row: ChainHoldRow): Promise<void> {
  await client.query(
    `update chain_holds set detail = $2, figures = $3, released_at = $4, released_by = $5, release_reason = $6, mac = $7
      where id = $1`,
    [row.id, row.detail, row.figures, row.released_at, row.released_by, row.release_reason, macOf(pool, row)],
  );
}

function macOf(pool: Pool, row: object): string {
  return pool.guard.macOf('chain_holds', { ...row });
}
