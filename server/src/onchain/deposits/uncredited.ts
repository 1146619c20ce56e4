import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import type { Pool } from '../../store/pool.ts';

/** Why a transfer to a watched address was not credited. */
export type UncreditedReason =
  | 'unlisted_token'
  | 'below_minimum'
  | 'not_received'
  /** Less was received than the event reports. The received amount is credited. */
  | 'partly_received'
  | 'zero_value'
  | 'too_large'
  | 'treasury_funding';

/** A transfer to a watched address that was not credited. */
export interface UncreditedDeposit {
  readonly id: string;
  readonly reason: UncreditedReason;
  readonly transfer: SeenTransfer;
  /** The received amount that belongs to no customer, in minor units; 0 for tokens that are not configured. */
  readonly receivedMinor: bigint;
}

/**
 * Stores uncredited deposits for the operator.
 *
 * @returns those that were not stored before
 */
export async function saveUncredited(
  pool: Pool,
  chain: Chain,
  deposits: readonly UncreditedDeposit[],
): Promise<readonly UncreditedDeposit[]> {
  const added: UncreditedDeposit[] = [];
  for (const deposit of deposits) {
    const { id, reason, receivedMinor, transfer } = deposit;
    const { rowCount } = await pool.query(
      `insert into uncredited_deposits (chain, id, tx_hash, height, reason, token, address, amount, received, currency, seen_at)
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
    if (rowCount === 1) added.push(deposit);
  }
  return added;
}

/** Whether a transfer is stored as uncredited. */
export async function isUncredited(pool: Pool, chain: Chain, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('select from uncredited_deposits where chain = $1 and id = $2', [
    chain,
    id,
  ]);
  return rowCount === 1;
}

/** Finds out which uncredited deposits operators have decided about, by order. */
export async function listDecided(pool: Pool, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ subject: string }>({
    name: 'list_decided_deposits',
    text: `select subject from operator_actions where subject = any($1) and status in ('accepted', 'done')`,
    values: [[...ids]],
  });
  return new Set(rows.map(({ subject }) => subject));
}

/** A stored uncredited deposit. Amounts are in the token's smallest units. */
export interface StoredUncredited {
  readonly id: string;
  readonly chain: string;
  readonly reason: UncreditedReason;
  readonly txHash: string;
  readonly height: bigint;
  readonly token: string;
  readonly currency: string | null;
  readonly address: string;
  readonly amount: string;
  readonly received: string;
  readonly seenAt: string;
}

const storedColumns = `id, chain, reason, tx_hash as "txHash", height, token, currency, address, amount, received,
  seen_at as "seenAt"`;

/** Finds an uncredited deposit. */
export async function findUncredited(
  pool: Pool,
  chain: string,
  id: string,
): Promise<StoredUncredited | undefined> {
  const { rows } = await pool.query<StoredUncredited>(
    `select ${storedColumns} from uncredited_deposits where chain = $1 and id = $2`,
    [chain, id],
  );
  return rows[0];
}

/** Lists the newest uncredited deposits of one chain, or of all chains. */
export async function listUncredited(
  pool: Pool,
  chain: string | undefined,
  limit: number,
): Promise<StoredUncredited[]> {
  const { rows } = await pool.query<StoredUncredited>(
    `select ${storedColumns} from uncredited_deposits where $1::text is null or chain = $1 order by seen_at desc, id limit $2`,
    [chain ?? null, limit],
  );
  return rows;
}
