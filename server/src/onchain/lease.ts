import type { ChainPort } from '../chains/port.ts';
import type { Chain } from '../chains/registry.ts';
import { limits } from '../platform/limits.ts';
import type { Worker } from '../platform/worker-loop.ts';
import type { Pool } from '../store/pool.ts';

/** What identifies the lease of a chain. */
export interface LeaseDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
  /** Identifies this process. */
  readonly leaseOwner: string;
}

/**
 * Acquires or renews the lease of a chain. One process works on a chain at a time; the workers remain correct if two overlap briefly.
 *
 * @returns whether this process has the lease
 */
export async function acquireLease({ leaseOwner, pool, port }: LeaseDeps): Promise<boolean> {
  const { rowCount } = await pool.query(
    `update chain_cursors set lease_owner = $2, lease_expires_at = now() + $3 * interval '1 millisecond'
      where chain = $1 and (lease_owner is null or lease_owner = $2 or lease_expires_at < now())`,
    [port.chain, leaseOwner, limits.chainLeaseMs],
  );
  return rowCount === 1;
}

/** Releases the lease, so that another process need not wait until it expires. */
async function releaseLease(pool: Pool, chain: Chain, leaseOwner: string): Promise<void> {
  await pool.query(
    'update chain_cursors set lease_owner = null, lease_expires_at = null where chain = $1 and lease_owner = $2',
    [chain, leaseOwner],
  );
}

/**
 * Releases the lease when the worker stops. Another worker of this process on the same chain may still be in its last turn and
 * acquire the lease again, until it expires.
 */
export function releasingLeaseAtStop(worker: Worker, { leaseOwner, pool, port }: LeaseDeps): Worker {
  return {
    ...worker,
    async stop() {
      await worker.stop();
      await releaseLease(pool, port.chain, leaseOwner);
    },
  };
}
