import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool } from '../../store/pool.ts';
import type { GuardedRow } from '../../store/row-guard.ts';
import type { ChainDepositRow } from '../../store/tables/chains.ts';
import type { ChainDeposit, KnownDeposit } from './commands.ts';

/** Finds the rows of deposits, by id. */
export async function findDeposits(
  pool: Pool,
  deposits: readonly ChainDeposit[],
): Promise<ReadonlyMap<string, KnownDeposit>> {
  const { rows } = await pool.query<{ id: string; transaction_id: string; lost_minor: bigint | null }>({
    name: 'find_chain_deposits',
    text: `select id, transaction_id, lost_minor from chain_deposits
      join unnest($1::int2[], $2::text[]) as wanted(wanted_bucket, wanted_id)
        on bucket = wanted_bucket and id = wanted_id`,
    values: [
      arrayLiteral(
        'int2',
        deposits.map(({ walletId }) => bucketOfId(walletId)),
      ),
      arrayLiteral(
        'text',
        deposits.map(({ id }) => id),
      ),
    ],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** A stored deposit. */
export interface StoredDeposit {
  readonly deposit: ChainDeposit;
  readonly known: KnownDeposit;
}

/** Finds the authentic rows of deposits that are credited. */
export async function findCredited(
  pool: Pool,
  deposits: readonly ChainDeposit[],
): Promise<readonly StoredDeposit[]> {
  const { rows } = await pool.query<ChainDepositRow>({
    name: 'find_credited_chain_deposits',
    text: `select d.* from chain_deposits d
      join unnest($1::int2[], $2::text[]) as wanted(wanted_bucket, wanted_id)
        on d.bucket = wanted_bucket and d.id = wanted_id
      where d.status = 'credited'`,
    values: [
      arrayLiteral(
        'int2',
        deposits.map(({ walletId }) => bucketOfId(walletId)),
      ),
      arrayLiteral(
        'text',
        deposits.map(({ id }) => id),
      ),
    ],
  });
  return onlyAuthentic(pool, rows);
}

/** Lists pending deposits up to a height, without rows that fail authentication. */
export function listPending(pool: Pool, chain: Chain, toHeight: number): Promise<StoredDeposit[]> {
  return listOpen(pool, chain, 'pending', toHeight);
}

/** Lists final deposits that wait for a rate. */
export function listAwaitingRate(pool: Pool, chain: Chain): Promise<StoredDeposit[]> {
  return listOpen(pool, chain, 'confirmed', Number.MAX_SAFE_INTEGER);
}

/**
 * Lists the final deposits of a range of blocks, both ends included, in pages: those that are credited, and those that wait for a rate. Rows
 * that fail authentication are left out.
 */
export async function* listFinal(
  pool: Pool,
  chain: Chain,
  from: number,
  to: number,
): AsyncGenerator<StoredDeposit[]> {
  let after: readonly [height: bigint, id: string] = [BigInt(from), ''];
  for (;;) {
    const { rows } = await pool.query<ChainDepositRow>({
      name: 'list_final_chain_deposits',
      text: `select * from chain_deposits
        where chain = $1 and status in ('confirmed', 'credited') and height <= $2 and (height, id) > ($3, $4)
        order by height, id limit $5`,
      values: [chain, to, after[0].toString(), after[1], limits.dueTransferBatch],
    });
    if (rows.length > 0) yield onlyAuthentic(pool, rows);
    const last = rows.at(-1);
    if (!last || rows.length < limits.dueTransferBatch) return;
    after = [last.height, last.id];
  }
}

/** Reads page after page until enough rows are authentic: forged ones take no place of a real one. */
async function listOpen(
  pool: Pool,
  chain: Chain,
  status: ChainDepositRow['status'],
  toHeight: number,
): Promise<StoredDeposit[]> {
  const found: StoredDeposit[] = [];
  let after: Pick<ChainDepositRow, 'height' | 'bucket' | 'id'> = { height: -1n, bucket: 0, id: '' };
  for (;;) {
    const { rows } = await pool.query<ChainDepositRow>({
      name: 'list_open_chain_deposits',
      text: `select * from chain_deposits
        where chain = $1 and status = $2 and status in ('pending', 'confirmed') and height <= $3
          and (height, bucket, id) > ($4, $5, $6)
        order by height, bucket, id limit $7`,
      values: [chain, status, toHeight, after.height, after.bucket, after.id, limits.dueTransferBatch],
    });
    for (const row of rows) {
      if (found.length === limits.dueTransferBatch) return found;
      if (!pool.guard.admits('chain_deposits', row as unknown as GuardedRow)) continue;
      found.push({ deposit: toDeposit(row), known: row });
    }
    const last = rows.at(-1);
    if (!last || rows.length < limits.dueTransferBatch) return found;
    after = last;
  }
}

function onlyAuthentic(pool: Pool, rows: readonly ChainDepositRow[]): StoredDeposit[] {
  return rows
    .filter((row) => pool.guard.admits('chain_deposits', row as unknown as GuardedRow))
    .map((row) => ({ deposit: toDeposit(row), known: row }));
}

function toDeposit(row: ChainDepositRow): ChainDeposit {
  return {
    id: row.id,
    environmentId: row.environment_id,
    walletId: row.wallet_id,
    chain: row.chain as Chain,
    txHash: row.tx_hash,
    height: Number(row.height),
    blockId: row.block_id,
    currency: row.currency as Stablecoin,
    amountMinor: row.amount_minor,
  };
}
