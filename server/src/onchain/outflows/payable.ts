import type { Chain, Stablecoin } from '../../chains/registry.ts';
import type { LiveTransfer } from '../../resources/transfers/queries.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';

/** What was paid: a token, to an address. */
export interface PaidTo {
  readonly currency: Stablecoin;
  /** In the form of the chain's transfers. */
  readonly address: string;
}

/** The amount that a transfer pays; undefined if its conversion has not been fixed. */
export function amountOf(transfer: LiveTransfer): bigint | undefined {
  const { destination_currency: to, final_minor: final, net_minor: net, source_currency: from } = transfer;
  return to === from ? net : (final ?? undefined);
}

/**
 * Lists the live transfers that have not ended and would pay a token to an address, the oldest first, whatever their amount.
 *
 * @param comparable converts an address to the form of the chain's transfers
 */
export async function listPayableTo(
  pool: Pool,
  chain: Chain,
  { address, currency }: PaidTo,
  comparable: (address: string) => string,
): Promise<LiveTransfer[]> {
  const { rows } = await pool.query<LiveTransfer & Record<string, unknown>>(
    `select ${authenticatedColumns('transactions')} from transactions t
      join environments e on e.current_id = t.environment_id and e.kind = 'live'
      where t.destination_payment_rail = $1 and t.destination_currency = $2 and t.type = 'transfer'
        and t.status in ('in_review', 'funds_received', 'payment_submitted') and t.payout_account_id is null
        and lower(t.destination_address) = lower($3) order by t.id`,
    [chain, currency, address],
  );
  const environments = await findEnvironments(
    pool,
    rows.map((row) => row.environment_id),
  );
  return rows.filter(
    (row) =>
      comparable(row.destination_address) === address &&
      environments.get(row.environment_id)?.kind === 'live' &&
      pool.guard.admits('transactions', row),
  );
}
