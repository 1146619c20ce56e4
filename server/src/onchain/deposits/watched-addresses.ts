import type { WatchedAddresses } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
import { firstIdAt } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import { findEnvironments } from '../../store/own-environments.ts';
import type { Pool } from '../../store/pool.ts';
import type { DepositAddressRow } from '../../store/tables/wallets.ts';

type WatchedRow = DepositAddressRow & Record<string, unknown> & { readonly environment_id: string };

/** The owner of an address. */
export interface AddressOwner {
  readonly walletId: string;
  readonly environmentId: string;
}

/** The deposit addresses of all live wallets on one chain, in memory. */
export interface AddressBook extends WatchedAddresses {
  /** The wallet of an address; undefined for the treasury and for unknown addresses. */
  ownerOf(address: string): AddressOwner | undefined;
  /** Loads the wallets that were created since the last call, including every address that the API returned before this call. */
  refresh(): Promise<void>;
}

/**
 * Creates the address book of a chain; it is empty until `refresh`.
 *
 * @param comparable converts an address to the form of the chain's transfers
 * @param ownAddresses additional watched addresses: the treasury
 * @param sender whose outgoing movements are of interest
 */
export function createAddressBook(
  pool: Pool,
  chain: Chain,
  comparable: (address: string) => string,
  ownAddresses: readonly string[],
  sender?: string,
): AddressBook {
  const owners = new Map<string, AddressOwner>();
  const treasuries = new Set(ownAddresses.map(comparable));
  let newestMs = 0;

  return {
    get size() {
      return owners.size + treasuries.size;
    },
    has: (address) => owners.has(address) || treasuries.has(address),
    *keys() {
      yield* treasuries;
      yield* owners.keys();
    },
    ownerOf: (address) => owners.get(address),
    sender: sender === undefined ? undefined : comparable(sender),
    async refresh() {
      // Ids sort by their creation time, which precedes the commit.
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
        // The wallet's own row is authenticated when it is credited.
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
