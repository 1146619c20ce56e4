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
  readonly pendingDeposits: bigint;
  readonly openPayments: bigint;
  /** When the oldest open payment was created. */
  readonly oldestPayment: string | null;
  /** Open payments that wait for an operator. */
  readonly paymentsForOperator: bigint;
  /** Deep reorganisations, and the last one. */
  readonly reorganisations: number;
  readonly lastReorganisation: LastReorganisation | null;
}

/** The last reorganisation of blocks whose deposits had been credited. */
interface LastReorganisation {
  readonly detectedAt: string;
  /** Blocks after this height were replaced. */
  readonly forkHeight: number;
  /** Deposits had been credited up to this height. */
  readonly confirmedHeight: number;
  readonly depositsReversed: number;
  readonly paymentsReopened: number;
}

type StatusRow = Omit<ChainStatus, 'nodes' | 'lastReorganisation'> & {
  readonly nodes: string | NodeStatus[];
  readonly lastReorganisation: string | null;
};

/** Lists the status of every chain that a server has followed. */
export async function listStatuses(pool: Pool): Promise<ChainStatus[]> {
  const { rows } = await pool.query<StatusRow>(
    `select s.chain, s.network, s.head_height as head, c.scanned_height as scanned, c.confirmed_height as confirmed,
        s.fault, s.nodes, s.checked_at as "checkedAt",
        (select count(*) from chain_deposits d where d.chain = s.chain and d.status in ('pending', 'confirmed'))
          as "pendingDeposits",
        (select count(*) from chain_payments p where p.chain = s.chain and p.status = 'open') as "openPayments",
        (select min(created_at) from chain_payments p where p.chain = s.chain and p.status = 'open') as "oldestPayment",
        (select count(*) from chain_payments p where p.chain = s.chain and p.status = 'open' and p.attention is not null)
          as "paymentsForOperator",
        coalesce(c.reorganisations, 0) as reorganisations,
        (select json_build_object('detectedAt', r.detected_at, 'forkHeight', r.fork_height,
            'confirmedHeight', r.confirmed_height, 'depositsReversed', r.deposits_reversed,
            'paymentsReopened', r.payments_reopened)::text
          from chain_reorganisations r where r.chain = s.chain order by r.number desc limit 1) as "lastReorganisation"
      from chain_statuses s left join chain_cursors c on c.chain = s.chain order by s.chain`,
  );
  return rows.map((row) => ({
    ...row,
    nodes: typeof row.nodes === 'string' ? (JSON.parse(row.nodes) as NodeStatus[]) : row.nodes,
    lastReorganisation: JSON.parse(row.lastReorganisation ?? 'null') as LastReorganisation | null,
  }));
}
