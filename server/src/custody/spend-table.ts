import type { Validity } from '../chains/signing.ts';
import { toIsoTime } from '../platform/clock.ts';
import type { Pool, PoolClient, Queryable } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';
import {
  afterSigning,
  dayOf,
  decidePayment,
  type Payment,
  type SignedPayment,
  type SpendBook,
} from './signing-record.ts';

interface PaymentRow {
  readonly intent: string;
  readonly nonce: string | null;
  readonly counted: string;
  readonly signed_at: string;
  readonly unsigned: string | null;
  readonly terms: string | null;
  readonly transaction_id: string | null;
  readonly validity: string | null;
}

const columns = 'intent, nonce, counted, signed_at, unsigned, terms, transaction_id, validity';

/** Creates the record in the database, which the signers of all servers share. */
export function createSpendTable(pool: Pool): SpendBook {
  return {
    find: (reference) => findPayment(pool, reference, ''),
    record: (payment) => inTransaction(pool, (client) => recordIn(client, payment)),
    async status(day) {
      const { rows } = await pool.query<{ chain: string; asset: string; spent: string }>(
        'select chain, asset, spent::text as spent from daily_spending where day = $1 order by chain, asset',
        [day],
      );
      const last = await pool.query<{ at: string | null }>(
        'select max(signed_at) as at from signed_payments',
      );
      const at = last.rows[0]?.at ?? null;
      return {
        spent: rows.map(({ asset, chain, spent }) => ({ chain, asset, amount: BigInt(spent) })),
        lastAtMs: at === null ? null : Date.parse(at),
      };
    },
  };
}

async function findPayment(
  db: Queryable,
  reference: string,
  lock: '' | 'for update',
): Promise<SignedPayment | undefined> {
  const { rows } = await db.query<PaymentRow>(
    `select ${columns} from signed_payments where reference = $1 ${lock}`,
    [reference],
  );
  return rows[0] && knownOf(rows[0]);
}

async function recordIn(client: PoolClient, payment: Payment): Promise<void> {
  const { chain, intent, nonce, reference, transaction } = payment;
  const now = toIsoTime(payment.atMs);
  // A concurrent signature of the same payment waits here for the first one, and then reads what that one wrote.
  const { rowCount } = await client.query(
    `insert into signed_payments (reference, intent, nonce, counted, signed_at) values ($1, $2, $3, '{}', $4)
      on conflict (reference) do nothing`,
    [reference, intent, nonce, now],
  );
  const known = rowCount === 1 ? undefined : await findPayment(client, reference, 'for update');
  const spent = await lockDays(client, payment);
  const added = decidePayment(payment, known, (asset) => spent.get(asset) ?? 0n);
  if (!added) return;
  for (const { amount, asset } of added) {
    await client.query(
      'update daily_spending set spent = spent + $4 where chain = $1 and asset = $2 and day = $3',
      [chain, asset, dayOf(payment.atMs), amount.toString()],
    );
  }
  const { counted } = afterSigning(payment, known, added);
  const amounts = Object.entries(counted).map(([asset, amount]) => [asset, String(amount)]);
  await client.query(
    `update signed_payments set counted = $2, signed_at = $3, unsigned = $4, terms = $5, transaction_id = $6, validity = $7
      where reference = $1`,
    [
      reference,
      JSON.stringify(Object.fromEntries(amounts)),
      now,
      Buffer.from(transaction.unsigned).toString('hex'),
      transaction.terms,
      transaction.id,
      transaction.validity === null ? null : JSON.stringify(transaction.validity),
    ],
  );
}

/** Locks the totals in the order of the assets, so that two payments never deadlock. */
async function lockDays(
  client: PoolClient,
  { atMs, chain, nonce, spends }: Payment,
): Promise<Map<string, bigint>> {
  const day = dayOf(atMs);
  const spent = new Map<string, bigint>();
  const kinds = nonce === null ? ['', ' again'] : [''];
  for (const asset of spends.flatMap(({ asset }) => kinds.map((kind) => asset + kind)).sort()) {
    await client.query(
      'insert into daily_spending (chain, asset, day, spent) values ($1, $2, $3, 0) on conflict do nothing',
      [chain, asset, day],
    );
    const { rows } = await client.query<{ spent: string }>(
      'select spent::text as spent from daily_spending where chain = $1 and asset = $2 and day = $3 for update',
      [chain, asset, day],
    );
    spent.set(asset, BigInt(rows[0]?.spent ?? 0));
  }
  return spent;
}

function knownOf(row: PaymentRow): SignedPayment {
  const { intent, nonce, signed_at: signedAt, terms, transaction_id: id, unsigned, validity } = row;
  const counted = JSON.parse(row.counted) as Record<string, string>;
  const isKept = id !== null && unsigned !== null && terms !== null;
  return {
    intent,
    nonce,
    last: isKept
      ? {
          id,
          unsigned: Buffer.from(unsigned, 'hex'),
          terms,
          validity: validity === null ? null : (JSON.parse(validity) as Validity),
        }
      : undefined,
    signedAtMs: Date.parse(signedAt),
    counted: Object.fromEntries(Object.entries(counted).map(([asset, amount]) => [asset, BigInt(amount)])),
  };
}
