import type { ReservedPayment, SignedAttempt } from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import type { PaymentIntent } from '../../chains/signing.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import type { RowGuard } from '../../store/row-guard.ts';
import type { PaymentAttention } from '../../store/tables/chains.ts';
import type { Attention } from './attention.ts';

/** A payment that has not ended, with its signed transactions. */
export interface OpenPayment extends ReservedPayment {
  /** The oldest first; empty if nothing has been signed. */
  readonly attempts: readonly SignedAttempt[];
  /** When the newest attempt was signed, in milliseconds since the Unix epoch. */
  readonly signedAtMs: number;
  /** How long ago the nonce or slot was reserved, by the clock of the database. */
  readonly reservedForMs: number;
  /** Why it waits for an operator; undefined if it does not. */
  readonly attention?: Attention | undefined;
  /** Whether it had ended, and was opened again because its block vanished. */
  readonly isReopened?: boolean;
}

interface PaymentRow extends Record<string, unknown> {
  readonly id: string;
  readonly kind: PaymentIntent['kind'];
  readonly sender: string;
  readonly sequence: bigint;
  readonly currency: string | null;
  readonly address: string;
  readonly wallet_index: number | null;
  readonly amount: string;
  readonly token: string | null;
  readonly attempt_number: number | null;
  readonly attempt_hash: string | null;
  readonly attempt_mac: string | null;
  readonly raw: string | null;
  readonly terms: string | null;
  readonly signed_at: string | null;
  readonly reserved_for_ms: bigint;
  readonly attention: PaymentAttention | null;
  readonly attention_detail: string | null;
  readonly reopened_at: string | null;
}

/**
 * Lists the open payments of a chain in the order of their nonces or slots, without those that fail authentication or have an attempt that
 * does.
 *
 * @param db the connection to read with
 */
export async function listPayments(pool: Pool, chain: Chain, db: Queryable = pool): Promise<OpenPayment[]> {
  const { rows } = await db.query<PaymentRow>({
    name: 'list_chain_payments',
    text: `select ${authenticatedColumns('chain_payments', 'p')}, a.number as attempt_number,
        a.tx_hash as attempt_hash, a.raw, a.terms, a.signed_at, a.mac as attempt_mac, p.attention,
        p.attention_detail, p.reopened_at,
        (extract(epoch from now() - p.created_at) * 1000)::int8 as reserved_for_ms
      from chain_payments p left join chain_attempts a on a.payment_id = p.id
      where p.chain = $1 and p.status = 'open' order by p.sequence, p.id, a.number`,
    values: [chain],
  });
  const payments = new Map<string, OpenPayment>();
  const rejected = new Set<string>();
  for (const row of rows) {
    const { attempt_hash: txHash, attention, raw, signed_at: signedAt, terms } = row;
    if (rejected.has(row.id) || !isAuthentic(pool.guard, row)) {
      rejected.add(row.id);
      payments.delete(row.id);
      continue;
    }
    const attempts = [...(payments.get(row.id)?.attempts ?? [])];
    if (raw !== null && txHash !== null && terms !== null) attempts.push({ txHash, raw, terms });
    payments.set(row.id, {
      id: row.id,
      sender: row.sender,
      sequence: row.sequence,
      intent: intentOf(row),
      attempts,
      signedAtMs: signedAt === null ? 0 : Date.parse(signedAt),
      reservedForMs: Number(row.reserved_for_ms),
      attention: attention === null ? undefined : { reason: attention, detail: row.attention_detail ?? '' },
      isReopened: row.reopened_at !== null,
    });
  }
  return [...payments.values()];
}

function isAuthentic(guard: RowGuard, row: PaymentRow): boolean {
  if (!guard.admits('chain_payments', row)) return false;
  if (row.attempt_number === null) return true;
  const { attempt_hash: tx_hash, attempt_mac: mac, attempt_number: number, id: payment_id, raw, terms } = row;
  return guard.admits('chain_attempts', { payment_id, number, tx_hash, raw, terms, mac });
}

function intentOf(row: PaymentRow): PaymentIntent {
  const { address, amount, currency, kind, wallet_index: index } = row;
  const common = { address, amount: BigInt(amount) };
  if (kind === 'transfer') return { kind, ...common, currency: currency as Stablecoin };
  if (kind === 'nonce_fill') return { kind, amount: 0n, address, index };
  if (kind === 'deposit_return') {
    const token = row.token ?? '';
    return { kind, ...common, token, currency: currency as Stablecoin | null, from: row.sender, index };
  }
  const at = index ?? 0;
  if (kind === 'top_up') return { kind, ...common, index: at };
  return { kind, ...common, index: at, currency: currency as Stablecoin };
}

/** Finds out which payments have been withdrawn. */
export async function listWithdrawn(pool: Pool, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ id: string } & Record<string, unknown>>(
    `select ${authenticatedColumns('chain_payments')} from chain_payments t
      where t.id = any($1) and t.status = 'withdrawn'`,
    [ids],
  );
  return new Set(rows.filter((row) => pool.guard.admits('chain_payments', row)).map(({ id }) => id));
}

/** Finds out which transactions were signed here. */
export async function ownTransactions(pool: Pool, txHashes: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ tx_hash: string } & Record<string, unknown>>(
    `select ${authenticatedColumns('chain_attempts')} from chain_attempts t where t.tx_hash = any($1)`,
    [txHashes],
  );
  const ours = rows.filter((row) => pool.guard.admits('chain_attempts', row));
  return new Set(ours.map(({ tx_hash: hash }) => hash));
}
