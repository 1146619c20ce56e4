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

test('of two processes that reserve the same payment one succeeds, and no sequence number is skipped', async () => {
  const rounds = Array.from({ length: 20 }, (_, round) => `payment_${round}`);
  const reservations = await Promise.all(
    rounds.flatMap((id) => pools.map((pool) => reservePayment(pool, 'base', sender, id, intent, 7n))),
  );
  const taken = reservations.flatMap((reserved) => (reserved ? [Number(reserved.sequence)] : []));
  expect(taken.sort((a, b) => a - b)).toEqual(rounds.map((_, round) => 7 + round));
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
  }
});

test('only the last reservation is released, and only while nothing is signed for it', async () => {
  const [pool] = pools;
  const [first, last] = [
    await reservePayment(pool, 'polygon', sender, 'first', intent, 0n),
    await reservePayment(pool, 'polygon', sender, 'last', intent, 0n),
  ];
  if (!first || !last) throw new Error('Both must be reserved');
  expect(await releasePayment(pool, 'polygon', first)).toBe(false);
  expect(await releasePayment(pool, 'polygon', last)).toBe(true);
  expect((await listPayments(pool, 'polygon')).map(({ id }) => id)).toEqual(['first']);
  await pool.query("insert into chain_attempts values ('first', 1, '0xhash', '0xraw', 'terms', now())");
  expect(await releasePayment(pool, 'polygon', first)).toBe(false);
});
