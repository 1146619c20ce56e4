import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../../test/support/database.ts';
import type { PaymentIntent } from '../../chains/port.ts';
import { createVault } from '../../platform/seal.ts';
import { createPool, type Pool } from '../../store/pool.ts';
import { createRowGuard } from '../../store/row-guard.ts';
import { listPayments, placePayment, releasePlace, withdrawPayment } from './queries.ts';

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

test('of two processes that place the same payment one does, and no place is left out', async () => {
  const rounds = Array.from({ length: 20 }, (_, round) => `place_${round}`);
  const places = await Promise.all(
    rounds.flatMap((id) => pools.map((pool) => placePayment(pool, 'base', sender, id, intent, 7n))),
  );
  const taken = places.flatMap((placed) => (placed ? [Number(placed.sequence)] : []));
  expect(taken.sort((a, b) => a - b)).toEqual(rounds.map((_, round) => 7 + round));
});

test('a payment is placed or withdrawn, never both', async () => {
  const [one, other] = pools;
  for (let round = 0; round < 30; round += 1) {
    const id = `race_${round}`;
    const [placed, isWithdrawn] = await Promise.all([
      placePayment(one, 'optimism', sender, id, intent, 0n),
      withdrawPayment(other, 'optimism', sender, id, intent),
    ]);
    expect(placed !== undefined).toBe(!isWithdrawn);
  }
});

test('only the last place is given back, and only while nothing is signed for it', async () => {
  const [pool] = pools;
  const [first, last] = [
    await placePayment(pool, 'polygon', sender, 'first', intent, 0n),
    await placePayment(pool, 'polygon', sender, 'last', intent, 0n),
  ];
  if (!first || !last) throw new Error('They have places');
  expect(await releasePlace(pool, 'polygon', first)).toBe(false);
  expect(await releasePlace(pool, 'polygon', last)).toBe(true);
  expect((await listPayments(pool, 'polygon')).map(({ id }) => id)).toEqual(['first']);
  await pool.query("insert into chain_attempts values ('first', 1, '0xhash', '0xraw', 'terms', now())");
  expect(await releasePlace(pool, 'polygon', first)).toBe(false);
});
