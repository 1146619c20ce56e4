import type { InternalBooking } from '../onchain/internal/commands.ts';
import { findReceivers } from '../onchain/internal/queries.ts';
import { bucketOfId } from '../platform/ids.ts';
import type { RateProvider } from '../rates/provider.ts';
import type { AddressOwner } from '../resources/crypto-wallets/address-owners.ts';
import type { TransferKey } from '../resources/transfers/transfer-command.ts';
import type { Pool } from '../store/pool.ts';
import type { TransactionRow } from '../store/tables/transactions.ts';
import type { Writer } from '../writer/writer.ts';

/** What booking an internal transfer needs. */
interface BookingDeps {
  readonly writer: Pick<Writer, 'isOneLane'>;
  readonly rates: RateProvider;
}

/**
 * How a sandbox transfer to a deposit address is booked. Each sandbox has simulated chains of its own: an address of another
 * environment is an address like any other.
 *
 * @param owner the owner of the destination; undefined if it is no deposit address
 * @returns undefined for a transfer that leaves the environment
 */
export function sandboxBooking(
  { rates, writer }: BookingDeps,
  key: TransferKey,
  owner: AddressOwner | undefined,
  nowMs: number,
): InternalBooking | undefined {
  if (owner?.environmentId !== key.environment_id) return undefined;
  return {
    receiver: owner,
    isOneStatement: writer.isOneLane(bucketOfId(owner.walletId), key.bucket),
    sellRate: rates.quote('usdt', 'usd', nowMs)?.sellRate,
  };
}

/** The same for one transfer, whose destination is looked up. */
export async function findSandboxBooking(
  deps: BookingDeps & { readonly pool: Pool },
  row: TransactionRow,
  nowMs: number,
): Promise<InternalBooking | undefined> {
  const receivers = await findReceivers(deps.pool, [row]);
  return sandboxBooking(deps, row, receivers.get(row.id), nowMs);
}
