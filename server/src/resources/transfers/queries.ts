import type { Chain } from '../../chains/registry.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Db } from '../../store/database.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type { TransactionRow, TransactionStatus } from '../../store/rows.ts';
import { findTransaction } from '../transactions/queries.ts';
import type { TransferKey } from './transfer-command.ts';

/**
 * The transfer by this id.
 *
 * @throws ApiError 404 when the environment has no transfer by it; a deposit is none
 */
export async function requireTransfer(db: Db, environmentId: string, id: string): Promise<TransactionRow> {
  const row = await findTransaction(db, environmentId, id);
  if (row?.type !== 'transfer') throw new ApiError(notFound('transfer'));
  return row;
}

/**
 * Transfers whose next step is due by their environment's clock, the longest waiting first.
 *
 * @param now our own time
 * @param latest the latest time that any environment's clock shows: nothing after it is due
 */
export async function listDueTransfers(pool: Pool, now: string, latest: string): Promise<TransferKey[]> {
  const { rows } = await pool.query<TransferKey>({
    name: 'list_due_transfers',
    text: `select t.bucket, t.id, t.environment_id, t.wallet_id, t.source_currency, t.destination_currency,
        t.destination_payment_rail
      from transactions t join environments e on e.current_id = t.environment_id
      where t.next_action_at <= $3::timestamptz
        and t.next_action_at <= $1::timestamptz + e.clock_offset_ms * interval '1 millisecond'
      order by t.next_action_at limit $2`,
    values: [now, limits.settlementBatch, latest],
  });
  return rows;
}

/** What sending a transfer on a real chain needs to know of it. */
export interface LiveTransfer extends TransferKey {
  readonly customer_id: string;
  readonly status: TransactionStatus;
  readonly net_minor: bigint;
  readonly amount_minor: bigint;
  readonly fee_minor: bigint;
  /** What is sent; null while it is not known, and for what is not converted until it has arrived. */
  readonly final_minor: bigint | null;
  readonly destination_address: string;
  readonly created_at: string;
  readonly transfer_proof: string | null;
}

type LiveRow = LiveTransfer & Record<string, unknown>;

const liveColumns = authenticatedColumns('transactions');

/**
 * Live transfers on a chain that wait to be screened, or to be sent, the oldest first; not those under review. They come
 * a page at a time, all of them: many that have to wait must not hide those after them. What is not ours is left out.
 */
export async function* listOpenOnChain(
  pool: Pool,
  chain: Chain,
  status: 'in_review' | 'funds_received',
): AsyncGenerator<LiveTransfer[]> {
  for (let after = ''; ; ) {
    const page = await pageOfOpen(pool, chain, status, after);
    const ours = await onlyOurs(pool, page);
    if (ours.length > 0) yield ours;
    if (page.length < limits.settlementBatch) return;
    after = page.at(-1)?.id ?? '';
  }
}

/** The transfers that are ours, and of a live environment that is. */
async function onlyOurs(pool: Pool, page: readonly LiveRow[]): Promise<LiveTransfer[]> {
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
    values: [chain, status, limits.settlementBatch, after],
  });
  return rows;
}

/** Transfers by their ids; those that are not ours are left out. */
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
  const ours = rows.filter((row) => pool.guard.admits('transactions', row));
  return new Map(ours.map((row) => [row.id, row]));
}

/** What a customer has sent on chains in so many hours up to a transfer, itself included; what came back apart. */
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
