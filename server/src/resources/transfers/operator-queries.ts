import { bucketOfId } from '../../platform/ids.ts';
import type { Pool } from '../../store/pool.ts';
import type { ScreeningRow, TransactionRow } from '../../store/tables/transactions.ts';

/** A live transfer that has not been sent yet. */
export interface WaitingTransfer {
  readonly id: string;
  readonly customerId: string;
  readonly chain: string;
  readonly currency: string;
  readonly amountMinor: bigint;
  readonly address: string;
  /**
   * `review`: a decision of the operator. `screening`: the screening rules. `sending`: the treasury, gas or the signer.
   * `proof`: a proof by the operator, because the transfer was accepted without one.
   */
  readonly waitsFor: 'review' | 'screening' | 'sending' | 'proof';
  /** Why it needs a review; null if it needs none. */
  readonly reason: string | null;
  readonly since: string;
}

/**
 * Lists live transfers on chains that have not been signed yet, the longest waiting first.
 *
 * @param only selects those that wait for this; all if left out
 */
export async function listWaitingTransfers(
  pool: Pool,
  only?: WaitingTransfer['waitsFor'],
): Promise<WaitingTransfer[]> {
  const { rows } = await pool.query<WaitingTransfer>(
    `select * from (
      select t.id, t.customer_id as "customerId", t.destination_payment_rail as chain, t.source_currency as currency,
        t.amount_minor as "amountMinor", t.destination_address as address,
        case when t.status = 'funds_received' and t.transfer_proof is null then 'proof'
          when t.status = 'funds_received' then 'sending' when s.id is null then 'screening' else 'review' end
          as "waitsFor",
        case when t.status = 'in_review' then s.reason end as reason,
        coalesce(s.decided_at, s.created_at, t.created_at) as since
      from transactions t
        join environments e on e.current_id = t.environment_id and e.kind = 'live'
        left join screenings s on s.bucket = t.bucket and s.id = t.id
      where t.status in ('in_review', 'funds_received') and t.type = 'transfer' and t.payout_account_id is null
        and t.next_action_at is null) waiting
    where $1::text is null or "waitsFor" = $1 order by since, id`,
    [only ?? null],
  );
  return rows;
}

/** Counts the transfers that may still be paid and whose proof was made with another key. */
export async function countProvenOtherwise(pool: Pool, proofKeyId: string): Promise<number> {
  const { rows } = await pool.query<{ count: bigint }>(
    `select count(*) from transactions t
      where t.type = 'transfer' and t.status in ('in_review', 'funds_received', 'payment_submitted')
        and t.transfer_proof not like $1`,
    [`proof.v1.${proofKeyId}.%`],
  );
  return Number(rows[0]?.count ?? 0n);
}

/** A transfer, and its screening if there was one. */
export interface ScreenedTransfer {
  readonly row: TransactionRow;
  readonly screening: ScreeningRow | undefined;
}

/**
 * Finds a transfer with its screening.
 *
 * @returns undefined if no current environment has a transfer by that id
 * @throws RowNotAuthenticError if the row of the transfer or of the screening is not authentic
 */
export async function findScreenedTransfer(pool: Pool, id: string): Promise<ScreenedTransfer | undefined> {
  const bucket = bucketOfId(id);
  const found = await pool.query<TransactionRow>(
    `select t.* from transactions t join environments e on e.current_id = t.environment_id
      where t.bucket = $1 and t.id = $2 and t.type = 'transfer'`,
    [bucket, id],
  );
  const row = found.rows[0];
  if (!row) return undefined;
  const screenings = await pool.query<ScreeningRow>(
    'select * from screenings where bucket = $1 and id = $2',
    [bucket, id],
  );
  const screening = screenings.rows[0];
  return {
    row: pool.guard.require('transactions', row),
    screening: screening && pool.guard.require('screenings', screening),
  };
}
