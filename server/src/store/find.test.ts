import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { createDb, type Db } from './database.ts';
import { findRow } from './find.ts';
import { createPool, type Pool } from './pool.ts';

let database: TestDatabase;
let pool: Pool;
let db: Db;
beforeEach(async () => {
  database = await createDatabase();
  pool = createPool(database.url, 'test', { max: 2 });
  db = createDb(pool);
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

const idOf = (index: number): string => `evt_${String(index).padStart(26, '0')}`;

/** Events 0 to 99, even ones of one environment, odd ones of another. */
async function addEvents(): Promise<void> {
  for (let index = 0; index < 100; index += 1) {
    const low = Number(idOf(index).at(-1));
    await pool.query(
      `insert into events (bucket, id, environment_id, lane, seq, type, object_id, data, created_at)
        values ($1, $2, $3, 0, $4, 'x', 'y', '{}', now())`,
      [((Number(idOf(index).at(-2)) << 5) | low) % 64, idOf(index), `env_${index % 2}`, index + 1],
    );
  }
}

it('returns to each concurrent lookup its own row, and no row of another environment', async () => {
  await addEvents();
  const lookups = Array.from({ length: 300 }, (_, index) =>
    findRow(db, 'events', 'env_0', idOf(index % 150)),
  );
  const found = (await Promise.all(lookups)).map((row) => row?.id);
  const own = (index: number) => (index < 100 && index % 2 === 0 ? idOf(index) : undefined);
  expect(found).toEqual(Array.from({ length: 300 }, (_, index) => own(index % 150)));
});

it('sees what was committed before the lookup, while other lookups are running', async () => {
  const before = [1, 2, 3].map((index) => findRow(db, 'events', 'env_0', idOf(index)));
  await addEvents();
  expect((await findRow(db, 'events', 'env_0', idOf(0)))?.id).toBe(idOf(0));
  expect(
    (await Promise.all(before)).every((row) => row === undefined || row.environment_id === 'env_0'),
  ).toBe(true);
});

it('recovers after a statement failed because the database was unreachable', async () => {
  await addEvents();
  await pool.query('alter table events rename to events_away');
  const failed = [0, 2, 4].map((index) => findRow(db, 'events', 'env_0', idOf(index)));
  for (const { status } of await Promise.allSettled(failed)) expect(status).toBe('rejected');
  await pool.query('alter table events_away rename to events');
  expect((await findRow(db, 'events', 'env_0', idOf(2)))?.id).toBe(idOf(2));
});

it('reads over connections that prepared the statement before a column was added', async () => {
  await addEvents();
  const lookUp = () => Promise.all([0, 2, 4, 6].map((index) => findRow(db, 'events', 'env_0', idOf(index))));
  await lookUp();
  await lookUp();
  await pool.query('alter table events add column added_later text');
  for (const row of await lookUp()) expect(row).toHaveProperty('added_later', null);
});
