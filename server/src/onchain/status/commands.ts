import type { NodeStatus } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { RateProvider } from '../../rates/provider.ts';
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
  /** Why deposits that are converted wait; undefined if there is a rate, or if no configured token is converted. */
  readonly rateFault: string | undefined;
  readonly nodes: readonly NodeStatus[];
}

/** Saves a snapshot of the chain's status if it has changed, and otherwise from time to time. */
export type StatusRecorder = (headHeight: number | undefined, fault: string | undefined) => Promise<void>;

interface StatusDeps extends LeaseDeps {
  /** Undefined if no source of rates is configured. */
  readonly rates: RateProvider | undefined;
}

/** Creates the recorder of a chain's status. */
export function createStatusRecorder(deps: StatusDeps): StatusRecorder {
  const { leaseOwner, pool, port } = deps;
  let saved = '';
  let savedAtMs = 0;
  return async (headHeight, fault) => {
    const nodes = port.nodes();
    const rateFault = rateFaultOf(deps);
    const text = JSON.stringify([fault, rateFault, nodes]);
    if (text === saved && Date.now() - savedAtMs < limits.chainStandingMs) return;
    const { chain, networkId: network } = port.config;
    await saveStatus(pool, leaseOwner, { chain, network, headHeight, fault, rateFault, nodes });
    saved = text;
    savedAtMs = Date.now();
  };
}

function rateFaultOf({ port, rates }: StatusDeps): string | undefined {
  if (port.token('usdt') === undefined) return undefined;
  return rates ? rates.faultOf('usdt', 'usd', Date.now()) : 'No source of rates is configured.';
}

/** Saves a snapshot unless another process reads the chain. */
async function saveStatus(pool: Pool, leaseOwner: string, snapshot: StatusSnapshot): Promise<void> {
  await pool.query({
    name: 'save_chain_status',
    text: `insert into chain_statuses (chain, network, head_height, fault, nodes, checked_at, rate_fault)
      select $1, $2, $3, $4, $5, now(), $7
      where not exists (select from chain_leases l
        where l.chain = $1 and l.work = 'reading' and l.owner <> $6 and l.expires_at > now())
      on conflict (chain) do update set network = excluded.network, fault = excluded.fault, nodes = excluded.nodes,
        rate_fault = excluded.rate_fault,
        head_height = coalesce(excluded.head_height, chain_statuses.head_height), checked_at = excluded.checked_at`,
    values: [
      snapshot.chain,
      snapshot.network,
      snapshot.headHeight ?? null,
      snapshot.fault ?? null,
      JSON.stringify(snapshot.nodes),
      leaseOwner,
      snapshot.rateFault ?? null,
    ],
  });
}
