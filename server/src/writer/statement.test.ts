import { afterAll, beforeAll, expect, it } from 'vitest';
import { createWriterBench, type WriterBench } from '../../../test/support/writer.ts';
import type { AnyRow } from '../store/tables.ts';
import type { Changes } from './batch-state.ts';
import { buildBatchStatement, type LaneHead } from './statement.ts';

let bench: WriterBench;
beforeAll(async () => {
  bench = await createWriterBench();
});
afterAll(() => bench.stop());

const now = '2026-01-15T11:00:00.000Z';
let batches = 0;

async function write(changes: Partial<Changes>, expected?: Partial<LaneHead>): Promise<number> {
  const { rows } = await bench.pool.query('select seq, batch_id from lane_heads');
  const statement = buildBatchStatement(
    {
      lane: 0,
      laneCount: 1,
      expected: { seq: rows[0].seq, batchId: rows[0].batch_id, ...expected },
      batchId: `bat_${++batches}`,
      now,
    },
    { inserts: [], updates: [], ...changes },
    bench.pool.guard,
  );
  return (await bench.pool.query(statement)).rows[0].applied;
}

function line(number: number, currency: string, amount: bigint): AnyRow {
  return {
    bucket: 0,
    journal_id: 'jrn_1',
    line: number,
    account_bucket: 0,
    account_id: `account ${number}`,
    account_version: 1n,
    currency,
    amount_minor: amount,
    balance_after_minor: amount,
  };
}

const postings = (...rows: AnyRow[]) => ({ inserts: [{ table: 'postings' as const, rows }] });

it('has no effect if the head is not in the expected state', async () => {
  const row = { bucket: 0, id: 'org_1', name: 'x', rate_limit: null, created_at: now };
  const changes = { inserts: [{ table: 'organisations' as const, rows: [row] }] };
  expect(await write(changes, { seq: 999n })).toBe(0);
  expect(await write(changes, { batchId: 'bat_of_another_server' })).toBe(0);
  expect((await bench.pool.query('select 1 from organisations')).rowCount).toBe(0);
  expect((await bench.pool.query('select 1 from batches')).rowCount).toBe(0);
  expect(await write(changes)).toBe(1);
  expect((await bench.pool.query('select 1 from organisations')).rowCount).toBe(1);
});

it('is refused by the database if postings do not sum to zero in each currency', async () => {
  const crossed = postings(line(1, 'usdc', 5n), line(2, 'eurc', -5n));
  await expect(write(crossed)).rejects.toMatchObject({ code: '22012' });
  await expect(write(postings(line(1, 'usdc', 5n), line(2, 'usdc', -4n)))).rejects.toMatchObject({
    code: '22012',
  });
  expect((await bench.pool.query('select 1 from postings')).rowCount).toBe(0);
  expect(await write(postings(line(1, 'usdc', 5n), line(2, 'usdc', -5n)))).toBe(1);
});

it('is refused by the database if a row to update does not exist', async () => {
  const row = { bucket: 0, id: 'no such counter', next_counter: 1n };
  const changes = { updates: [{ table: 'derivation_counters' as const, rows: [row] }] };
  await expect(write(changes)).rejects.toMatchObject({ code: '22012' });
});
