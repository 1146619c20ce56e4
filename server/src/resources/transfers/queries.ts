import type { Chain } from '../../chains/registry.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Db } from '../../store/database.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransactionRow, TransactionStatus } from '../../store/tables/transactions.ts';
import { findTransaction } from '../transactions/queries.ts';
import type { TransferKey } from './transfer-command.ts';

/**
 * Finds a transfer by its id.
 *
 * @throws ApiError 404 if the environment has no transfer by that id; a deposit is not a transfer
 */
export async function requireTransfer(db: Db, environmentId: string, id: string): Promise<TransactionRow> {
  const row = await findTransaction(db, environmentId, id);
  if (row?.type !== 'transfer') throw new ApiError(notFound('transfer'));
  return row;
}

/** A transfer whose next transition is due. */
export type DueTransfer = TransferKey & Pick<TransactionRow, 'destination_address' | 'status'>;

/**
 * Lists transfers whose next transition is due by their environment's clock, the longest due first.
 *
 * @param now the real time, ISO 8601
 * @param latest the latest time of any environment's clock, ISO 8601; bounds the scan of the index
 */
export async function listDueTransfers(pool: Pool, now: string, latest: string): Promise<DueTransfer[]> {
  const { rows } = await pool.query<DueTransfer>({
    name: 'list_due_transfers',
    text: `select t.bucket, t.id, t.environment_id, t.wallet_id, t.source_currency, t.destination_currency,
        t.destination_payment_rail, t.destination_address, t.status
      from transactions t join environments e on e.current_id = t.environment_id
      where t.next_action_at <= $3::timestamptz
        and t.next_action_at <= $1::timestamptz + e.clock_offset_ms * interval '1 millisecond'
      order by t.next_action_at limit $2`,
    values: [now, limits.dueTransferBatch, latest],
  });
  return rows;
}

/** The columns that sending a transfer on a real chain needs. */
export interface LiveTransfer extends TransferKey {
  readonly customer_id: string;
  readonly status: TransactionStatus;
  readonly net_minor: bigint;
  readonly amount_minor: bigint;
  readonly fee_minor: bigint;
  /** The amount that is sent; null before a conversion is priced, and without a conversion until the transfer arrives. */
  readonly final_minor: bigint | null;
  readonly destination_address: string;
  readonly created_at: string;
  readonly transfer_proof: string | null;
  readonly account_fee_minor: bigint | null;
}

type LiveRow = LiveTransfer & Record<string, unknown>;

const liveColumns = authenticatedColumns('transactions');

/**
 * Lists live transfers on a chain that wait to be screened or sent, the oldest first, without those under review. Yields
 * every page, so that transfers which keep waiting do not hide later ones. Rows that are not authentic are left out.
 */
export async function* listOpenOnChain(
  pool: Pool,
  chain: Chain,
  status: 'in_review' | 'funds_received',
): AsyncGenerator<LiveTransfer[]> {
  for (let after = ''; ; ) {
    const page = await pageOfOpen(pool, chain, status, after);
    const authentic = await onlyAuthentic(pool, page);
    if (authentic.length > 0) yield authentic;
    if (page.length < limits.dueTransferBatch) return;
    after = page.at(-1)?.id ?? '';
  }
}

/** Keeps authentic transfers of authentic live environments. */
async function onlyAuthentic(pool: Pool, page: readonly LiveRow[]): Promise<LiveTransfer[]> {
  const environments = await findEnvironments(
    pool,
    page.map((row) => row.environment_id),
  );
  return page.filter(
    (row) => environments.get(row.environment_id)?.kind === 'live' && pool.guard.admits('transactions', row),
  );
}

async function pageOfOpen(
  pool: Pool,
  chain: Chain,
  status: 'in_review' | 'funds_received',
  after: string,
): Promise<LiveRow[]> {
  const { rows } = await pool.query<LiveRow>({
    name: 'list_open_on_chain',
    text: `select ${liveColumns} from transactions t
      join environments e on e.current_id = t.environment_id and e.kind = 'live'
      where t.destination_payment_rail = $1 and t.status = $2 and t.type = 'transfer' and t.payout_account_id is null
        and t.id > $4 and t.next_action_at is null and t.status in ('in_review', 'funds_received')
        and (t.status = 'funds_received'
          or not exists (select from screenings s where s.bucket = t.bucket and s.id = t.id))
      order by t.id limit $3`,
    values: [chain, status, limits.dueTransferBatch, after],
  });
  return rows;
}

/** Finds transfers by their ids. Rows that are not authentic are left out. */
export async function findLiveTransfers(
  pool: Pool,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LiveTransfer>> {
  const { rows } = await pool.query<LiveRow>({
    name: 'find_live_transfers',
    text: `select ${liveColumns} from transactions t
      join unnest($1::int2[], $2::text[]) as wanted(wanted_bucket, wanted_id)
        on t.bucket = wanted_bucket and t.id = wanted_id`,
    values: [arrayLiteral('int2', ids.map(bucketOfId)), arrayLiteral('text', [...ids])],
  });
  const authentic = rows.filter((row) => pool.guard.admits('transactions', row));
  return new Map(authentic.map((row) => [row.id, row]));
}

/**
 * Sums what a customer has sent on chains in the hours before a transfer, the transfer included. Failed and refunded
 * transfers do not count.
 *
 * @returns `amountMinor` in units of 10^-6, which every held currency has
 */
export async function velocityOf(
  pool: Pool,
  { customerId, transferId }: { readonly customerId: string; readonly transferId: string },
  hours: number,
): Promise<{ amountMinor: bigint; transfers: number }> {
  const { rows } = await pool.query<{ amount: string; transfers: string }>({
    name: 'velocity_of_customer',
    text: `select coalesce(sum(t.amount_minor), 0)::text as amount, count(*)::text as transfers
      from transactions now_sent join transactions t on t.bucket = now_sent.bucket and t.customer_id = $3
      where now_sent.bucket = $1 and now_sent.id = $2 and t.type = 'transfer' and t.payout_account_id is null
        and t.status not in ('failed', 'refunded') and t.id <= now_sent.id
        and t.created_at > now_sent.created_at - $4 * interval '1 hour'`,
    values: [bucketOfId(transferId), transferId, customerId, hours],
  });
  return { amountMinor: BigInt(rows[0]?.amount ?? 0), transfers: Number(rows[0]?.transfers ?? 0) };
}
