import { ChainError } from './errors.ts';
import type { Node } from './node.ts';
import type { NodePool } from './node-pool.ts';
import type { Block, SeenTransfer } from './port.ts';

/**
 * Asks nodes until enough of them give the same response: first as many as must agree, concurrently, then one at a time.
 * Nodes that fail or give another response than the majority are marked unhealthy.
 *
 * @param fingerprint the part of a response that must be the same
 * @param subject what is asked about, for the error message
 * @throws ChainError if too few nodes agree
 */
export async function askUntilAgreed<Response>(
  nodes: Pick<NodePool<Block>, 'healthy' | 'markUnhealthy'>,
  agreement: number,
  ask: (node: Node) => Promise<Response>,
  fingerprint: (response: Response) => string,
  subject: string,
): Promise<Response> {
  const votes = new Map<string, { readonly response: Response; readonly nodes: Node[] }>();
  const all = nodes.healthy();
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
        if (result.reason.kind !== 'unsettled') nodes.markUnhealthy(node, result.reason.message);
        continue;
      }
      const text = fingerprint(result.value);
      const vote = votes.get(text) ?? { response: result.value, nodes: [] };
      vote.nodes.push(node);
      votes.set(text, vote);
    }
    const winner = [...votes.values()].find((vote) => vote.nodes.length >= agreement);
    if (!winner) continue;
    for (const vote of votes.values()) {
      if (vote === winner) continue;
      for (const node of vote.nodes) nodes.markUnhealthy(node, 'It disagrees with the other nodes.');
    }
    return winner.response;
  }
  if (votes.size > 1) throw new ChainError(`The nodes disagree about ${subject}.`);
  if (votes.size === 0 && fault) throw fault;
  throw tooFew([...votes.values()][0]?.nodes.length ?? 0, agreement);
}

/**
 * Returns every healthy node.
 *
 * @throws ChainError if there is none; otherwise "no node has it" would be taken for a fact
 */
export function requireHealthy(nodes: Pick<NodePool<Block>, 'healthy'>): readonly Node[] {
  const healthy = nodes.healthy();
  if (healthy.length > 0) return healthy;
  throw new ChainError('No node responds.');
}

/**
 * Returns as many healthy nodes as must agree.
 *
 * @throws ChainError if there are too few
 */
export function requireQuorum(nodes: Pick<NodePool<Block>, 'healthy'>, agreement: number): readonly Node[] {
  const asked = nodes.healthy().slice(0, agreement);
  if (asked.length >= agreement) return asked;
  throw tooFew(asked.length, agreement);
}

/**
 * The newest height that as many nodes report as must agree: the lowest of the highest `agreement`. One node that is wrong neither raises
 * nor lowers it, as long as enough others respond.
 *
 * @param subject what the height is of, for the error message
 * @throws ChainError if too few nodes report one
 */
export async function agreedHeight(
  nodes: Pick<NodePool<Block>, 'healthy'>,
  agreement: number,
  ask: (node: Node) => Promise<number>,
  subject: string,
): Promise<number> {
  const { faults, found } = await askEach(nodes, ask);
  const height = found.sort((a, b) => b - a)[agreement - 1];
  if (height !== undefined) return height;
  const why = faults.length === 0 ? '' : ` ${faults[0]}`;
  throw new ChainError(`${agreement} nodes must report ${subject}, but only ${found.length} do.${why}`);
}

/** Asks every healthy node; what is undefined is left out. */
export async function askEach<Response>(
  nodes: Pick<NodePool<Block>, 'healthy'>,
  ask: (node: Node) => Promise<Response | undefined>,
): Promise<{ readonly found: Response[]; readonly faults: readonly string[] }> {
  const results = await Promise.allSettled(requireHealthy(nodes).map(ask));
  const found: Response[] = [];
  const faults: string[] = [];
  for (const result of results) {
    if (result.status === 'fulfilled') {
      if (result.value !== undefined) found.push(result.value);
    } else if (result.reason instanceof ChainError) faults.push(result.reason.message);
    else throw result.reason;
  }
  return { found, faults };
}

function tooFew(responding: number, agreement: number): ChainError {
  return new ChainError(`${agreement} nodes must agree, but only ${responding} respond.`);
}

/** Everything that nodes must agree on about transfers, as one text. */
export function fingerprintTransfers(transfers: readonly SeenTransfer[]): string {
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
