import { hash } from 'node:crypto';
import { Client } from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import { runSql } from '../../../test/support/database.ts';
import { createWriterBench, type WriterBench } from '../../../test/support/writer.ts';
import { walletAvailable } from '../ledger/accounts.ts';
import { depositFlow } from '../ledger/flows.ts';
import { verifyLedger } from '../ledger/verify.ts';
import { invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { OrganisationRow } from '../store/tables/access.ts';
import { type Answering, accountReads, type Command } from './command.ts';
import { prepareLanes } from './lanes.ts';

let bench: WriterBench;
afterEach(() => bench.stop());

/** Inserts an organisation: the simplest change. */
function addRow(name: string, bucket = 0, environmentId = 'env_a'): Command<string> {
  return {
    name: 'add_row',
    environmentId,
    bucket,
    reads: () => [],
    decide(_state, context) {
      const row: OrganisationRow = {
        bucket,
        id: context.newId('org'),
        name,
        rate_limit: null,
        created_at: context.now,
      };
      return {
        result: row.id,
        writes: [{ table: 'organisations', row }],
        events: [{ type: 'webhook.test', objectId: row.id, customerId: null, data: '{}' }],
      };
    },
  };
}

/** Increments a counter: each command sees the effect of the one before it. */
function countUp(lane = 0): Command<bigint> {
  return {
    name: 'count_up',
    environmentId: 'env_a',
    bucket: lane,
    reads: () => [{ table: 'derivation_counters', bucket: lane, id: 'counter' }],
    decide(state) {
      const next = (state.get('derivation_counters', 'counter')?.next_counter ?? 0n) + 1n;
      return {
        result: next,
        writes: [{ table: 'derivation_counters', row: { bucket: lane, id: 'counter', next_counter: next } }],
      };
    },
  };
}

function failing(error: Error): Command<string> {
  return {
    name: 'failing',
    environmentId: 'env_a',
    bucket: 0,
    reads: () => [],
    decide() {
      throw error;
    },
  };
}

function answering(key: string, body = 'body'): Answering<string> {
  return {
    claim: { key, route: 'POST /test', requestHash: hash('sha256', body, 'buffer') as Buffer },
    sensitive: false,
    render: (outcome) =>
      'refusal' in outcome
        ? { status: 400, body: outcome.refusal.reason }
        : { status: 200, body: `made ${outcome.result}` },
  };
}

async function count(table: string): Promise<number> {
  const { rows } = await bench.pool.query(`select count(*)::int4 as count from ${table}`);
  return rows[0].count;
}

const accepted = <Result>(outcomes: readonly { kind: string; result?: Result }[]) =>
  outcomes.filter((outcome) => outcome.kind === 'accepted').map((outcome) => outcome.result);

describe('a batch', () => {
  it('takes all waiting commands up to the limit, in order of arrival', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const outcomes = await Promise.all(Array.from({ length: 1000 }, () => writer.submit(countUp())));
    expect(accepted(outcomes)).toEqual(Array.from({ length: 1000 }, (_, index) => BigInt(index + 1)));
    expect(bench.batches.reduce((sum, size) => sum + size, 0)).toBe(1000);
    expect(Math.max(...bench.batches)).toBe(limits.batchCommands);
    expect(bench.batches.length).toBeLessThan(10);
  });

  it('refuses one command without affecting the others', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const refused: Command<string> = {
      ...addRow('refused'),
      decide: () => ({ refusal: invalidRequest('no', 'No.') }),
    };
    const [first, second, third] = await Promise.all([
      writer.submit(addRow('one')),
      writer.submit(refused),
      writer.submit(addRow('three')),
    ]);
    expect([first.kind, second.kind, third.kind]).toEqual(['accepted', 'refused', 'accepted']);
    expect(await count('organisations')).toBe(2);
  });

  it('fails only the command whose decision throws', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const bug = writer.submit(failing(new Error('a bug')));
    const good = writer.submit(addRow('good'));
    await expect(bug).rejects.toThrow('a bug');
    expect((await good).kind).toBe('accepted');
  });

  it('is retried command by command if the database refuses one of them', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    await writer.submit(addRow('taken'));
    const outcomes = await Promise.allSettled([
      writer.submit(addRow('a')),
      writer.submit(addRow('taken')),
      writer.submit(addRow('b')),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(bench.retries).toContain('one_by_one');
    expect(await count('organisations')).toBe(3);
    expect((await writer.submit(addRow('c'))).kind).toBe('accepted');
  });

  it('is decided again if a random number that it draws is taken', async () => {
    bench = await createWriterBench();
    const rename =
      'alter table organisations rename constraint organisations_name_key to organisations_drawn_name';
    await runSql(bench.databaseUrl, rename);
    const writer = bench.open();
    await writer.submit(addRow('taken'));
    const numbers = ['taken', 'taken', 'free'];
    let draws = 0;
    const drawing: Command<string> = {
      ...addRow('drawn'),
      decide: (state, context) => addRow(numbers[draws++] ?? '').decide(state, context),
    };
    const [neighbour, drawn] = await Promise.all([writer.submit(addRow('a')), writer.submit(drawing)]);
    expect([neighbour.kind, drawn.kind, draws]).toEqual(['accepted', 'accepted', 3]);
    const { rows } = await bench.pool.query('select name from organisations order by name');
    expect(rows.map(({ name }) => name)).toEqual(['a', 'free', 'taken']);
    expect(bench.retries).toEqual(['serialization', 'serialization']);
  });

  it('refuses a read that was not declared', async () => {
    bench = await createWriterBench();
    const undeclared: Command<bigint> = { ...countUp(), reads: () => [] };
    await expect(bench.open().submit(undeclared)).rejects.toThrow(/declares that it reads/);
  });
});

describe('the ledger in a batch', () => {
  const deposit = (skew = 0n): Command<string> => ({
    name: 'deposit',
    environmentId: 'env_a',
    bucket: 0,
    reads: (stripe) => accountReads(flow(stripe).postings.map((line) => line.account)),
    decide(_state, context) {
      const journal = flow(context);
      const [debit, credit] = journal.postings as [
        (typeof journal.postings)[0],
        (typeof journal.postings)[0],
      ];
      const postings = [debit, { ...credit, amountMinor: credit.amountMinor + skew }];
      return { result: 'ok', journals: [{ ...journal, postings }] };
    },
  });
  const walletId = 'wal_01m8364btve20tvkaz126tzp00';
  const flow = (stripe: { environmentId: string; lane: number }, amountMinor = 5n) =>
    depositFlow(stripe, { transactionId: 'txn_1', walletId, chain: 'solana', currency: 'usdc', amountMinor });

  it('refuses a journal that does not balance, and writes none of it', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    await expect(writer.submit(deposit(1n))).rejects.toThrow(/balances in usdc/);
    expect(await count('journals')).toBe(0);
    expect((await writer.submit(deposit())).kind).toBe('accepted');
  });

  it('refuses to take a wallet below zero', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const overdraw: Command<string> = {
      ...deposit(),
      decide: (_state, context) => ({
        result: 'ok',
        journals: [
          {
            ...flow(context),
            postings: flow(context).postings.map((line) => ({ ...line, amountMinor: -line.amountMinor })),
          },
        ],
      }),
    };
    await expect(writer.submit(overdraw)).rejects.toThrow(/stays at or above zero/);
    const { rows } = await bench.pool.query('select 1 from accounts where id = $1', [
      walletAvailable(walletId, 'usdc').id,
    ]);
    expect(rows).toHaveLength(0);
  });
});

describe('the database', () => {
  it('accepts a journal of each kind once per transaction', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const walletId = 'wal_01m8364btve20tvkaz126tzp00';
    const deposit = { transactionId: 'txn_1', walletId, chain: 'solana', currency: 'usdc', amountMinor: 5n };
    const credit: Command<string> = {
      name: 'credit',
      environmentId: 'env_a',
      bucket: 0,
      reads: (stripe) => accountReads(depositFlow(stripe, deposit).postings.map((line) => line.account)),
      decide: (_state, context) => ({ result: 'ok', journals: [depositFlow(context, deposit)] }),
    };
    expect((await writer.submit(credit)).kind).toBe('accepted');
    await expect(writer.submit(credit)).rejects.toMatchObject({ code: '23505', constraint: 'journals_once' });
    expect(await count('journals')).toBe(1);
  });
});

describe('an idempotency key', () => {
  it('runs 50 concurrent commands as one, and gives all the same response', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, (_, index) => writer.submit(addRow(`row ${index}`), answering('key'))),
    );
    expect(await count('organisations')).toBe(1);
    expect(new Set(outcomes.map((outcome) => outcome.answer?.body)).size).toBe(1);
    expect(outcomes.filter((outcome) => outcome.kind === 'replayed')).toHaveLength(49);
  });

  it.each([1, 4])('works across processes and buckets with %i lanes', async (lanes) => {
    bench = await createWriterBench(lanes);
    const writers = [bench.open(), bench.open(), bench.open()];
    const outcomes = await Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        writers[index % 3]?.submit(addRow(`row ${index}`, index % 8), answering(`key ${index % 5}`)),
      ),
    );
    expect(await count('organisations')).toBe(5);
    expect(new Set(outcomes.map((outcome) => outcome?.answer?.body)).size).toBe(5);
  });

  it('stores a refusal, and repeats it even if the command would now be accepted', async () => {
    bench = await createWriterBench();
    const refused: Command<string> = {
      ...addRow('x'),
      decide: () => ({ refusal: invalidRequest('no', 'No.') }),
    };
    await bench.open().submit(refused, answering('key'));
    const again = await bench.open().submit(addRow('x'), answering('key'));
    expect(again).toEqual({ kind: 'replayed', answer: { status: 400, body: 'no' } });
  });

  it('stores nothing for a command that failed', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    await expect(writer.submit(failing(new Error('a bug')), answering('key'))).rejects.toThrow('a bug');
    expect((await writer.submit(addRow('x'), answering('key'))).kind).toBe('accepted');
  });

  it('is refused for another body', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    await writer.submit(addRow('x'), answering('key'));
    const other = await writer.submit(addRow('y'), answering('key', 'other body'));
    const elsewhere = await bench.open().submit(addRow('y'), answering('key', 'other body'));
    for (const outcome of [other, elsewhere]) {
      expect(outcome).toMatchObject({ kind: 'refused', refusal: { reason: 'idempotency_key_reused' } });
    }
  });
});

describe('several processes', () => {
  it.each([1, 4])('on one database lose no update with %i lanes', async (lanes) => {
    bench = await createWriterBench(lanes);
    const writers = [bench.open(), bench.open()];
    // Sequentially, so that the first process finds the head moved at its next command.
    const first = [];
    for (const writer of writers) first.push(await writer.submit(countUp(lanes - 1)));
    const work = writers.flatMap((writer) =>
      Array.from({ length: 299 }, async (_, index) => {
        await new Promise((resolve) => setTimeout(resolve, index % 50));
        return writer.submit(countUp(lanes - 1));
      }),
    );
    const numbers = accepted([...first, ...(await Promise.all(work))]).map(Number);
    expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 600 }, (_, index) => index + 1));
    expect(bench.retries).toContain('head_moved');
  });

  it('write a gapless sequence of events per lane', async () => {
    bench = await createWriterBench(4);
    const writers = [bench.open(), bench.open()];
    await Promise.all(
      Array.from({ length: 400 }, (_, index) =>
        writers[index % 2]?.submit(addRow(`row ${index}`, index % 64)),
      ),
    );
    const { rows } = await bench.pool.query(
      'select lane, count(*)::int4 as count, max(seq)::int4 as last from events group by lane order by lane',
    );
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.count).toBe(row.last);
    expect((await verifyLedger(bench.pool)).problems).toEqual([]);
  });
});

describe('a lost connection', () => {
  const cutConnections = async (): Promise<void> => {
    await bench.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'openledger lane %'`,
    );
  };

  it('in the middle of batches loses nothing and does nothing twice', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    let isDone = false;
    const cutting = (async () => {
      while (!isDone) {
        await new Promise((resolve) => setTimeout(resolve, 30));
        await cutConnections();
      }
    })();
    const numbers: number[] = [];
    // A quick machine may end all rounds between two cuts.
    for (let round = 0; round < 40 || (bench.retries.length === 0 && round < 400); round += 1) {
      const outcomes = await Promise.all(Array.from({ length: 25 }, () => writer.submit(countUp())));
      numbers.push(...accepted(outcomes).map(Number));
    }
    isDone = true;
    await cutting;
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, index) => index + 1));
    expect(numbers.length).toBeGreaterThanOrEqual(1000);
    expect(bench.retries).toContain('connection');
  });

  it('shuts out a batch that was still waiting when its process gave it up', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    await writer.submit(countUp());
    const blocker = new Client(bench.databaseUrl);
    await blocker.connect();
    await blocker.query('begin');
    await blocker.query('select * from lane_heads for update');
    const waiting = writer.submit(countUp());
    await new Promise((resolve) => setTimeout(resolve, 200));
    await cutConnections();
    await blocker.query('rollback');
    await blocker.end();
    expect(await waiting).toEqual({ kind: 'accepted', result: 2n });
    expect(await bench.open().submit(countUp())).toEqual({ kind: 'accepted', result: 3n });
  });
});

describe('the queue', () => {
  it('is bounded: what is too much is refused with 429 and the rest goes through', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const extra = 100;
    const outcomes = await Promise.allSettled(
      Array.from({ length: limits.queueCommands + extra }, () => writer.submit(countUp())),
    );
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(extra);
    expect(refused[0]?.reason.refusal).toMatchObject({
      code: 'RATE_LIMITED',
      reason: 'server_busy',
      retryAfterSeconds: 1,
    });
    expect(writer.queued()).toBe(0);
  });

  it('is drained when the writer is closed', async () => {
    bench = await createWriterBench();
    const writer = bench.open();
    const work = Promise.all(
      Array.from({ length: 500 }, (_, index) => writer.submit(addRow(`row ${index}`))),
    );
    await writer.close();
    expect((await work).every((outcome) => outcome.kind === 'accepted')).toBe(true);
    expect(await count('organisations')).toBe(500);
  });
});

describe('lanes', () => {
  it('are counted in the database, and cannot change under a running server', async () => {
    bench = await createWriterBench(2);
    const writer = bench.open();
    await writer.submit(addRow('x', 1));
    expect(await prepareLanes(bench.pool, undefined)).toBe(2);
    await expect(prepareLanes(bench.pool, 4)).rejects.toThrow(/OPENLEDGER_LANES/);
    await writer.close();
    // The connections of a closed writer take a moment to disappear from the server's list.
    await expect.poll(() => prepareLanes(bench.pool, 4).catch(() => 0)).toBe(4);
    await expect(bench.open().submit(addRow('y', 1))).rejects.toThrow(/started with 2 lanes/);
    expect(bench.fatal).toHaveLength(1);
    expect(await count('organisations')).toBe(1);
  });
});
