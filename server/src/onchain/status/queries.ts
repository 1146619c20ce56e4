import type { NodeStanding } from '../../chains/port.ts';
import type { Pool } from '../../store/pool.ts';
import type { NoticeReason } from '../cursor.ts';

/** How a chain looks to the process that follows it. */
export interface ChainLook {
  readonly chain: string;
  readonly network: string;
  /** Undefined when no node tells. */
  readonly headHeight: number | undefined;
  /** Why it cannot be followed. */
  readonly fault: string | undefined;
  readonly nodes: readonly NodeStanding[];
}

/** Writes down how a chain looks, unless another process follows it now. */
export async function keepLook(pool: Pool, holder: string, look: ChainLook): Promise<void> {
  await pool.query({
    name: 'keep_chain_look',
    text: `insert into chain_standings (chain, network, head_height, fault, nodes, looked_at)
      select $1, $2, $3, $4, $5, now()
      where not exists (select from chain_cursors c where c.chain = $1 and c.holder <> $6 and c.held_until > now())
      on conflict (chain) do update set network = excluded.network, fault = excluded.fault, nodes = excluded.nodes,
        head_height = coalesce(excluded.head_height, chain_standings.head_height), looked_at = excluded.looked_at`,
    values: [
      look.chain,
      look.network,
      look.headHeight ?? null,
      look.fault ?? null,
      JSON.stringify(look.nodes),
      holder,
    ],
  });
}

/** How a chain stands. Heights are null while nothing is known. */
export interface ChainStanding {
  readonly chain: string;
  readonly network: string;
  readonly head: bigint | null;
  readonly scanned: bigint | null;
  readonly confirmed: bigint | null;
  readonly fault: string | null;
  readonly nodes: readonly NodeStanding[];
  readonly lookedAt: string;
  readonly pendingDeposits: bigint;
  readonly openPayments: bigint;
  /** When the longest waiting of them got its place. */
  readonly oldestPayment: string | null;
}

/** Every chain that a server has looked at. */
export async function listStandings(pool: Pool): Promise<ChainStanding[]> {
  const { rows } = await pool.query<Omit<ChainStanding, 'nodes'> & { nodes: string | NodeStanding[] }>(
    `select s.chain, s.network, s.head_height as head, c.scanned_height as scanned, c.confirmed_height as confirmed,
        s.fault, s.nodes, s.looked_at as "lookedAt",
        (select count(*) from chain_deposits d where d.chain = s.chain and d.status in ('pending', 'confirmed'))
          as "pendingDeposits",
        (select count(*) from chain_payments p where p.chain = s.chain and p.status = 'open') as "openPayments",
        (select min(created_at) from chain_payments p where p.chain = s.chain and p.status = 'open') as "oldestPayment"
      from chain_standings s left join chain_cursors c on c.chain = s.chain order by s.chain`,
  );
  return rows.map((row) => ({
    ...row,
    nodes: typeof row.nodes === 'string' ? (JSON.parse(row.nodes) as NodeStanding[]) : row.nodes,
  }));
}

/** A notice as it was kept. Amounts are in the token's smallest units. */
export interface KeptNotice {
  readonly chain: string;
  readonly reason: NoticeReason;
  readonly txHash: string;
  readonly height: bigint;
  readonly token: string;
  readonly currency: string | null;
  readonly address: string;
  readonly amount: string;
  readonly received: string;
  readonly seenAt: string;
}

/** The newest notices of a chain, or of all. */
export async function listNotices(
  pool: Pool,
  chain: string | undefined,
  limit: number,
): Promise<KeptNotice[]> {
  const { rows } = await pool.query<KeptNotice>(
    `select chain, reason, tx_hash as "txHash", height, token, currency, address, amount, received,
        seen_at as "seenAt"
      from chain_notices where $1::text is null or chain = $1 order by seen_at desc, id limit $2`,
    [chain ?? null, limit],
  );
  return rows;
}
