import type { ChainConfig } from '../chains/config.ts';
import type { Block, SeenTransfer } from '../chains/port.ts';
import type { Chain, Stablecoin } from '../chains/registry.ts';
import { ConfigError } from '../platform/config.ts';
import { limits } from '../platform/limits.ts';
import type { Pool, Queryable } from '../store/pool.ts';

/** How far a chain has been read. */
export interface Cursor {
  /** Deposits up to here are shown. */
  readonly scanned: number;
  /** Deposits up to here are credited. */
  readonly confirmed: number;
}

/**
 * Makes sure that a database follows one network of a chain for good: heights of another one would mean nothing.
 *
 * @throws ConfigError when it has followed another one
 */
export async function expectNetworks(pool: Pool, configs: readonly ChainConfig[]): Promise<void> {
  const { rows } = await pool.query<{ chain: string; network: string }>(
    'select chain, network from chain_cursors',
  );
  for (const { chain, network } of rows) {
    const config = configs.find((known) => known.chain === chain);
    if (!config || config.networkId === network) continue;
    throw new ConfigError(
      `--chains-file: /${chain}: this database has followed network ${network} of ${chain}, not ${config.networkId}. ` +
        'Use another database for another network.',
    );
  }
}

/**
 * Takes or keeps the work on a chain. Of several processes one works; that two do for a moment does no harm.
 *
 * @returns whether this process is the one
 */
export async function holdChain(pool: Pool, chain: Chain, holder: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update chain_cursors set holder = $2, held_until = now() + $3 * interval '1 millisecond'
      where chain = $1 and (holder is null or holder = $2 or held_until < now())`,
    [chain, holder, limits.chainLeaseMs],
  );
  return rowCount === 1;
}

/** Leaves the work on a chain to whoever comes first: otherwise others would wait until the lease has run out. */
export async function leaveChain(pool: Pool, chain: Chain, holder: string): Promise<void> {
  await pool.query(
    'update chain_cursors set holder = null, held_until = null where chain = $1 and holder = $2',
    [chain, holder],
  );
}

/**
 * Begins to follow a chain at a block, unless it is followed already.
 *
 * @param opening what the treasury held before it, by currency; null when no node knows
 */
export async function beginChain(
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

/** @returns undefined when the chain is not followed yet */
export async function readCursor(db: Queryable, chain: Chain): Promise<Cursor | undefined> {
  const { rows } = await db.query<{ scanned_height: bigint; confirmed_height: bigint }>(
    'select scanned_height, confirmed_height from chain_cursors where chain = $1',
    [chain],
  );
  const [row] = rows;
  return row && { scanned: Number(row.scanned_height), confirmed: Number(row.confirmed_height) };
}

/** Everything up to a height has been credited. Does nothing when another process has got further. */
export async function moveConfirmed(pool: Pool, chain: Chain, from: number, to: number): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set confirmed_height = $3, scanned_height = greatest(scanned_height, $3), updated_at = now()
        where chain = $1 and confirmed_height = $2 returning chain)
      delete from chain_blocks b using moved m where b.chain = m.chain and b.height <= $3`,
    [chain, from, to],
  );
}

/** Everything up to a block has been shown. */
export async function moveScanned(pool: Pool, chain: Chain, block: Block): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set scanned_height = $2, updated_at = now()
        where chain = $1 and confirmed_height < $2 returning chain)
      insert into chain_blocks (chain, height, block_id) select chain, $2, $3 from moved
      on conflict (chain, height) do update set block_id = excluded.block_id`,
    [chain, block.height, block.id],
  );
}

/** The ends of the ranges that were shown, the newest first. */
export async function listBlocks(pool: Pool, chain: Chain): Promise<Block[]> {
  const { rows } = await pool.query<{ height: bigint; block_id: string }>(
    'select height, block_id from chain_blocks where chain = $1 order by height desc',
    [chain],
  );
  return rows.map(({ block_id: id, height }) => ({ height: Number(height), id }));
}

/** Forgets what was read after a height: the chain has changed there. */
export async function forgetAfter(pool: Pool, chain: Chain, height: number): Promise<void> {
  await pool.query(
    `with moved as (
        update chain_cursors set scanned_height = greatest(confirmed_height, $2), updated_at = now()
        where chain = $1 returning chain)
      delete from chain_blocks b using moved m where b.chain = m.chain and b.height > $2`,
    [chain, height],
  );
}

/** Why something that arrived was not credited. */
export type NoticeReason =
  | 'unlisted_token'
  | 'below_minimum'
  | 'not_received'
  /** Less arrived than was said: that much is credited. */
  | 'partly_received'
  | 'zero_value'
  | 'too_large'
  | 'treasury_funding';

/** Something that arrived and was not credited. */
export interface Notice {
  readonly id: string;
  readonly reason: NoticeReason;
  readonly transfer: SeenTransfer;
  /** How much of it has arrived and is nobody's, in minor units; 0 for what is not our token. */
  readonly receivedMinor: bigint;
}

/**
 * Keeps notices for the operator.
 *
 * @returns those that were not known yet
 */
export async function keepNotices(
  pool: Pool,
  chain: Chain,
  notices: readonly Notice[],
): Promise<readonly Notice[]> {
  const kept: Notice[] = [];
  for (const notice of notices) {
    const { id, reason, receivedMinor, transfer } = notice;
    const { rowCount } = await pool.query(
      `insert into chain_notices (chain, id, tx_hash, height, reason, token, address, amount, received, currency, seen_at)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now()) on conflict do nothing`,
      [
        chain,
        id,
        transfer.txHash,
        transfer.block.height,
        reason,
        transfer.token,
        transfer.to,
        transfer.amount.toString(),
        receivedMinor.toString(),
        transfer.currency ?? null,
      ],
    );
    if (rowCount === 1) kept.push(notice);
  }
  return kept;
}
