import type { WatchedAddresses } from '../../chains/port.ts';
import type { Chain } from '../../chains/registry.ts';
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
  /** Whether `refresh` has been called. */
  readonly isLoaded: boolean;
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
  let horizon: string | undefined;

  return {
    get size() {
      return owners.size + treasuries.size;
    },
    get isLoaded() {
      return horizon !== undefined;
    },
    has: (address) => owners.has(address) || treasuries.has(address),
    *keys() {
      yield* treasuries;
      yield* owners.keys();
    },
    ownerOf: (address) => owners.get(address),
    sender: sender === undefined ? undefined : comparable(sender),
    async refresh() {
      const now = await readHorizon(pool, horizon);
      const isNew = now.since === null ? '' : 'and a.created_tx >= $2::xid8 and a.created_tx < $3::xid8';
      const { rows } = await pool.query<WatchedRow>({
        name: `list_watched_addresses ${now.since === null ? 'all' : 'new'}`,
        text: `select ${authenticatedColumns('deposit_addresses', 'a')}, w.environment_id
          from deposit_addresses a join wallets w on w.bucket = a.bucket and w.id = a.wallet_id
            join environments e on e.current_id = w.environment_id and e.kind = 'live'
          where a.chain = $1 ${isNew}`,
        values: now.since === null ? [chain] : [chain, now.since, now.end],
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
      horizon = now.horizon;
    },
  };
}

/**
 * The transactions whose addresses are loaded next. Every transaction before the horizon has ended, so that what it stored is
 * visible now. After a failover transaction numbers can start again lower: then everything is loaded.
 */
interface LoadWindow {
  /** The first transaction to load; null to load every address. */
  readonly since: string | null;
  /** The first transaction that has not started. Higher numbers are of the database that a dump was made of. */
  readonly end: string;
  readonly horizon: string;
}

async function readHorizon(pool: Pool, last: string | undefined): Promise<LoadWindow> {
  const { rows } = await pool.query<{ horizon: string; end: string }>(
    `select pg_snapshot_xmin(s)::text as horizon, pg_snapshot_xmax(s)::text as end from pg_current_snapshot() s`,
  );
  const { end = '0', horizon = '0' } = rows[0] ?? {};
  const isKnown = last !== undefined && BigInt(last) <= BigInt(horizon);
  return { since: isKnown ? last : null, end, horizon };
}
