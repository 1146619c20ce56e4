import type { Chain } from '../../chains/registry.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import type { GuardedRow } from '../../store/row-guard.ts';
import type { ChainOutflowRow } from '../../store/tables/chains.ts';

/** What left our addresses and no payment of the books explains. */
export interface Outflow {
  readonly id: string;
  readonly sender: string;
  /** The nonce that was used; null for a movement of tokens. */
  readonly sequence: bigint | null;
  readonly txHash: string | null;
  readonly height: bigint | null;
  readonly currency: string | null;
  /** The receiver. */
  readonly address: string | null;
  /** In minor units. */
  readonly amountMinor: bigint | null;
  /** Whether an operator has explained it. */
  readonly isResolved: boolean;
}

type OutflowRow = ChainOutflowRow & GuardedRow;

const columns = `${authenticatedColumns('chain_outflows')}, t.resolved_at`;

/** Lists what left our addresses on a chain and is not explained, the oldest first. Rows that are not authentic count as that. */
export async function listUnknown(pool: Pool, chain: Chain): Promise<Outflow[]> {
  const { rows } = await pool.query<OutflowRow>({
    name: 'list_unknown_outflows',
    text: `select ${columns} from chain_outflows t where t.chain = $1 order by t.seen_at, t.id`,
    values: [chain],
  });
  return rows.map((row) => toOutflow(pool, row)).filter(({ isResolved }) => !isResolved);
}

/** Lists what is recorded of a transaction. */
export async function listOfTransaction(pool: Pool, chain: Chain, txHash: string): Promise<Outflow[]> {
  const { rows } = await pool.query<OutflowRow>(
    `select ${columns} from chain_outflows t where t.chain = $1 and t.tx_hash = $2 order by t.id`,
    [chain, txHash],
  );
  return rows.map((row) => toOutflow(pool, row));
}

/** Lists what is recorded of a sender's nonces. */
export async function listOfSender(pool: Pool, chain: Chain, sender: string): Promise<Outflow[]> {
  const { rows } = await pool.query<OutflowRow>(
    `select ${columns} from chain_outflows t
      where t.chain = $1 and t.sender = $2 and t.sequence is not null order by t.sequence`,
    [chain, sender],
  );
  return rows.map((row) => toOutflow(pool, row));
}

function toOutflow(pool: Pool, row: OutflowRow): Outflow {
  return {
    id: row.id,
    sender: row.sender,
    sequence: row.sequence,
    txHash: row.tx_hash,
    height: row.height,
    currency: row.currency,
    address: row.address,
    amountMinor: row.amount === null ? null : BigInt(row.amount),
    isResolved: row.resolution !== null && pool.guard.admits('chain_outflows', row),
  };
}

/** What the books know of a sender's nonces. */
export interface BookedSequences {
  /** The first nonce that the books have not given out; undefined if they have given out none. */
  readonly next: bigint | undefined;
  /** Nonces of payments, whether they have ended or not. */
  readonly ofPayments: ReadonlySet<bigint>;
  /** Nonces of payments that have been reserved, and for which nothing has been signed. */
  readonly unsigned: readonly bigint[];
}

/** Reads what the books know of a sender's nonces. */
export async function readSequences(db: Queryable, chain: Chain, sender: string): Promise<BookedSequences> {
  const { rows: heads } = await db.query<{ next_sequence: bigint }>(
    'select next_sequence from chain_sequences where chain = $1 and sender = $2',
    [chain, sender],
  );
  const { rows } = await db.query<{ sequence: bigint; is_unsigned: boolean }>(
    `select p.sequence, not exists (select from chain_attempts a where a.payment_id = p.id) as is_unsigned
      from chain_payments p where p.chain = $1 and p.sender = $2
        and (p.sequence >= $3 or (p.status = 'open' and p.sequence is not null))`,
    [chain, sender, heads[0]?.next_sequence ?? 0n],
  );
  return {
    next: heads[0]?.next_sequence,
    ofPayments: new Set(rows.map(({ sequence }) => sequence)),
    unsigned: rows.filter((row) => row.is_unsigned).map(({ sequence }) => sequence),
  };
}
