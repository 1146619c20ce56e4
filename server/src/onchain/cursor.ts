import type { ChainConfig } from '../chains/config.ts';
import type { Block } from '../chains/port.ts';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import { ConfigError } from '../platform/config.ts';
import type { Pool, Queryable } from '../store/pool.ts';

/** How far a chain has been read. */
export interface Cursor {
  /** Deposits up to this height are shown. */
  readonly scanned: number;
  /** Deposits up to this height are credited. */
  readonly confirmed: number;
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
    `insert into chain_cursors (chain, network, scanned_height, confirmed_height, opening_balances, updated_at)
      values ($1, $2, $3, $3, $4, now()) on conflict (chain) do nothing`,
    [config.chain, config.networkId, firstBlock - 1, balances],
  );
}

/** Reads the cursor of a chain; undefined if the chain has not been followed yet. */
export async function readCursor(db: Queryable, chain: Chain): Promise<Cursor | undefined> {
  const { rows } = await db.query<{ scanned_height: bigint; confirmed_height: bigint }>(
    'select scanned_height, confirmed_height from chain_cursors where chain = $1',
    [chain],
  );
  const [row] = rows;
  return row && { scanned: Number(row.scanned_height), confirmed: Number(row.confirmed_height) };
}

/** Records that all deposits up to a height are credited. Does nothing if another process has moved the cursor. */
export async function advanceConfirmed(pool: Pool, chain: Chain, from: number, to: number): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set confirmed_height = $3, scanned_height = greatest(scanned_height, $3), updated_at = now()
        where chain = $1 and confirmed_height = $2 returning chain)
      delete from chain_blocks b using moved m where b.chain = m.chain and b.height <= $3`,
    [chain, from, to],
  );
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

/** The last blocks of the ranges that were scanned, the newest first. */
export async function listScannedBlocks(pool: Pool, chain: Chain): Promise<Block[]> {
  const { rows } = await pool.query<{ height: bigint; block_id: string }>(
    'select height, block_id from chain_blocks where chain = $1 order by height desc',
    [chain],
  );
  return rows.map(({ block_id: id, height }) => ({ height: Number(height), id }));
}

/** Moves the cursor back after a reorganization: blocks after the height are scanned again. */
export async function rewindScanned(pool: Pool, chain: Chain, height: number): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set scanned_height = greatest(confirmed_height, $2), updated_at = now()
        where chain = $1 returning chain)
      delete from chain_blocks b using moved m where b.chain = m.chain and b.height > $2`,
    [chain, height],
  );
}
