import type { Block } from './port.ts';

/**
 * What nodes say about a block.
 *
 * - `same`: most of them have it.
 * - `replaced`: as many as must agree have another one at its height, and more than have it.
 * - `unknown`: too few have reached its height, or they do not agree.
 */
export type BlockVote = 'same' | 'replaced' | 'unknown';

/**
 * Judges whether a block is in the chain. A reorganisation is never taken on the word of fewer nodes than must agree, or of a minority.
 *
 * @param ids the ids that nodes have at the block's height, one for each node that has reached it
 */
export function judgeBlock({ id }: Block, ids: readonly string[], agreement: number): BlockVote {
  const votes = countVotes(ids);
  const own = votes.get(id) ?? 0;
  const [other = 0] = [...votes]
    .filter(([known]) => known !== id)
    .map(([, count]) => count)
    .sort((a, b) => b - a);
  if (own > other) return 'same';
  return other >= agreement && other > own ? 'replaced' : 'unknown';
}

/** The id that as many nodes as must agree have, and more than any other; undefined if there is none. */
export function agreedBlockId(ids: readonly string[], agreement: number): string | undefined {
  const [first, second] = [...countVotes(ids)].sort(([, a], [, b]) => b - a);
  if (!first || first[1] < agreement || first[1] === second?.[1]) return undefined;
  return first[0];
}

function countVotes(ids: readonly string[]): ReadonlyMap<string, number> {
  const votes = new Map<string, number>();
  for (const id of ids) votes.set(id, (votes.get(id) ?? 0) + 1);
  return votes;
}
