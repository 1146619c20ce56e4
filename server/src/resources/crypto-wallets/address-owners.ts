import { arrayLiteral } from '../../store/arrays.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';

/** An address on a chain, in canonical form. */
export interface ChainAddress {
  readonly chain: string;
  readonly address: string;
}

/** The wallet that a recorded deposit address belongs to. */
export interface AddressOwner {
  readonly walletId: string;
  readonly environmentId: string;
  /** Undefined if nobody can use the wallet: its sandbox was reset, or a row of it is not authentic. */
  readonly kind: 'live' | 'test' | undefined;
}

type OwnerRow = Record<string, unknown> & {
  readonly wallet_id: string;
  readonly chain: string;
  readonly address: string;
  readonly environment_id: string;
};

/**
 * Finds out which addresses are deposit addresses of this deployment, whatever environment they belong to.
 *
 * @returns the owners, by `ownerKey`
 */
export async function findAddressOwners(
  pool: Pool,
  addresses: readonly ChainAddress[],
): Promise<ReadonlyMap<string, AddressOwner>> {
  if (addresses.length === 0) return new Map();
  const { rows } = await pool.query<OwnerRow>({
    name: 'find_address_owners',
    text: `select ${authenticatedColumns('deposit_addresses', 'a')}, w.environment_id
      from unnest($1::text[], $2::text[]) as wanted(chain, address)
        join deposit_addresses a on a.chain = wanted.chain and a.address = wanted.address
        join wallets w on w.bucket = a.bucket and w.id = a.wallet_id`,
    values: [
      arrayLiteral(
        'text',
        addresses.map(({ chain }) => chain),
      ),
      arrayLiteral(
        'text',
        addresses.map(({ address }) => address),
      ),
    ],
  });
  const environments = await findEnvironments(
    pool,
    rows.map((row) => row.environment_id),
  );
  return new Map(
    rows.map((row) => {
      const isAuthentic = pool.guard.admits('deposit_addresses', row);
      const kind = isAuthentic ? environments.get(row.environment_id)?.kind : undefined;
      return [ownerKey(row), { walletId: row.wallet_id, environmentId: row.environment_id, kind }];
    }),
  );
}

/** The key of an address in the result of `findAddressOwners`. */
export function ownerKey({ address, chain }: ChainAddress): string {
  return `${chain} ${address}`;
}
