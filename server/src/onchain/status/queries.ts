import type { NodeStatus } from '../../chains/port.ts';
import type { Pool } from '../../store/pool.ts';

/** The status of a chain. Heights are null until they are known. */
export interface ChainStatus {
  readonly chain: string;
  readonly network: string;
  readonly head: bigint | null;
  readonly scanned: bigint | null;
  readonly confirmed: bigint | null;
  readonly fault: string | null;
  readonly nodes: readonly NodeStatus[];
  readonly checkedAt: string;
  /** Why deposits that are converted wait; null if there is a rate. */
  readonly rateFault: string | null;
  readonly pendingDeposits: bigint;
  /** Final deposits that wait for a rate. */
  readonly awaitingRate: bigint;
  readonly openPayments: bigint;
  /** When the oldest open payment was created. */
  readonly oldestPayment: string | null;
}

/** Lists the status of every chain that a server has followed. */
export async function listStatuses(pool: Pool): Promise<ChainStatus[]> {
  const { rows } = await pool.query<Omit<ChainStatus, 'nodes'> & { nodes: string | NodeStatus[] }>(
    `select s.chain, s.network, s.head_height as head, c.scanned_height as scanned, c.confirmed_height as confirmed,
        s.fault, s.rate_fault as "rateFault", s.nodes, s.checked_at as "checkedAt",
        (select count(*) from chain_deposits d where d.chain = s.chain and d.status = 'pending') as "pendingDeposits",
        (select count(*) from chain_deposits d where d.chain = s.chain and d.status = 'confirmed') as "awaitingRate",
        (select count(*) from chain_payments p where p.chain = s.chain and p.status = 'open') as "openPayments",
        (select min(created_at) from chain_payments p where p.chain = s.chain and p.status = 'open') as "oldestPayment"
      from chain_statuses s left join chain_cursors c on c.chain = s.chain order by s.chain`,
  );
  return rows.map((row) => ({
    ...row,
    nodes: typeof row.nodes === 'string' ? (JSON.parse(row.nodes) as NodeStatus[]) : row.nodes,
  }));
}
