import type { Submission } from './batch.ts';
import type { LaneStore } from './lane-store.ts';

/**
 * Loads the holdings that commands of a batch read, and adds the rows that these commands then read. They are loaded
 * over the lane's connection, behind every batch that was sent before: nothing can be added to them unless another
 * process moves the head, and then the batch has no effect and is decided again.
 *
 * @returns the same submissions if no command reads holdings
 */
export async function withHoldings(
  store: Pick<LaneStore, 'loadHoldings'>,
  submissions: readonly Submission[],
): Promise<readonly Submission[]> {
  if (!submissions.some(({ command }) => command.holdings)) return submissions;
  const loaded: Submission[] = [];
  for (const submission of submissions) {
    const { holdings: wanted } = submission.command;
    if (!wanted) {
      loaded.push(submission);
      continue;
    }
    const holdings = await store.loadHoldings(wanted.of);
    loaded.push({ ...submission, holdings, reads: [...submission.reads, ...wanted.reads(holdings)] });
  }
  return loaded;
}

/**
 * Puts commands that read holdings first, so that no other command of their batch can add to what was loaded.
 *
 * @returns the same list if no command reads holdings
 */
export function holdingsFirst<Entry extends { readonly submission: Submission }>(entries: Entry[]): Entry[] {
  const reads = ({ submission }: Entry): boolean => submission.command.holdings !== undefined;
  if (!entries.some(reads)) return entries;
  return [...entries.filter(reads), ...entries.filter((entry) => !reads(entry))];
}
