import type { WatchedAddresses } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { firstIdAt } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type { DepositAddressRow } from '../../store/tables/wallets.ts';

type WatchedRow = DepositAddressRow & Record<string, unknown> & { readonly environment_id: string };

/** Whose an address is. */
export interface AddressOwner {
  readonly walletId: string;
  readonly environmentId: string;
}

/** The deposit addresses of all live wallets on one chain, in memory. */
export interface AddressBook extends WatchedAddresses {
  ownerOf(address: string): AddressOwner | undefined;
  /** Learns the wallets that were made since. What was shown to anybody before the call is known after it. */
  refresh(): Promise<void>;
}

/**
 * Makes the address book of a chain.
 *
 * @param comparable how an address is written in what the chain shows
 * @param house addresses of our own that are watched too
 */
export function createAddressBook(
  pool: Pool,
  chain: Chain,
  comparable: (address: string) => string,
  house: readonly string[],
): AddressBook {
  const owners = new Map<string, AddressOwner>();
  const houseAddresses = new Set(house.map(comparable));
  let newestMs = 0;

  return {
    get size() {
      return owners.size + houseAddresses.size;
    },
    has: (address) => owners.has(address) || houseAddresses.has(address),
    *keys() {
      yield* houseAddresses;
      yield* owners.keys();
    },
    ownerOf: (address) => owners.get(address),
    async refresh() {
      // Ids sort by the time they were made in, a little before they were committed.
      const sinceMs = newestMs - limits.walletOverlapMs;
      const startedMs = Date.now();
      const { rows } = await pool.query<WatchedRow>({
        name: 'list_watched_addresses',
        text: `select ${authenticatedColumns('deposit_addresses', 'a')}, w.environment_id
          from environments e join wallets w on w.environment_id = e.current_id and w.id >= $2
            join deposit_addresses a on a.bucket = w.bucket and a.wallet_id = w.id and a.chain = $1
          where e.kind = 'live'`,
        values: [chain, sinceMs > 0 ? firstIdAt('wal', sinceMs) : ''],
      });
      const live = await findEnvironments(
        pool,
        rows.map((row) => row.environment_id),
      );
      for (const row of rows) {
        // The wallet is looked at when it is credited.
        if (live.get(row.environment_id)?.kind !== 'live') continue;
        if (!pool.guard.admits('deposit_addresses', row)) continue;
        owners.set(comparable(row.address), {
          walletId: row.wallet_id,
          environmentId: row.environment_id,
        });
      }
      newestMs = startedMs;
    },
  };
}
