import { limits } from '../platform/limits.ts';
import type { Pool } from '../store/pool.ts';
import type { Chain, Stablecoin } from './registry.ts';

/** A deposit address that has something for the treasury, as far as our own books tell. */
export interface Sweepable {
  readonly address: string;
  readonly index: number;
  readonly currency: Stablecoin;
}

/**
 * The deposit addresses to which at least so much was credited that no sweep has taken yet, and that no errand is on its
 * way to.
 */
export async function listSweepable(pool: Pool, chain: Chain, fromMinor: bigint): Promise<Sweepable[]> {
  const { rows } = await pool.query<{ address: string; derivation_index: bigint; currency: string }>({
    name: 'list_sweepable',
    text: `with credited as (
        select bucket, wallet_id, currency, sum(amount_minor) as total from chain_deposits
        where chain = $1 and status = 'credited' group by bucket, wallet_id, currency),
      swept as (
        select address, currency, sum(amount) as total from chain_payments
        where chain = $1 and kind in ('sweep', 'authorised_sweep') and status = 'completed' group by address, currency)
      select a.address, w.derivation_index, c.currency
      from credited c join wallets w on w.bucket = c.bucket and w.id = c.wallet_id
        join deposit_addresses a on a.bucket = c.bucket and a.wallet_id = c.wallet_id and a.chain = $1
        left join swept s on s.address = a.address and s.currency = c.currency
      where c.total - coalesce(s.total, 0) >= $2
        and not exists (select from chain_payments p where p.chain = $1 and p.address = a.address
          and p.status = 'open' and p.kind <> 'transfer')
      order by c.total - coalesce(s.total, 0) desc limit $3`,
    values: [chain, fromMinor, limits.sweepsPerTurn],
  });
  return rows.map(({ address, currency, derivation_index: index }) => ({
    address,
    index: Number(index),
    currency: currency as Stablecoin,
  }));
}
