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
  const { rows } = await pool.query<{ id: string; transaction_id: string }>({
    name: 'find_chain_deposits',
    text: `select id, transaction_id from chain_deposits
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

/** Lists pending deposits up to a height, without rows that fail authentication. */
export function listPending(pool: Pool, chain: Chain, toHeight: number): Promise<StoredDeposit[]> {
  return listOpen(pool, chain, 'pending', toHeight);
}

/** Lists final deposits that wait for a rate. */
export function listAwaitingRate(pool: Pool, chain: Chain): Promise<StoredDeposit[]> {
  return listOpen(pool, chain, 'confirmed', Number.MAX_SAFE_INTEGER);
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
