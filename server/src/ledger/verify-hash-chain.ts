import { limits } from '../platform/limits.ts';
import type { PoolClient } from '../store/pool.ts';
import type { JournalHeadRow } from '../store/tables/lanes.ts';
import type { JournalRow, PostingRow } from '../store/tables/ledger.ts';
import { genesisHash, hashJournal } from './journal.ts';
import { readPostings } from './postings.ts';
import type { Problem } from './verify-checks.ts';

/** Consecutive journals of a hash chain, and their lines. */
interface JournalPage {
  readonly journals: readonly JournalRow[];
  readonly postings: ReadonlyMap<string, readonly PostingRow[]>;
}

/** Verifies a hash chain from its first journal on. Stops at the first fault. */
export async function verifyHashChain(client: PoolClient, head: JournalHeadRow): Promise<Problem[]> {
  let seq = 0n;
  let hash: Buffer = genesisHash;
  for await (const { journals, postings } of readHashChain(client, head)) {
    for (const journal of journals) {
      if (journal.seq !== seq + 1n)
        return [broken(journal.id, `journal ${seq + 1n} of its hash chain is missing`, journal.id)];
      if (!hashJournal(hash, journal, postings.get(journal.id) ?? []).equals(journal.hash))
        return [broken(journal.id, 'its hash does not match its content', journal.id)];
      seq = journal.seq;
      hash = journal.hash;
    }
  }
  if (seq === head.journal_seq && hash.equals(head.journal_hash)) return [];
  const message = `lane ${head.bucket} is at journal ${head.journal_seq}, but its hash chain ends at ${seq}`;
  return [broken(head.environment_id, message)];
}

function broken(id: string, message: string, journalId: string | null = null): Problem {
  return { kind: 'chain_broken', id, accountId: null, journalId, message };
}

/** Reads a hash chain page by page. The next page is loaded while one is verified, so that at most two are in memory. */
async function* readHashChain(client: PoolClient, head: JournalHeadRow): AsyncGenerator<JournalPage> {
  let next = readPage(client, head, 0n);
  for (;;) {
    const page = await next;
    const last = page.journals.at(-1);
    if (last === undefined) return;
    next = readPage(client, head, last.seq);
    // A consumer that stops early does not await this page: its failure must not become an unhandled rejection.
    next.catch(() => undefined);
    yield page;
  }
}

async function readPage(client: PoolClient, head: JournalHeadRow, afterSeq: bigint): Promise<JournalPage> {
  const { rows: journals } = await client.query<JournalRow>({
    name: 'journal_page',
    text: 'select * from journals where environment_id = $1 and lane = $2 and seq > $3 order by seq limit $4',
    values: [head.environment_id, head.bucket, afterSeq, limits.verifyPageRows],
  });
  return { journals, postings: await readPostings(client, journals) };
}
