import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';
import { afterSpend, decideSpend, type Payment, type SignedPayment, type SpendBook } from './policy.ts';

/** Creates the record in the database, which the signers of all servers share. */
export function createSpendTable(pool: Pool, clock: Clock): SpendBook {
  return {
    count: (payment) => inTransaction(pool, (client) => countIn(client, payment, toIsoTime(clock.now()))),
  };
}

async function countIn(client: PoolClient, payment: Payment, now: string): Promise<void> {
  // A concurrent signature of the same payment waits here for the first one, and then reads what that one wrote.
  await client.query(
    `insert into signed_payments (reference, intent, nonce, counted, signed_at) values ($1, $2, $3, '{}', $4)
      on conflict (reference) do nothing`,
    [payment.reference, payment.intent, payment.nonce, now],
  );
  const { rows } = await client.query<{ intent: string; nonce: string | null; counted: string }>(
    'select intent, nonce, counted from signed_payments where reference = $1 for update',
    [payment.reference],
  );
  const known = rows[0] && knownOf(rows[0]);
  const spent = await lockDays(client, payment);
  const added = decideSpend(payment, known, (asset) => spent.get(asset) ?? 0n);
  for (const { amount, asset } of added) {
    await client.query(
      'update daily_spending set spent = spent + $4 where chain = $1 and asset = $2 and day = $3',
      [payment.chain, asset, payment.day, amount.toString()],
    );
  }
  const { counted } = afterSpend(payment, known, added);
  await client.query('update signed_payments set counted = $2, signed_at = $3 where reference = $1', [
    payment.reference,
    JSON.stringify(
      Object.fromEntries(Object.entries(counted).map(([asset, amount]) => [asset, String(amount)])),
    ),
    now,
  ]);
}

/** Locks the totals in the order of the assets, so that two payments never deadlock. */
async function lockDays(client: PoolClient, { chain, day, spends }: Payment): Promise<Map<string, bigint>> {
  const spent = new Map<string, bigint>();
  for (const asset of spends.map((spend) => spend.asset).sort()) {
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

function knownOf(row: { intent: string; nonce: string | null; counted: string }): SignedPayment {
  const counted = JSON.parse(row.counted) as Record<string, string>;
  return {
    intent: row.intent,
    nonce: row.nonce,
    counted: Object.fromEntries(Object.entries(counted).map(([asset, amount]) => [asset, BigInt(amount)])),
  };
}
