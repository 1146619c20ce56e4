import {
  ChainError,
  type ChainPort,
  type PaymentIntent,
  type PlacedPayment,
  type SignedAttempt,
} from '../../chains/port.ts';
import type { Chain, Stablecoin } from '../../chains/registry.ts';
import { authenticatedColumns } from '../../store/authenticated-rows.ts';
import type { Pool, Queryable } from '../../store/pool.ts';
import type { RowGuard } from '../../store/row-guard.ts';
import { inTransaction } from '../../store/transaction.ts';

/** A payment that is on its way, with everything that was signed for it, the oldest first. */
export interface OpenPayment extends PlacedPayment {
  readonly attempts: readonly SignedAttempt[];
  /** When the newest attempt was signed, in milliseconds since the Unix epoch. */
  readonly signedAtMs: number;
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
  readonly attempt_number: number | null;
  readonly attempt_hash: string | null;
  readonly attempt_mac: string | null;
  readonly raw: string | null;
  readonly terms: string | null;
  readonly signed_at: string | null;
}

/**
 * The payments of a chain that are on their way, in the order of their places; those that are not ours, or have something
 * signed that is not, are left out.
 *
 * @param db what reads them, when it is not the pool itself
 */
export async function listPayments(pool: Pool, chain: Chain, db: Queryable = pool): Promise<OpenPayment[]> {
  const { rows } = await db.query<PaymentRow>({
    name: 'list_chain_payments',
    text: `select ${authenticatedColumns('chain_payments', 'p')}, a.number as attempt_number,
        a.tx_hash as attempt_hash, a.raw, a.terms, a.signed_at, a.mac as attempt_mac
      from chain_payments p left join chain_attempts a on a.payment_id = p.id
      where p.chain = $1 and p.status = 'open' order by p.sequence, p.id, a.number`,
    values: [chain],
  });
  const payments = new Map<string, OpenPayment>();
  const refused = new Set<string>();
  for (const row of rows) {
    const { attempt_hash: txHash, raw, signed_at: signedAt, terms } = row;
    if (refused.has(row.id) || !isOurs(pool.guard, row)) {
      refused.add(row.id);
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
    });
  }
  return [...payments.values()];
}

function isOurs(guard: RowGuard, row: PaymentRow): boolean {
  if (!guard.admits('chain_payments', row)) return false;
  if (row.attempt_number === null) return true;
  const { attempt_hash: tx_hash, attempt_mac: mac, attempt_number: number, id: payment_id, raw, terms } = row;
  return guard.admits('chain_attempts', { payment_id, number, tx_hash, raw, terms, mac });
}

function intentOf({ address, amount, currency, kind, wallet_index: index }: PaymentRow): PaymentIntent {
  const common = { address, amount: BigInt(amount) };
  if (kind === 'transfer') return { kind, ...common, currency: currency as Stablecoin };
  const at = index ?? 0;
  if (kind === 'top_up') return { kind, ...common, index: at };
  return { kind, ...common, index: at, currency: currency as Stablecoin };
}

/**
 * Gives a payment the next place in its sender's order, for good: only then is it signed, so that whatever happens in
 * between, it is this place that is signed for.
 *
 * @param id names the payment; there is never a second one by it
 * @param used the first place that the chain has not used
 * @returns undefined when there is a payment by that id already, or another errand to the same address
 */
export async function placePayment(
  pool: Pool,
  chain: Chain,
  sender: string,
  id: string,
  intent: PaymentIntent,
  used: bigint,
): Promise<PlacedPayment | undefined> {
  return inTransaction(pool, async (client) => {
    await client.query(
      'insert into chain_sequences (chain, sender, next_sequence) values ($1, $2, $3) on conflict do nothing',
      [chain, sender, used],
    );
    const { rows } = await client.query<{ next_sequence: bigint }>(
      'select next_sequence from chain_sequences where chain = $1 and sender = $2 for update',
      [chain, sender],
    );
    const next = rows[0]?.next_sequence ?? 0n;
    const sequence = next > used ? next : used;
    const currency = intent.kind === 'top_up' ? null : intent.currency;
    const index = intent.kind === 'transfer' ? null : intent.index;
    const { address, kind } = intent;
    const amount = intent.amount.toString();
    const mac = pool.guard.macOf('chain_payments', {
      ...{ chain, id, kind, sender, sequence, currency, address, amount },
      wallet_index: index,
      status: 'open',
    });
    const { rowCount } = await client.query(
      `insert into chain_payments
          (chain, id, kind, sender, sequence, currency, address, wallet_index, amount, status, created_at, updated_at, mac)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'open', now(), now(), $10) on conflict do nothing`,
      [chain, id, kind, sender, sequence, currency, address, index, amount, mac],
    );
    if (rowCount !== 1) return undefined;
    await client.query('update chain_sequences set next_sequence = $3 where chain = $1 and sender = $2', [
      chain,
      sender,
      sequence + 1n,
    ]);
    return { id, intent, sender, sequence };
  });
}

/**
 * Makes sure that a payment never gets a place: only then may its transfer fail without having been sent.
 *
 * @returns whether it is so; not when it has a place, be it by another process
 */
export async function withdrawPayment(
  pool: Pool,
  chain: Chain,
  sender: string,
  id: string,
  intent: PaymentIntent & { kind: 'transfer' },
): Promise<boolean> {
  const { address, currency, kind } = intent;
  const amount = intent.amount.toString();
  const row = { chain, id, kind, sender, currency, address, amount, status: 'withdrawn' };
  await pool.query(
    `insert into chain_payments (chain, id, kind, sender, currency, address, amount, status, created_at, updated_at, mac)
      values ($1, $2, 'transfer', $3, $4, $5, $6, 'withdrawn', now(), now(), $7) on conflict do nothing`,
    [chain, id, sender, currency, address, amount, pool.guard.macOf('chain_payments', row)],
  );
  return (await listWithdrawn(pool, [id])).has(id);
}

/** Which payments have been withdrawn. */
export async function listWithdrawn(pool: Pool, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ id: string } & Record<string, unknown>>(
    `select ${authenticatedColumns('chain_payments')} from chain_payments t
      where t.id = any($1) and t.status = 'withdrawn'`,
    [ids],
  );
  return new Set(rows.filter((row) => pool.guard.admits('chain_payments', row)).map(({ id }) => id));
}

/** Which transactions were signed here. */
export async function ownTransactions(pool: Pool, txHashes: readonly string[]): Promise<ReadonlySet<string>> {
  const { rows } = await pool.query<{ tx_hash: string } & Record<string, unknown>>(
    `select ${authenticatedColumns('chain_attempts')} from chain_attempts t where t.tx_hash = any($1)`,
    [txHashes],
  );
  const ours = rows.filter((row) => pool.guard.admits('chain_attempts', row));
  return new Set(ours.map(({ tx_hash: hash }) => hash));
}

/**
 * Takes back a place for which nothing was signed, if it is the last one: a gap would hold up everything after it.
 *
 * @returns whether it was
 */
export async function releasePlace(pool: Pool, chain: Chain, payment: PlacedPayment): Promise<boolean> {
  return inTransaction(pool, async (client) => {
    const { rowCount } = await client.query(
      `update chain_sequences set next_sequence = $3
        where chain = $1 and sender = $2 and next_sequence = $3 + 1
          and not exists (select from chain_attempts where payment_id = $4)`,
      [chain, payment.sender, payment.sequence, payment.id],
    );
    if (rowCount !== 1) return false;
    await client.query("delete from chain_payments where id = $1 and status = 'open'", [payment.id]);
    return true;
  });
}

/**
 * Signs a payment in its own place, and stores what was signed: it is broadcast only after this.
 *
 * @throws ChainError when another process has stored this attempt, or taken the place back: then nothing is broadcast
 */
export async function signPlaced(
  pool: Pool,
  { sender }: ChainPort,
  payment: PlacedPayment,
  attempts: readonly SignedAttempt[],
  terms: string,
): Promise<SignedAttempt> {
  const attempt = await sender.sign(payment, terms);
  const number = attempts.length + 1;
  const { raw, terms: signedTerms, txHash } = attempt;
  const row = { payment_id: payment.id, number, tx_hash: txHash, raw, terms: signedTerms };
  const mac = pool.guard.macOf('chain_attempts', row);
  const { rowCount } = await pool.query(
    `insert into chain_attempts (payment_id, number, tx_hash, raw, terms, signed_at, mac)
      select id, $2, $3, $4, $5, now(), $7 from chain_payments where id = $1 and status = 'open' and sequence = $6
      on conflict do nothing`,
    [payment.id, number, txHash, raw, signedTerms, payment.sequence.toString(), mac],
  );
  if (rowCount !== 1) throw new ChainError(`Another process works on the payment ${payment.id}.`);
  return attempt;
}

/**
 * A payment has ended: by which transaction, where, and what the chain charged for it.
 *
 * @throws RowNotAuthenticError when the payment is not ours
 */
export async function endPayment(
  pool: Pool,
  id: string,
  end: {
    readonly ok: boolean;
    readonly txHash: string;
    readonly height: number;
    readonly feeNative: bigint;
  },
): Promise<void> {
  const status = end.ok ? 'completed' : 'failed';
  await inTransaction(pool, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select ${authenticatedColumns('chain_payments')} from chain_payments t
        where t.id = $1 and t.status = 'open' for update`,
      [id],
    );
    const row = rows[0];
    if (!row) return;
    const ended = { ...pool.guard.require('chain_payments', row), status, tx_hash: end.txHash };
    await client.query(
      `update chain_payments set status = $2, tx_hash = $3, height = $4, fee_native = $5, updated_at = now(), mac = $6
        where id = $1`,
      [
        id,
        status,
        end.txHash,
        end.height,
        end.feeNative.toString(),
        pool.guard.macOf('chain_payments', ended),
      ],
    );
  });
}
