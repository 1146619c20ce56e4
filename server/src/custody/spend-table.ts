import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import { inTransaction } from '../store/transaction.ts';
import { afterSpend, decideSpend, type KnownPayment, type Payment, type SpendBook } from './spending.ts';

/** The book in the database, for a signer inside the server: any number of servers share it. */
export function createSpendTable(pool: Pool, clock: Clock): SpendBook {
  return {
    count: (payment) => inTransaction(pool, (client) => countIn(client, payment, toIsoTime(clock.now()))),
  };
}

async function countIn(client: PoolClient, payment: Payment, now: string): Promise<void> {
  // Whoever comes second waits here for the first, and then sees what it has written.
  await client.query(
    `insert into signed_payments (reference, intent, nonce, counted, signed_at) values ($1, $2, $3, '{}', $4)
      on conflict (reference) do nothing`,
    [payment.reference, payment.meaning, payment.nonce, now],
  );
  const { rows } = await client.query<{ meaning: string; nonce: string | null; counted: string }>(
    'select intent as meaning, nonce, counted from signed_payments where reference = $1 for update',
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

/** In the order of the assets, so that two payments never wait for each other. */
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

function knownOf(row: { meaning: string; nonce: string | null; counted: string }): KnownPayment {
  const counted = JSON.parse(row.counted) as Record<string, string>;
  return {
    meaning: row.meaning,
    nonce: row.nonce,
    counted: Object.fromEntries(Object.entries(counted).map(([asset, amount]) => [asset, BigInt(amount)])),
  };
}
