import { limits } from '../platform/limits.ts';
import type { Pool, PoolClient } from '../store/pool.ts';
import type { ChainHeadRow, JournalRow, PostingRow } from '../store/rows.ts';
import { inTransaction } from '../store/transaction.ts';
import { genesisHash, hashJournal } from './journal.ts';
import { checks } from './verify-checks.ts';

/** One thing that does not hold: what kind of thing, which row, and how. */
export interface Problem {
  readonly kind: string;
  readonly id: string;
  readonly message: string;
}

/** What a verification found. */
export interface Verification {
  readonly ok: boolean;
  /** How many rows were looked at. */
  readonly checked: Readonly<
    Record<'accounts' | 'journals' | 'postings' | 'transactions' | 'events', number>
  >;
  readonly problems: readonly Problem[];
  /** Where each hash chain ends. */
  readonly head: readonly {
    readonly environmentId: string;
    readonly lane: number;
    readonly seq: string;
    readonly hash: string;
  }[];
}

/**
 * Verifies the books against themselves, in one snapshot: balances against postings, journals against zero,
 * transactions against journals, events against their sequence, and the hash chains link by link (architecture §3).
 * Reads page by page, so memory does not grow with history.
 *
 * @param environmentId only this environment; everything when undefined
 */
export async function verifyLedger(pool: Pool, environmentId?: string): Promise<Verification> {
  const scope = environmentId ?? null;
  const work = async (client: PoolClient): Promise<Verification> => {
    await client.query('set local statement_timeout = 0');
    const problems = await runChecks(client, scope);
    const heads = await readHeads(client, scope);
    for (const head of heads) problems.push(...(await verifyChain(client, head)));
    return {
      ok: problems.length === 0,
      checked: await countRows(client, scope),
      problems: problems.slice(0, limits.verifyProblems),
      head: heads.map((head) => ({
        environmentId: head.environment_id,
        lane: head.bucket,
        seq: head.journal_seq.toString(),
        hash: head.journal_hash.toString('hex'),
      })),
    };
  };
  return inTransaction(pool, work, 'begin isolation level repeatable read read only');
}

/**
 * Every check compares whole tables. Without statistics (right after a bulk of writes) PostgreSQL would take nested
 * loops for them, whose time grows with the square of history.
 */
async function runChecks(client: PoolClient, scope: string | null): Promise<Problem[]> {
  await client.query('set local enable_nestloop = off');
  const problems: Problem[] = [];
  for (const { kind, sql } of checks) {
    const { rows } = await client.query<{ id: string; message: string }>(`${sql} limit $2`, [
      scope,
      limits.verifyProblems,
    ]);
    problems.push(...rows.map((row) => ({ kind, ...row })));
  }
  await client.query('set local enable_nestloop = on');
  return problems;
}

async function readHeads(client: PoolClient, scope: string | null): Promise<ChainHeadRow[]> {
  const { rows } = await client.query<ChainHeadRow>(
    `select * from chain_heads where ($1::text is null or environment_id = $1) order by environment_id, bucket`,
    [scope],
  );
  return rows;
}

async function countRows(client: PoolClient, scope: string | null): Promise<Verification['checked']> {
  const own = '($1::text is null or environment_id = $1)';
  const { rows } = await client.query<Record<keyof Verification['checked'], bigint>>(
    `select (select count(*) from accounts where ${own}) as accounts,
      (select count(*) from journals where ${own}) as journals,
      (select count(*) from postings p where $1::text is null or exists (select from journals j
        where j.bucket = p.bucket and j.id = p.journal_id and j.environment_id = $1)) as postings,
      (select count(*) from transactions where ${own}) as transactions,
      (select count(*) from events where ${own}) as events`,
    [scope],
  );
  const counts = rows[0] as Record<keyof Verification['checked'], bigint>;
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [name, Number(count)]),
  ) as unknown as Verification['checked'];
}

/** Follows a chain from its first journal; stops at the first link that does not hold. */
async function verifyChain(client: PoolClient, head: ChainHeadRow): Promise<Problem[]> {
  let seq = 0n;
  let hash: Buffer = genesisHash;
  for (;;) {
    const journals = await readJournals(client, head, seq);
    if (journals.length === 0) break;
    const postings = await readPostings(client, journals);
    for (const journal of journals) {
      const expected = hashJournal(hash, journal, postings.get(journal.id) ?? []);
      if (journal.seq !== seq + 1n)
        return [broken(journal.id, `journal ${seq + 1n} of its chain is missing`)];
      if (!expected.equals(journal.hash))
        return [broken(journal.id, 'its hash does not follow from what it says')];
      seq = journal.seq;
      hash = journal.hash;
    }
  }
  if (seq === head.journal_seq && hash.equals(head.journal_hash)) return [];
  return [
    broken(
      head.environment_id,
      `lane ${head.bucket} stands at journal ${head.journal_seq}, its chain at ${seq}`,
    ),
  ];
}

function broken(id: string, message: string): Problem {
  return { kind: 'chain_broken', id, message };
}

async function readJournals(client: PoolClient, head: ChainHeadRow, afterSeq: bigint): Promise<JournalRow[]> {
  const { rows } = await client.query<JournalRow>(
    `select * from journals where environment_id = $1 and lane = $2 and seq > $3 order by seq limit $4`,
    [head.environment_id, head.bucket, afterSeq, limits.verifyPageRows],
  );
  return rows;
}

async function readPostings(
  client: PoolClient,
  journals: readonly JournalRow[],
): Promise<Map<string, PostingRow[]>> {
  const { rows } = await client.query<PostingRow>(
    `select p.* from postings p join unnest($1::int2[], $2::text[]) as j(bucket, id)
      on p.bucket = j.bucket and p.journal_id = j.id order by p.journal_id, p.line`,
    [journals.map((journal) => journal.bucket), journals.map((journal) => journal.id)],
  );
  const byJournal = new Map<string, PostingRow[]>();
  for (const row of rows) {
    const lines = byJournal.get(row.journal_id);
    if (lines) lines.push(row);
    else byJournal.set(row.journal_id, [row]);
  }
  return byJournal;
}
