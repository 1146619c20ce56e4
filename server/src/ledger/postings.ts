import type { Queryable } from '../store/pool.ts';
import type { JournalRow, PostingRow } from '../store/tables/ledger.ts';

/**
 * Reads the lines of journals by the journals' primary key.
 *
 * @returns the lines in order, by the journal's id; a journal without lines is absent
 */
export async function readPostings(
  db: Queryable,
  journals: readonly Pick<JournalRow, 'bucket' | 'id'>[],
): Promise<Map<string, PostingRow[]>> {
  const { rows } = await db.query<PostingRow>({
    name: 'postings_of_journals',
    text: `select p.* from postings p join unnest($1::int2[], $2::text[]) as j(bucket, id)
      on p.bucket = j.bucket and p.journal_id = j.id order by p.journal_id, p.line`,
    values: [journals.map(({ bucket }) => bucket), journals.map(({ id }) => id)],
  });
  const byJournal = new Map<string, PostingRow[]>();
  for (const row of rows) {
    const lines = byJournal.get(row.journal_id);
    if (lines) lines.push(row);
    else byJournal.set(row.journal_id, [row]);
  }
  return byJournal;
}
