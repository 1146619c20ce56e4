import { limits } from '../platform/limits.ts';
import type { PoolClient } from '../store/pool.ts';
import type { ChainHeadRow, JournalRow, PostingRow } from '../store/rows.ts';
import { genesisHash, hashJournal } from './journal.ts';
import { readPostings } from './postings.ts';
import type { Problem } from './verify-checks.ts';

/** Some journals of a chain, in its order, and their lines. */
interface ChainPage {
  readonly journals: readonly JournalRow[];
  readonly postings: ReadonlyMap<string, readonly PostingRow[]>;
}

/** Follows a chain from its first journal; stops at the first link that does not hold. */
export async function verifyChain(client: PoolClient, head: ChainHeadRow): Promise<Problem[]> {
  let seq = 0n;
  let hash: Buffer = genesisHash;
  for await (const { journals, postings } of readChain(client, head)) {
    for (const journal of journals) {
      if (journal.seq !== seq + 1n)
        return [broken(journal.id, `journal ${seq + 1n} of its chain is missing`, journal.id)];
      if (!hashJournal(hash, journal, postings.get(journal.id) ?? []).equals(journal.hash))
        return [broken(journal.id, 'its hash does not follow from what it says', journal.id)];
      seq = journal.seq;
      hash = journal.hash;
    }
  }
  if (seq === head.journal_seq && hash.equals(head.journal_hash)) return [];
  const message = `lane ${head.bucket} stands at journal ${head.journal_seq}, its chain at ${seq}`;
  return [broken(head.environment_id, message)];
}

function broken(id: string, message: string, journalId: string | null = null): Problem {
  return { kind: 'chain_broken', id, accountId: null, journalId, message };
}

/** Reads a chain page by page. The next page is on its way while one is being looked at: never are there more than two. */
async function* readChain(client: PoolClient, head: ChainHeadRow): AsyncGenerator<ChainPage> {
  let next = readPage(client, head, 0n);
  for (;;) {
    const page = await next;
    const last = page.journals.at(-1);
    if (last === undefined) return;
    next = readPage(client, head, last.seq);
    // Whoever stops early does not wait for it; nobody else would hear of its failure then.
    next.catch(() => undefined);
    yield page;
  }
}

async function readPage(client: PoolClient, head: ChainHeadRow, afterSeq: bigint): Promise<ChainPage> {
  const { rows: journals } = await client.query<JournalRow>({
    name: 'chain_page',
    text: 'select * from journals where environment_id = $1 and lane = $2 and seq > $3 order by seq limit $4',
    values: [head.environment_id, head.bucket, afterSeq, limits.verifyPageRows],
  });
  return { journals, postings: await readPostings(client, journals) };
}
