import type { ChainPort } from '../chains/port.ts';
import type { Chain } from '../chains/registry.ts';
import { limits } from '../platform/limits.ts';
import type { Worker } from '../platform/worker-loop.ts';
import type { Pool } from '../store/pool.ts';

/** The works on a chain. Each has a lease of its own, so that none waits for another; `reading` includes reconciliation. */
export type ChainWork = 'reading' | 'payments' | 'sweeps';

/** What identifies the leases of a chain. */
export interface LeaseDeps {
  readonly pool: Pool;
  readonly port: ChainPort;
  /** Identifies this process. */
  readonly leaseOwner: string;
}

/**
 * Acquires or renews the lease of a work on a chain that is followed. One process does it at a time; the workers remain correct if two
 * overlap briefly.
 *
 * @returns whether this process has the lease
 */
export async function acquireLease({ leaseOwner, pool, port }: LeaseDeps, work: ChainWork): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'acquire_chain_lease',
    text: `insert into chain_leases as l (chain, work, owner, expires_at)
      select c.chain, $2, $3, now() + $4 * interval '1 millisecond' from chain_cursors c where c.chain = $1
      on conflict (chain, work) do update set owner = excluded.owner, expires_at = excluded.expires_at
        where l.owner = excluded.owner or l.expires_at < now()`,
    values: [port.chain, work, leaseOwner, limits.chainLeaseMs],
  });
  return rowCount === 1;
}

/** Releases the lease, so that another process need not wait until it expires. */
async function releaseLease(pool: Pool, chain: Chain, work: ChainWork, leaseOwner: string): Promise<void> {
  await pool.query('delete from chain_leases where chain = $1 and work = $2 and owner = $3', [
    chain,
    work,
    leaseOwner,
  ]);
}

/**
 * Releases the lease when the worker stops. Another worker of this process on the same work may still be in its last turn and
 * acquire the lease again, until it expires.
 */
export function releasingLeaseAtStop(
  worker: Worker,
  { leaseOwner, pool, port }: LeaseDeps,
  work: ChainWork,
): Worker {
  return {
    ...worker,
    async stop() {
      await worker.stop();
      await releaseLease(pool, port.chain, work, leaseOwner);
    },
  };
}
