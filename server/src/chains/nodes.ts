import { limits } from '../platform/limits.ts';
import type { Node, NodeParams } from './node.ts';
import { type Block, ChainError } from './port.ts';

/** The nodes of one chain, of which one is asked at a time. */
export interface Nodes<Head extends Block> {
  /**
   * Asks every node for its newest block and chooses the first in the order of the configuration that does not lag.
   *
   * @throws ChainError when no node is of any use
   */
  choose(): Promise<Head>;
  /** Asks the chosen node. After a failure another one is chosen next time. */
  call<Result>(method: string, params: NodeParams, read: (result: unknown) => Result): Promise<Result>;
  /** Every node that is of the right network and answered last time, the chosen one first. */
  usable(): readonly Node[];
  close(): Promise<void>;
}

/** Hears of a node that begins or ceases to be of use; `fault` is undefined when all is well. */
export type NodeListener = (node: string, fault: string | undefined) => void;

/** What every node of a family is asked first. Both throw ChainError. */
export interface NodeProbe<Head extends Block> {
  /** The id of the network that the node is of. */
  networkId(node: Node): Promise<string>;
  /** The node's newest block. */
  head(node: Node): Promise<Head>;
}

/**
 * @param networkId the id of the network that a node must have
 */
export function createNodes<Head extends Block>(
  nodes: readonly Node[],
  probe: NodeProbe<Head>,
  networkId: string,
  listen: NodeListener,
): Nodes<Head> {
  const verified = new Set<Node>();
  const faults = new Map<Node, string | undefined>();
  let usable: Node[] = [];

  const note = (node: Node, fault: string | undefined): void => {
    if (fault !== undefined) verified.delete(node);
    if (faults.has(node) ? faults.get(node) === fault : fault === undefined) return;
    faults.set(node, fault);
    listen(node.name, fault);
  };

  const headOf = async (node: Node): Promise<{ node: Node; head: Head } | undefined> => {
    try {
      if (!verified.has(node)) {
        const id = await probe.networkId(node);
        if (id !== networkId) throw new ChainError(`It is a node of network ${id}, not ${networkId}.`);
        verified.add(node);
      }
      return { node, head: await probe.head(node) };
    } catch (error) {
      note(node, (error as Error).message);
      return undefined;
    }
  };

  const chosen = (): Node => {
    const [first] = usable;
    if (!first) throw new ChainError('No node is of use now.');
    return first;
  };

  return {
    async choose() {
      const found = (await Promise.all(nodes.map(headOf))).filter((answer) => answer !== undefined);
      const best = Math.max(...found.map(({ head }) => head.height));
      const fresh = found.filter(({ head }) => head.height >= best - limits.nodeLagBlocks);
      for (const { head, node } of found) {
        const lag = best - head.height;
        note(node, lag > limits.nodeLagBlocks ? 'It lags behind the other nodes.' : undefined);
      }
      usable = fresh.map(({ node }) => node);
      const [first] = fresh;
      if (!first) throw new ChainError('No node is of use now.');
      return first.head;
    },
    async call(method, params, read) {
      const node = chosen();
      return node.call(method, params, read);
    },
    usable: () => usable,
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}
