import { type Node, UnsettledError } from './node.ts';
import type { Nodes } from './node-pool.ts';
import { type Block, ChainError, type SeenTransfer } from './port.ts';

/**
 * Asks nodes until so many have said the same, no more than are needed: as many as must agree at once, then one after
 * the other. Whoever failed, or said something else, is left alone for a while.
 *
 * @param print what must be the same
 * @param about what is asked, for the error
 * @throws ChainError when too few agree
 */
export async function askUntilAgreed<Answer>(
  nodes: Pick<Nodes<Block>, 'usable' | 'blame'>,
  agreement: number,
  ask: (node: Node) => Promise<Answer>,
  print: (answer: Answer) => string,
  about: string,
): Promise<Answer> {
  const votes = new Map<string, { readonly answer: Answer; readonly nodes: Node[] }>();
  const all = nodes.usable();
  let fault: unknown;
  for (let asked = 0; asked < all.length; ) {
    const next = all.slice(asked, asked + (asked === 0 ? agreement : 1));
    asked += next.length;
    const results = await Promise.allSettled(next.map(ask));
    for (const [index, result] of results.entries()) {
      const node = next[index] as Node;
      if (result.status === 'rejected') {
        if (!(result.reason instanceof ChainError)) throw result.reason;
        fault = result.reason;
        if (!(fault instanceof UnsettledError)) nodes.blame(node, result.reason.message);
        continue;
      }
      const text = print(result.value);
      const vote = votes.get(text) ?? { answer: result.value, nodes: [] };
      vote.nodes.push(node);
      votes.set(text, vote);
    }
    const winner = [...votes.values()].find((vote) => vote.nodes.length >= agreement);
    if (!winner) continue;
    for (const vote of votes.values()) {
      if (vote === winner) continue;
      for (const node of vote.nodes) nodes.blame(node, 'It disagrees with the other nodes.');
    }
    return winner.answer;
  }
  if (votes.size > 1) throw new ChainError(`The nodes disagree about ${about}.`);
  if (votes.size === 0 && fault) throw fault;
  const answered = [...votes.values()][0]?.nodes.length ?? 0;
  throw new ChainError(`Only ${answered} of ${agreement} nodes that must agree answer.`);
}

/**
 * Every node that can be asked.
 *
 * @throws ChainError when there is none: that nobody knows of something would otherwise be taken for a fact
 */
export function allUsable(nodes: Pick<Nodes<Block>, 'usable'>): readonly Node[] {
  const usable = nodes.usable();
  if (usable.length > 0) return usable;
  throw new ChainError('No node answers.');
}

/**
 * The nodes that must say the same.
 *
 * @throws ChainError when there are too few of them
 */
export function agreeing(nodes: Pick<Nodes<Block>, 'usable'>, agreement: number): readonly Node[] {
  const asked = nodes.usable().slice(0, agreement);
  if (asked.length >= agreement) return asked;
  throw new ChainError(`Only ${asked.length} of ${agreement} nodes that must agree answer.`);
}

/** Everything that nodes must agree about of transfers, in one text. */
export function printTransfers(transfers: readonly SeenTransfer[]): string {
  return JSON.stringify(
    transfers.map(({ amount, block, from, ordinal, to, token, txHash }) => [
      txHash,
      ordinal,
      block.id,
      token,
      from,
      to,
      amount.toString(),
    ]),
  );
}
