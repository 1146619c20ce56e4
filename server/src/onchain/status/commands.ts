import type { NodeStatus } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Pool } from '../../store/pool.ts';
import type { LeaseDeps } from '../lease.ts';

/** The status of a chain as the process that follows it sees it. */
interface StatusSnapshot {
  readonly chain: string;
  readonly network: string;
  /** Undefined if no node responds. */
  readonly headHeight: number | undefined;
  /** Why the chain cannot be followed; undefined if it can. */
  readonly fault: string | undefined;
  readonly nodes: readonly NodeStatus[];
}

/** Saves a snapshot of the chain's status if it has changed, and otherwise from time to time. */
export type StatusRecorder = (headHeight: number | undefined, fault: string | undefined) => Promise<void>;

/** Creates the recorder of a chain's status. */
export function createStatusRecorder({ leaseOwner, pool, port }: LeaseDeps): StatusRecorder {
  let saved = '';
  let savedAtMs = 0;
  return async (headHeight, fault) => {
    const nodes = port.nodes();
    const text = JSON.stringify([fault, nodes]);
    if (text === saved && Date.now() - savedAtMs < limits.chainStandingMs) return;
    const { chain, networkId: network } = port.config;
    await saveStatus(pool, leaseOwner, { chain, network, headHeight, fault, nodes });
    saved = text;
    savedAtMs = Date.now();
  };
}

/** Saves a snapshot unless another process reads the chain. */
async function saveStatus(pool: Pool, leaseOwner: string, snapshot: StatusSnapshot): Promise<void> {
  await pool.query({
    name: 'save_chain_status',
    text: `insert into chain_statuses (chain, network, head_height, fault, nodes, checked_at)
      select $1, $2, $3, $4, $5, now()
      where not exists (select from chain_leases l
        where l.chain = $1 and l.work = 'reading' and l.owner <> $6 and l.expires_at > now())
      on conflict (chain) do update set network = excluded.network, fault = excluded.fault, nodes = excluded.nodes,
        head_height = coalesce(excluded.head_height, chain_statuses.head_height), checked_at = excluded.checked_at`,
    values: [
      snapshot.chain,
      snapshot.network,
      snapshot.headHeight ?? null,
      snapshot.fault ?? null,
      JSON.stringify(snapshot.nodes),
      leaseOwner,
    ],
  });
}
