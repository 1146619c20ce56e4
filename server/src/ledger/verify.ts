import { limits } from '../platform/limits.ts';
import { type Pool, type PoolClient, queryPatiently } from '../store/pool.ts';
import type { JournalHeadRow } from '../store/tables/lanes.ts';
import { inTransaction } from '../store/transaction.ts';
import { readTrialBalances, type TrialBalance } from './trial-balance.ts';
import { type AddressSource, verifyAddresses } from './verify-addresses.ts';
import { checks, type Problem } from './verify-checks.ts';
import { verifyHashChain } from './verify-hash-chain.ts';
import { verifyRows } from './verify-rows.ts';

/** What a verification found. */
export interface Verification {
  readonly ok: boolean;
  /** How many rows were checked. */
  readonly checked: Readonly<
    Record<'accounts' | 'journals' | 'postings' | 'transactions' | 'events' | 'authenticatedRows', number>
  >;
  /** The first faults of each kind. */
  readonly problems: readonly Problem[];
  readonly trialBalance: readonly TrialBalance[];
  /** Where each hash chain ends. */
  readonly head: readonly {
    readonly environmentId: string;
    readonly lane: number;
    readonly seq: string;
    readonly hash: string;
  }[];
}

/**
 * Verifies the books in one snapshot: balances against postings, the sum of each journal, transactions against journals, the
 * sequences of events, the hash chains (architecture §3), and the codes of all rows that grant access or direct money.
 *
 * Memory does not grow with history: the database computes the sums, on disk if they do not fit in memory, and hash chains are
 * read page by page (docs/decisions/0014-audit-and-faults.md has the figures).
 *
 * @param environmentId only this environment; all of them if undefined
 * @param addresses compares deposit addresses with the seed: of at most `most` wallets, newest first
 */
export async function verifyLedger(
  pool: Pool,
  environmentId?: string,
  addresses?: { readonly at: AddressSource; readonly most: number },
): Promise<Verification> {
  const scope = environmentId ?? null;
  const work = async (client: PoolClient): Promise<Verification> => {
    await client.query(`set local statement_timeout = ${limits.verifyTimeoutMs}`);
    await client.query(`set local work_mem = ${limits.verifyWorkMemoryKib}`);
    const trialBalance = await readTrialBalances(client, scope);
    const problems = [...(await runChecks(client, scope)), ...trialBalance.flatMap(imbalance)];
    const heads = await readHeads(client, scope);
    for (const head of heads) problems.push(...(await verifyHashChain(client, head)));
    const authenticated = await verifyRows(client, pool.guard, scope);
    problems.push(...authenticated.problems);
    if (addresses) problems.push(...(await verifyAddresses(client, addresses.at, scope, addresses.most)));
    return {
      ok: problems.length === 0,
      checked: { ...(await countRows(client, scope)), authenticatedRows: authenticated.rows },
      problems: problems.slice(0, limits.verifyProblems),
      trialBalance,
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
 * Every check compares whole tables. Without statistics (shortly after many writes) PostgreSQL would plan nested loops, whose
 * time is quadratic in the size of the history.
 */
async function runChecks(client: PoolClient, scope: string | null): Promise<Problem[]> {
  await client.query('set local enable_nestloop = off');
  const problems: Problem[] = [];
  for (const { kind, sql } of checks) {
    const { rows } = await queryPatiently<{
      id: string;
      account_id?: string;
      journal_id?: string;
      message: string;
    }>(client, `${sql} limit $2`, [scope, limits.verifyProblems]);
    for (const { account_id: accountId = null, id, journal_id: journalId = null, message } of rows)
      problems.push({ kind, id, accountId, journalId, message });
  }
  await client.query('set local enable_nestloop = on');
  return problems;
}

function imbalance({ currency, difference, isBalanced }: TrialBalance): Problem[] {
  if (isBalanced) return [];
  const message = `debits and credits differ by ${difference}`;
  return [{ kind: 'trial_balance', id: currency, accountId: null, journalId: null, message }];
}

async function readHeads(client: PoolClient, scope: string | null): Promise<JournalHeadRow[]> {
  const { rows } = await client.query<JournalHeadRow>(
    `select * from journal_heads where ($1::text is null or environment_id = $1) order by environment_id, bucket`,
    [scope],
  );
  return rows;
}

type Counted = Exclude<keyof Verification['checked'], 'authenticatedRows'>;

async function countRows(client: PoolClient, scope: string | null): Promise<Record<Counted, number>> {
  const own = '($1::text is null or environment_id = $1)';
  const { rows } = await queryPatiently<Record<Counted, bigint>>(
    client,
    `select (select count(*) from accounts where ${own}) as accounts,
      (select count(*) from journals where ${own}) as journals,
      (select count(*) from postings p where $1::text is null or exists (select from journals j
        where j.bucket = p.bucket and j.id = p.journal_id and j.environment_id = $1)) as postings,
      (select count(*) from transactions where ${own}) as transactions,
      (select count(*) from events where ${own}) as events`,
    [scope],
  );
  const counts = rows[0] as Record<Counted, bigint>;
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)])) as Record<
    Counted,
    number
  >;
}
