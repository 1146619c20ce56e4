import { afterEach, beforeEach, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../test/support/database.ts';
import { createPool, type Pool, type PoolClient } from '../store/pool.ts';
import { fanOut } from './fan-out.ts';

/** Fan-out alone, on rows that were written here: nothing else is at work. */

const environmentId = 'env_a';
const early = '2026-01-01T00:00:00.000Z';
const late = '2026-01-01T00:10:00.000Z';
let database: TestDatabase;
let pool: Pool;
beforeEach(async () => {
  database = await createDatabase();
  pool = createPool(database.url, 'test');
});
afterEach(async () => {
  await pool.end();
  await database.drop();
});

/** Locks that are waited for in this database. */
const waiting = `select from pg_locks l join pg_database d on d.oid = l.database
  where not l.granted and d.datname = current_database()`;

type Db = Pick<PoolClient, 'query'>;

/** An event as a lane writes it: with its next number. */
async function event(db: Db, id: string, lane: number, createdAt: string): Promise<void> {
  await db.query(
    `with head as (
      insert into journal_heads (bucket, environment_id, journal_seq, journal_hash, event_seq)
      values ($2, $3, 0, decode(repeat('00', 32), 'hex'), 1)
      on conflict (bucket, environment_id) do update set event_seq = journal_heads.event_seq + 1 returning event_seq)
    insert into events (bucket, id, environment_id, lane, seq, type, object_id, data, created_at)
      select $2, $1, $3, $2, event_seq, 'customer.created', 'cus_a', '{}', $4 from head`,
    [id, lane, environmentId, createdAt],
  );
}

async function webhook(id: string, createdAt: string, positions: object = {}): Promise<void> {
  await pool.query(
    `insert into webhooks (bucket, id, environment_id, url, events, status, secret, created_at, updated_at, event_positions)
      values (0, $1, $2, 'https://example.com', '["*"]', 'active', 'sealed.v1.x', $3, $3, $4)`,
    [id, environmentId, createdAt, JSON.stringify(positions)],
  );
}

async function queued(): Promise<string[]> {
  const { rows } = await pool.query<{ row: string }>(
    `select webhook_id || ' ' || event_id as row from delivery_queue order by 1`,
  );
  return rows.map(({ row }) => row);
}

it('a webhook gets what is written after it, by the numbers of each lane and not by clocks', async () => {
  await event(pool, 'evt_1', 0, late);
  await event(pool, 'evt_2', 1, early);
  // Its server's clock is behind that of the one that wrote evt_1, and ahead of the others'.
  await webhook('whk_a', '2026-01-01T00:05:00.000Z', { 0: '1', 1: '1' });
  await event(pool, 'evt_3', 0, early);
  await event(pool, 'evt_4', 1, early);
  await event(pool, 'evt_5', 2, early);
  expect(await fanOut(pool, () => late)).toBe(5);
  expect(await queued()).toEqual(['whk_a evt_3', 'whk_a evt_4', 'whk_a evt_5']);
});

it('a webhook that is created while events are handed out misses none that is written after it', async () => {
  await webhook('whk_old', early);
  await event(pool, 'evt_1', 0, early);
  const writer = await pool.connect();
  try {
    // Whoever hands events out has to wait here, in the midst of it.
    await writer.query('begin');
    await writer.query('lock table events in access exclusive mode');
    const handedOut = fanOut(pool, () => late);
    await expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(1);
    await webhook('whk_new', late, { 0: '1' });
    await event(writer, 'evt_2', 0, late);
    await writer.query('commit');
    await handedOut;
  } finally {
    writer.release();
  }
  await fanOut(pool, () => late);
  expect(await queued()).toEqual(['whk_new evt_2', 'whk_old evt_1', 'whk_old evt_2']);
});
