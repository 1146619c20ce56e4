import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool } from '../../store/pool.ts';

/** A deposit address that may have something for the treasury. */
export interface Sweepable {
  readonly address: string;
  readonly index: number;
  readonly currency: Stablecoin;
  /** Of the newest deposit that is known of. */
  readonly height: bigint;
}

/** A deposit that has arrived for good. */
interface Arrived {
  readonly walletId: string;
  readonly currency: Stablecoin;
  readonly height: number;
}

/** Notes where deposits have arrived. Noting one twice changes nothing. */
export async function noteSweepable(pool: Pool, chain: Chain, arrived: readonly Arrived[]): Promise<void> {
  if (arrived.length === 0) return;
  const newest = new Map<string, Arrived>();
  for (const deposit of arrived) {
    const name = `${deposit.walletId}/${deposit.currency}`;
    if ((newest.get(name)?.height ?? -1) < deposit.height) newest.set(name, deposit);
  }
  const each = [...newest.values()];
  await pool.query({
    name: 'note_sweepable',
    text: `insert into sweep_candidates (chain, address, currency, wallet_index, height)
      select $1, a.address, n.currency, w.derivation_index, n.height
      from unnest($2::int2[], $3::text[], $4::text[], $5::int8[]) as n(bucket, wallet_id, currency, height)
        join wallets w on w.bucket = n.bucket and w.id = n.wallet_id
        join deposit_addresses a on a.bucket = n.bucket and a.wallet_id = n.wallet_id and a.chain = $1
      on conflict (chain, address, currency) do update set height = greatest(sweep_candidates.height, excluded.height)`,
    values: [
      chain,
      arrayLiteral(
        'int2',
        each.map(({ walletId }) => bucketOfId(walletId)),
      ),
      arrayLiteral(
        'text',
        each.map(({ walletId }) => walletId),
      ),
      arrayLiteral(
        'text',
        each.map(({ currency }) => currency),
      ),
      arrayLiteral(
        'int8',
        each.map(({ height }) => height),
      ),
    ],
  });
}

/**
 * The deposit addresses that are to be looked at next: those that were not looked at for the longest time, and that no
 * errand is on its way to. However many wallets and deposits there are, only as many rows are read as are given.
 */
export async function takeSweepable(pool: Pool, chain: Chain): Promise<Sweepable[]> {
  const { rows } = await pool.query<{
    address: string;
    wallet_index: number;
    currency: string;
    height: bigint;
  }>({
    name: 'take_sweepable',
    text: `with next as (
        select u.address, u.currency from sweep_candidates u
        where u.chain = $1 and not exists (select from chain_payments p where p.chain = $1 and p.address = u.address
          and p.status = 'open' and p.kind <> 'transfer')
        order by u.checked_at nulls first limit $2)
      update sweep_candidates u set checked_at = now() from next n
      where u.chain = $1 and u.address = n.address and u.currency = n.currency
      returning u.address, u.wallet_index, u.currency, u.height`,
    values: [chain, limits.sweepsPerTurn],
  });
  return rows.map(({ address, currency, height, wallet_index: index }) => ({
    address,
    index,
    currency: currency as Stablecoin,
    height,
  }));
}

/** There is too little at the address, unless a newer deposit has been noted in the meantime. */
export async function forgetSweepable(
  pool: Pool,
  chain: Chain,
  { address, currency, height }: Sweepable,
): Promise<void> {
  await pool.query(
    'delete from sweep_candidates where chain = $1 and address = $2 and currency = $3 and height = $4',
    [chain, address, currency, height],
  );
}
