import { limits } from '../../platform/limits.ts';
import {
  type AddressOwner,
  findAddressOwners,
  ownerKey,
} from '../../resources/crypto-wallets/address-owners.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool } from '../../store/pool.ts';
import type { InternalTransferRow, TransactionRow } from '../../store/tables/transactions.ts';

/** An internal transfer whose receiver is not credited yet. */
export interface OpenInternalTransfer {
  readonly row: InternalTransferRow;
  /** The kind of the receiver's environment. */
  readonly kind: 'test' | 'live';
}

/** Lists internal transfers whose receivers are not credited yet, the oldest first, without rows that are not authentic. */
export async function listOpenInternalTransfers(pool: Pool): Promise<OpenInternalTransfer[]> {
  const { rows } = await pool.query<
    InternalTransferRow & Record<string, unknown> & { kind: 'test' | 'live' | null }
  >({
    name: 'list_open_internal_transfers',
    text: `select ${authenticatedColumns('internal_transfers')}, t.updated_at, e.kind
      from internal_transfers t left join environments e on e.current_id = t.receiver_environment_id
      where t.status = 'open' order by t.id limit $1`,
    values: [limits.dueTransferBatch],
  });
  return rows
    .filter((row) => pool.guard.admits('internal_transfers', row))
    .map((row) => ({ row, kind: row.kind ?? 'test' }));
}

/** What tells where a transfer goes. */
type Destined = Pick<TransactionRow, 'id' | 'destination_address' | 'destination_payment_rail'>;

/** Finds the owners of the deposit addresses among the destinations of transfers. @returns the owners, by transfer */
export async function findReceivers(
  pool: Pool,
  transfers: readonly Destined[],
): Promise<ReadonlyMap<string, AddressOwner>> {
  const addressed = transfers.flatMap(
    ({ destination_address: address, destination_payment_rail: chain, id }) =>
      address === null || chain === null ? [] : [{ id, chain, address }],
  );
  const owners = await findAddressOwners(pool, addressed);
  return new Map(
    addressed.flatMap((one) => {
      const owner = owners.get(ownerKey(one));
      return owner ? [[one.id, owner] as const] : [];
    }),
  );
}
