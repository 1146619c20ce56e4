import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import type { UncreditedReason } from '../deposits/uncredited.ts';

/** What operators look at: payments that have not ended, and uncredited deposits. Times are ISO 8601. */

/** A payment or transfer on a chain that has not ended. */
export interface WaitingPayment {
  readonly id: string;
  readonly chain: string;
  readonly kind: string;
  /** `unsigned`: nothing is signed. `sent`: a signed transaction is in no final block. */
  readonly state: 'unsigned' | 'sent';
  readonly currency: string | null;
  /** In the smallest units of the token, or of native coin without a currency. */
  readonly amount: string;
  readonly address: string;
  /** Why it waits, as the worker says; null if it only waits for its turn or for a final block. */
  readonly reason: string | null;
  readonly since: string;
  /** The kind of the operator's order that is being carried out. */
  readonly order: string | null;
}

/**
 * Lists payments that have not ended, and transfers that wait to be signed, the longest waiting first.
 *
 * @param chain only this chain; all if undefined
 */
export async function listWaitingPayments(
  pool: Pool,
  chain: string | undefined,
  limit: number,
): Promise<WaitingPayment[]> {
  const { rows } = await pool.query<WaitingPayment>(
    `select one.id, one.chain, one.kind, one.state, one.currency, one.amount, one.address, w.reason,
        coalesce(w.since, one.created_at) as since,
        (select o.kind from operator_actions o where o.subject = one.id and o.status in ('requested', 'accepted')
          order by o.number desc limit 1) as "order"
      from (
        select p.id, p.chain, p.kind, p.currency, p.amount::text as amount, p.address, p.created_at,
          case when exists (select from chain_attempts a where a.payment_id = p.id) then 'sent' else 'unsigned' end as state
        from chain_payments p where p.status = 'open'
        union all
        select t.id, t.destination_payment_rail, 'transfer', t.destination_currency,
          coalesce(t.final_minor, t.net_minor)::text, t.destination_address, t.created_at, 'unsigned'
        from transactions t join environments e on e.current_id = t.environment_id and e.kind = 'live'
        where t.status in ('in_review', 'funds_received') and t.status = 'funds_received' and t.type = 'transfer'
          and t.payout_account_id is null and t.next_action_at is null
          and not exists (select from chain_payments p where p.id = t.id)
      ) one left join payment_waits w on w.chain = one.chain and w.id = one.id
      where $1::text is null or one.chain = $1 order by since, one.id limit $2`,
    [chain ?? null, limit],
  );
  return rows;
}

/** An uncredited deposit, and what operators have decided about it. */
export interface ListedDeposit {
  readonly id: string;
  readonly chain: string;
  readonly reason: UncreditedReason;
  readonly txHash: string;
  readonly token: string;
  readonly currency: string | null;
  readonly address: string;
  /** What the transaction announced, and what of it arrived and belongs to nobody; in the token's smallest units. */
  readonly amount: string;
  readonly received: string;
  readonly seenAt: string;
  /** The kind and status of the last order; null if there was none. */
  readonly order: string | null;
  readonly orderStatus: string | null;
  /** Why the order waits, or what became of it. */
  readonly orderResult: string | null;
}

/**
 * Lists uncredited deposits, the newest first. Those about which a decision is done, and what the treasury was funded with, are listed only
 * if `all` is set.
 */
export async function listDeposits(
  pool: Pool,
  {
    all,
    chain,
    limit,
  }: { readonly chain: string | undefined; readonly all: boolean; readonly limit: number },
): Promise<ListedDeposit[]> {
  const { rows } = await pool.query<ListedDeposit>(
    `select u.id, u.chain, u.reason, u.tx_hash as "txHash", u.token, u.currency, u.address, u.amount, u.received,
        u.seen_at as "seenAt", o.kind as "order", o.status as "orderStatus", coalesce(o.result, w.reason) as "orderResult"
      from uncredited_deposits u
        left join lateral (select * from operator_actions a where a.subject = u.id order by a.number desc limit 1) o on true
        left join payment_waits w on w.chain = u.chain and w.id = u.id
      where ($1::text is null or u.chain = $1)
        and ($2 or (u.reason <> 'treasury_funding' and o.status is distinct from 'done'))
      order by u.seen_at desc, u.id limit $3`,
    [chain ?? null, all, Math.min(limit, limits.paymentWaits)],
  );
  return rows;
}
