import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase } from '../../../test/support/database.ts';
import { limits } from '../platform/limits.ts';
import { createPool, type Pool } from '../store/pool.ts';
import { createDeriver } from './derivation.ts';
import { checkRecordedAddresses } from './recorded-addresses.ts';

const seed = Buffer.alloc(64, 7);
let database: Awaited<ReturnType<typeof createDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await createDatabase();
  pool = createPool(database.url, 'test');
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

test('wallets without addresses hide no address that does not derive from the seed', async () => {
  const last = limits.verifyPageRows + 1;
  // Only the addresses matter here, not the customers.
  await pool.query('alter table wallets drop constraint wallets_bucket_customer_id_fkey');
  await pool.query(
    `insert into wallets (bucket, id, environment_id, customer_id, status, derivation_index, created_at, updated_at)
      select 0, 'wal_' || index, 'env', 'cus', 'active', index, now(), now() from generate_series(0, $1::int) index`,
    [last],
  );
  const add = (index: number, address: string) =>
    pool.query(
      "insert into deposit_addresses (bucket, wallet_id, chain, address) values (0, $1, 'base', $2)",
      [`wal_${index}`, address],
    );
  await add(1, createDeriver(seed).address('evm', 1));
  expect(await checkRecordedAddresses(pool, seed)).toEqual({ wallets: 1, differing: undefined });
  await add(last, createDeriver(seed).address('evm', 2));
  expect(await checkRecordedAddresses(pool, seed)).toEqual({ wallets: 1, differing: `wal_${last}` });
});
