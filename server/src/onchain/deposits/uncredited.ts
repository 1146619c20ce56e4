import type { SeenTransfer } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { arrayLiteral } from '../../store/arrays.ts';
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
 * Stores uncredited deposits for the operator, with one statement.
 *
 * @returns those that were not stored before
 */
export async function saveUncredited(
  pool: Pool,
  chain: Chain,
  deposits: readonly UncreditedDeposit[],
): Promise<readonly UncreditedDeposit[]> {
  if (deposits.length === 0) return [];
  const column = (of: (deposit: UncreditedDeposit) => unknown) => deposits.map(of);
  const { rows } = await pool.query<{ id: string }>({
    name: 'save_uncredited_deposits',
    text: `insert into uncredited_deposits
        (chain, id, tx_hash, height, reason, token, address, amount, received, currency, seen_at)
      select $1, id, tx_hash, height, reason, token, address, amount, received, currency, now()
      from unnest($2::text[], $3::text[], $4::int8[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[])
        as given(id, tx_hash, height, reason, token, address, amount, received, currency)
      on conflict do nothing returning id`,
    values: [
      chain,
      arrayLiteral(
        'text',
        column(({ id }) => id),
      ),
      arrayLiteral(
        'text',
        column(({ transfer }) => transfer.txHash),
      ),
      arrayLiteral(
        'int8',
        column(({ transfer }) => transfer.block.height),
      ),
      arrayLiteral(
        'text',
        column(({ reason }) => reason),
      ),
      arrayLiteral(
        'text',
        column(({ transfer }) => transfer.token),
      ),
      arrayLiteral(
        'text',
        column(({ transfer }) => transfer.to),
      ),
      arrayLiteral(
        'text',
        column(({ transfer }) => transfer.amount.toString()),
      ),
      arrayLiteral(
        'text',
        column(({ receivedMinor }) => receivedMinor.toString()),
      ),
      arrayLiteral(
        'text',
        column(({ transfer }) => transfer.currency),
      ),
    ],
  });
  const added = new Set(rows.map(({ id }) => id));
  return deposits.filter(({ id }) => added.has(id));
}

/** Finds which ids are stored as uncredited. */
export async function findUncredited(
  pool: Pool,
  chain: Chain,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ id: string }>({
    name: 'find_uncredited_deposits',
    text: 'select id from uncredited_deposits where chain = $1 and id = any($2::text[])',
    values: [chain, arrayLiteral('text', ids)],
  });
  return new Set(rows.map(({ id }) => id));
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

/** Reads an uncredited deposit. */
export async function readUncredited(
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
