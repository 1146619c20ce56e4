import type { Node } from './node.ts';
import { type NodePool, noHealthyNode } from './node-pool.ts';
import type { Block } from './port.ts';

/**
 * Sends a transaction to every healthy node. One node that accepts it is enough; the more nodes have it, the sooner it is mined.
 *
 * @param send resolves if the node accepts the transaction or has it already
 * @throws the first node's error if every node rejects it; ChainError if no node is healthy
 */
export async function broadcastToAll(
  nodes: Pick<NodePool<Block>, 'healthy'>,
  send: (node: Node) => Promise<unknown>,
): Promise<void> {
  const results = await Promise.allSettled(nodes.healthy().map(send));
  if (results.some(({ status }) => status === 'fulfilled')) return;
  const failed = results.find((result) => result.status === 'rejected');
  throw failed?.reason ?? noHealthyNode();
}
