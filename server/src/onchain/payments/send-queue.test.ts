import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../../test/support/database.ts';
import type { PaymentIntent } from '../../chains/signing.ts';
import { createVault } from '../../platform/seal.ts';
import { createPool, type Pool } from '../../store/pool.ts';
import { createRowGuard } from '../../store/row-guard.ts';
import { listPayments } from './queries.ts';
import { releasePayment, reservePayment, withdrawPayment } from './send-queue.ts';

let database: Awaited<ReturnType<typeof createDatabase>>;
let pools: [Pool, Pool];
beforeAll(async () => {
  database = await createDatabase();
  pools = [createPool(database.url, 'one'), createPool(database.url, 'other')];
  const guard = createRowGuard(createVault(randomBytes(32)), () => undefined);
  for (const pool of pools) pool.guard = guard;
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await database.drop();
});

const sender = '0x00000000000000000000000000000000000000aa';
const intent = {
  kind: 'transfer',
  currency: 'usdc',
  amount: 1n,
  address: '0x00000000000000000000000000000000000000bb',
} as const satisfies PaymentIntent;

/** Stores a signature of a payment. */
async function storeAttempt(id: string): Promise<void> {
  await pools[0].query("insert into chain_attempts values ($1, 1, $2, '0xraw', 'terms', now())", [
    id,
    `0x${id}`,
  ]);
}

test('of two processes that reserve the same payment one succeeds, and no sequence number is skipped', async () => {
  const taken: number[] = [];
  for (let round = 0; round < 20; round += 1) {
    const id = `payment_${round}`;
    const reserved = await Promise.all(
      pools.map((pool) => reservePayment(pool, 'base', sender, id, intent, 7n)),
    );
    taken.push(...reserved.flatMap((one) => (one ? [Number(one.sequence)] : [])));
    await storeAttempt(id);
  }
  expect(taken).toEqual(Array.from({ length: 20 }, (_, round) => 7 + round));
});

test('nothing is reserved after a payment that is not signed: two workers leave no gap when one is refused', async () => {
  const [one, other] = pools;
  const sweep = { ...intent, kind: 'authorised_sweep', index: 1 } as const;
  const [sweeping, paying] = await Promise.all([
    reservePayment(one, 'avalanche', sender, 'sweep', sweep, 0n),
    reservePayment(other, 'avalanche', sender, 'payout', intent, 0n),
  ]);
  const reserved = sweeping ?? paying;
  if (!reserved) throw new Error('One of them must be reserved');
  expect(sweeping === undefined || paying === undefined).toBe(true);
  expect(await releasePayment(one, 'avalanche', reserved)).toBe(true);
  expect((await reservePayment(one, 'avalanche', sender, 'next', intent, 0n))?.sequence).toBe(0n);
  expect((await reservePayment(one, 'avalanche', `${sender}0`, 'of another', intent, 0n))?.sequence).toBe(0n);
});

test('a payment is reserved or withdrawn, never both', async () => {
  const [one, other] = pools;
  for (let round = 0; round < 30; round += 1) {
    const id = `race_${round}`;
    const [reserved, isWithdrawn] = await Promise.all([
      reservePayment(one, 'optimism', sender, id, intent, 0n),
      withdrawPayment(other, 'optimism', sender, id, intent),
    ]);
    expect(reserved !== undefined).toBe(!isWithdrawn);
    if (reserved) await storeAttempt(id);
  }
});

test('only the last reservation is released, and only while nothing is signed for it', async () => {
  const [pool] = pools;
  const first = await reservePayment(pool, 'polygon', sender, 'first', intent, 0n);
  await storeAttempt('first');
  const last = await reservePayment(pool, 'polygon', sender, 'last', intent, 0n);
  if (!first || !last) throw new Error('Both must be reserved');
  expect(await releasePayment(pool, 'polygon', first)).toBe(false);
  expect(await releasePayment(pool, 'polygon', last)).toBe(true);
  expect((await listPayments(pool, 'polygon')).map(({ id }) => id)).toEqual([]);
  expect(await releasePayment(pool, 'polygon', first)).toBe(false);
});
