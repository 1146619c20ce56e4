import type { ChainConfig } from '../chains/config.ts';
import type { Block } from '../chains/port.ts';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import type { Pool, Queryable } from '../store/pool.ts';

/** How far a chain has been read. */
export interface Cursor {
  /** Deposits up to this height are shown. */
  readonly scanned: number;
  /** Deposits up to this height are credited. */
  readonly confirmed: number;
  /** The first block that was read; undefined if it is unknown. */
  readonly first: number | undefined;
}

/**
 * Verifies that the database has followed the configured networks only. Heights of another network would be meaningless.
 *
 * @throws ConfigError if it has followed another network of a chain
 */
export async function requireNetworks(pool: Pool, configs: readonly ChainConfig[]): Promise<void> {
  const { rows } = await pool.query<{ chain: string; network: string }>(
    'select chain, network from chain_cursors',
  );
  for (const { chain, network } of rows) {
    const config = configs.find((known) => known.chain === chain);
    if (!config || config.networkId === network) continue;
    throw new ConfigError(
      `--chains-file: /${chain}: must be network ${network}, which this database follows. ` +
        `Use another database for network ${config.networkId}.`,
    );
  }
}

/**
 * Creates the cursor of a chain unless it exists.
 *
 * @param opening the treasury's balances before the first block, by currency; null if no node has them
 */
export async function createCursor(
  pool: Pool,
  config: ChainConfig,
  firstBlock: number,
  opening: ReadonlyMap<Stablecoin, bigint> | null,
): Promise<void> {
  const balances =
    opening && JSON.stringify(Object.fromEntries([...opening].map(([of, held]) => [of, `${held}`])));
  await pool.query(
    `insert into chain_cursors
        (chain, network, scanned_height, confirmed_height, first_height, opening_balances, updated_at)
      values ($1, $2, $3 - 1, $3 - 1, $3, $4, now()) on conflict (chain) do nothing`,
    [config.chain, config.networkId, firstBlock, balances],
  );
}

/** Reads the cursor of a chain; undefined if the chain has not been followed yet. */
export async function readCursor(db: Queryable, chain: Chain): Promise<Cursor | undefined> {
  const { rows } = await db.query<Record<'scanned_height' | 'confirmed_height' | 'first_height', bigint>>(
    'select scanned_height, confirmed_height, first_height from chain_cursors where chain = $1',
    [chain],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { confirmed_height: confirmed, first_height: first, scanned_height: scanned } = row;
  return {
    scanned: Number(scanned),
    confirmed: Number(confirmed),
    first: first === null ? undefined : Number(first),
  };
}

/**
 * How many deep reorganisations of a chain are known.
 *
 * @param lock `for share` keeps another one from being recorded before the transaction ends
 */
export async function countReorganisations(
  db: Queryable,
  chain: Chain,
  lock: 'for share' | '' = '',
): Promise<number> {
  const { rows } = await db.query<{ reorganisations: number }>(
    `select reorganisations from chain_cursors where chain = $1 ${lock}`,
    [chain],
  );
  return rows[0]?.reorganisations ?? 0;
}

/**
 * Records that all deposits up to a height are credited, and keeps the id of its block for a window of heights. Does nothing if another
 * process has moved the cursor.
 *
 * @param id undefined if there is no block at the height (a skipped slot of Solana)
 */
export async function advanceConfirmed(
  pool: Pool,
  chain: Chain,
  from: number,
  to: number,
  id: string | undefined,
): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set confirmed_height = $3, scanned_height = greatest(scanned_height, $3), updated_at = now()
        where chain = $1 and confirmed_height = $2 returning chain),
      shown as (
        delete from chain_blocks b using moved m
        where b.chain = m.chain and b.height > $2 and (b.height < $3 or b.height = $3 and $4::text is null))
      insert into chain_blocks (chain, height, block_id) select chain, $3, $4 from moved where $4::text is not null
      on conflict (chain, height) do update set block_id = excluded.block_id`,
    [chain, from, to, id ?? null],
  );
  // The newest one below the window stays: the chain may have forked anywhere above it.
  await pool.query(
    `delete from chain_blocks where chain = $1 and height in (
        select height from chain_blocks where chain = $1 and height < (
          select max(height) from chain_blocks where chain = $1 and height <= $2)
        order by height limit $3)`,
    [chain, to - limits.confirmedBlockWindow, limits.prunedBlocks],
  );
}

/** The kept blocks of confirmed heights, the newest first. */
export async function listConfirmedBlocks(pool: Pool, chain: Chain): Promise<Block[]> {
  return toBlocks(
    await pool.query<BlockRow>(
      `select b.height, b.block_id from chain_blocks b join chain_cursors c on c.chain = b.chain
        where b.chain = $1 and b.height <= c.confirmed_height order by b.height desc`,
      [chain],
    ),
  );
}

/** The newest kept block of a confirmed height up to a height; undefined if there is none. */
export async function findConfirmedBlock(pool: Pool, chain: Chain, upTo: number): Promise<Block | undefined> {
  const [block] = toBlocks(
    await pool.query<BlockRow>(
      `select b.height, b.block_id from chain_blocks b join chain_cursors c on c.chain = b.chain
        where b.chain = $1 and b.height <= least(c.confirmed_height, $2) order by b.height desc limit 1`,
      [chain, upTo],
    ),
  );
  return block;
}

/** Records that all deposits up to a block are shown. */
export async function advanceScanned(pool: Pool, chain: Chain, block: Block): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set scanned_height = $2, updated_at = now()
        where chain = $1 and confirmed_height < $2 returning chain)
      insert into chain_blocks (chain, height, block_id) select chain, $2, $3 from moved
      on conflict (chain, height) do update set block_id = excluded.block_id`,
    [chain, block.height, block.id],
  );
}

/** The last blocks of the ranges that were shown and are not confirmed, the newest first. */
export async function listScannedBlocks(pool: Pool, chain: Chain): Promise<Block[]> {
  return toBlocks(
    await pool.query<BlockRow>(
      `select b.height, b.block_id from chain_blocks b join chain_cursors c on c.chain = b.chain
        where b.chain = $1 and b.height > c.confirmed_height order by b.height desc`,
      [chain],
    ),
  );
}

interface BlockRow extends Record<string, unknown> {
  readonly height: bigint;
  readonly block_id: string;
}

function toBlocks({ rows }: { readonly rows: readonly BlockRow[] }): Block[] {
  return rows.map(({ block_id: id, height }) => ({ height: Number(height), id }));
}

/** Moves the cursor back after a reorganization: blocks after the height are scanned again. */
export async function rewindScanned(pool: Pool, chain: Chain, height: number): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set scanned_height = greatest(confirmed_height, $2), updated_at = now()
        where chain = $1 returning chain, confirmed_height)
      delete from chain_blocks b using moved m where b.chain = m.chain and b.height > greatest(m.confirmed_height, $2)`,
    [chain, height],
  );
}
