import type { ChainPort } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { servesSweeps } from '../../chains/signing.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { arrayLiteral } from '../../store/arrays.ts';
import type { Pool } from '../../store/pool.ts';
import type { OpenPayment } from '../payments/queries.ts';

/** A deposit address that may hold tokens for the treasury. */
export interface SweepCandidate {
  readonly address: string;
  readonly index: number;
  readonly currency: Stablecoin;
  /** The height of its newest known deposit. */
  readonly height: bigint;
}

/** A final deposit. */
interface FinalDeposit {
  readonly walletId: string;
  readonly currency: Stablecoin;
  readonly height: number;
}

/** Saves the addresses of final deposits as candidates. Saving one again has no effect. */
export async function saveSweepCandidates(
  pool: Pool,
  chain: Chain,
  deposits: readonly FinalDeposit[],
): Promise<void> {
  if (deposits.length === 0) return;
  const newest = new Map<string, FinalDeposit>();
  for (const deposit of deposits) {
    const key = `${deposit.walletId}/${deposit.currency}`;
    if ((newest.get(key)?.height ?? -1) < deposit.height) newest.set(key, deposit);
  }
  const each = [...newest.values()];
  const column = (type: 'int2' | 'text' | 'int8', of: (deposit: FinalDeposit) => string | number) =>
    arrayLiteral(type, each.map(of));
  await pool.query({
    name: 'save_sweep_candidates',
    text: `insert into sweep_candidates (chain, address, currency, wallet_index, height)
      select $1, a.address, n.currency, w.derivation_index, n.height
      from unnest($2::int2[], $3::text[], $4::text[], $5::int8[]) as n(bucket, wallet_id, currency, height)
        join wallets w on w.bucket = n.bucket and w.id = n.wallet_id
        join deposit_addresses a on a.bucket = n.bucket and a.wallet_id = n.wallet_id and a.chain = $1
      on conflict (chain, address, currency) do update set height = greatest(sweep_candidates.height, excluded.height)`,
    values: [
      chain,
      column('int2', ({ walletId }) => bucketOfId(walletId)),
      column('text', ({ walletId }) => walletId),
      column('text', ({ currency }) => currency),
      column('int8', ({ height }) => height),
    ],
  });
}

/**
 * Takes the candidates that have not been checked for the longest time, and that no treasury operation is under way for. The number of
 * rows read does not depend on the number of wallets.
 */
export async function takeSweepCandidates(pool: Pool, chain: Chain): Promise<SweepCandidate[]> {
  const { rows } = await pool.query<{
    address: string;
    wallet_index: number;
    currency: string;
    height: bigint;
  }>({
    name: 'take_sweep_candidates',
    // The limit is part of the text: for a parameter PostgreSQL plans for a tenth of the table, and reads all of it.
    text: `with next as (
        select u.address, u.currency from sweep_candidates u
        where u.chain = $1 and not exists (select from chain_payments p where p.chain = $1
          and (p.address = u.address or p.sender = u.address) and p.status = 'open' and p.kind <> 'transfer')
        order by u.checked_at nulls first limit ${limits.sweepsPerTurn})
      update sweep_candidates u set checked_at = now() from next n
      where u.chain = $1 and u.address = n.address and u.currency = n.currency
      returning u.address, u.wallet_index, u.currency, u.height`,
    values: [chain],
  });
  return rows.map(({ address, currency, height, wallet_index: index }) => ({
    address,
    index,
    currency: currency as Stablecoin,
    height,
  }));
}

/** Removes a candidate with too little balance, unless a newer deposit has been saved in the meantime. */
export async function removeSweepCandidate(
  pool: Pool,
  chain: Chain,
  { address, currency, height }: SweepCandidate,
): Promise<void> {
  await pool.query(
    'delete from sweep_candidates where chain = $1 and address = $2 and currency = $3 and height = $4',
    [chain, address, currency, height],
  );
}

/** Has a candidate looked at after the others for a while. */
export async function postponeSweepCandidate(
  pool: Pool,
  chain: Chain,
  { address, currency }: SweepCandidate,
): Promise<void> {
  await pool.query(
    `update sweep_candidates set checked_at = now() + $4 * interval '1 millisecond'
      where chain = $1 and address = $2 and currency = $3`,
    [chain, address, currency, limits.sweepPostponedMs],
  );
}

/**
 * Computes the native coin that the treasury has spent on sweeps and top-ups today, in UTC: what was charged and sent, and the maximum
 * of what is open.
 *
 * @param open the open payments of the chain
 */
export async function readSpentToday(
  pool: Pool,
  { chain, config, sender }: ChainPort,
  open: readonly OpenPayment[],
): Promise<bigint> {
  const { rows } = await pool.query<{ spent: string }>({
    name: 'read_sweep_spending',
    text: `select coalesce(sum(case when kind = 'top_up' then amount else 0 end
          + case when kind = 'sweep' and not $2 then 0 else coalesce(fee_native, 0) end), 0)::text as spent
      from chain_payments where chain = $1 and kind <> 'transfer' and status in ('completed', 'failed')
        and kind in ('sweep', 'authorised_sweep', 'top_up')
        and created_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'`,
    // Elsewhere a deposit address pays for its own sweep, from its top-ups.
    values: [chain, config.family === 'solana'],
  });
  const ended = BigInt(rows[0]?.spent ?? 0);
  return open.reduce((sum, { attempts, intent }) => {
    const newest = attempts.at(-1);
    if (!servesSweeps(intent) || !newest) return sum;
    const { native, payer } = sender.costOf(intent, newest.terms);
    return payer === sender.treasury ? sum + native : sum;
  }, ended);
}
