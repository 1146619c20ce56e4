import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../platform/limits.ts';
import { BusyError, type Node, type NodeParams } from './node.ts';
import { type Block, ChainError, type NodeStanding } from './port.ts';

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
  standings(): readonly NodeStanding[];
  /** Leaves a node alone for a while: what it answers is of no use. */
  blame(node: Node, fault: string): void;
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
  /** Whether a refusal is about what was asked, and not held against the node. */
  isAboutTheQuestion(method: string, error: unknown): boolean;
}

interface Standing {
  /** How often it failed in a row, by method: what else it answers does not make up for it. */
  readonly failures: Map<string, number>;
  restsUntilMs: number;
  isVerified: boolean;
  /** Undefined before anything is known of it; null when all is well. */
  fault: string | null | undefined;
}

/**
 * @param networkId the id of the network that a node must have
 * @param agreement how many nodes must have a block before it counts as the newest
 * @param nowMs the time, for how long a node is left alone
 */
export function createNodes<Head extends Block>(
  nodes: readonly Node[],
  probe: NodeProbe<Head>,
  networkId: string,
  agreement: number,
  listen: NodeListener,
  nowMs: () => number = Date.now,
): Nodes<Head> {
  const standings = new Map<Node, Standing>();
  const standingOf = (node: Node): Standing => {
    const known = standings.get(node) ?? {
      failures: new Map<string, number>(),
      restsUntilMs: 0,
      isVerified: false,
      fault: undefined,
    };
    standings.set(node, known);
    return known;
  };
  let usable: Node[] = [];

  const note = (node: Node, fault: string | null): void => {
    const standing = standingOf(node);
    if (standing.fault === fault) return;
    standing.fault = fault;
    listen(node.name, fault ?? undefined);
  };

  const blame = (node: Node, fault: string, method = ''): void => {
    const standing = standingOf(node);
    const now = nowMs();
    if (now - standing.restsUntilMs > limits.nodeCalmMs) standing.failures.clear();
    const failures = (standing.failures.get(method) ?? 0) + 1;
    standing.failures.set(method, failures);
    const restMs = limits.nodeRestMs * 2 ** Math.min(failures - 1, 20);
    standing.restsUntilMs = now + Math.min(limits.nodeRestMaxMs, restMs);
    standing.isVerified = false;
    usable = usable.filter((other) => other !== node);
    note(node, fault);
  };

  const guarded = nodes.map((node): Node => {
    const self: Node = {
      name: node.name,
      close: node.close,
      async call(method, params, read) {
        try {
          const result = await patiently(() => node.call(method, params, read));
          standingOf(self).failures.delete(method);
          return result;
        } catch (error) {
          if (!probe.isAboutTheQuestion(method, error)) blame(self, (error as Error).message, method);
          throw error;
        }
      },
    };
    return self;
  });

  const headOf = async (node: Node): Promise<{ node: Node; head: Head } | undefined> => {
    try {
      if (!standingOf(node).isVerified) {
        const id = await probe.networkId(node);
        if (id !== networkId) throw new ChainError(`It is a node of network ${id}, not ${networkId}.`);
        standingOf(node).isVerified = true;
      }
      return { node, head: await probe.head(node) };
    } catch (error) {
      // A failed call has been held against it already.
      if (standingOf(node).restsUntilMs <= nowMs()) blame(node, (error as Error).message);
      return undefined;
    }
  };

  return {
    async choose() {
      const awake = guarded.filter((node) => standingOf(node).restsUntilMs <= nowMs());
      const found = (await Promise.all(awake.map(headOf))).filter((answer) => answer !== undefined);
      // A single node that is far ahead is wrong, or the others lag: both are for the operator.
      const heights = found.map(({ head }) => head.height).sort((a, b) => b - a);
      const best = heights[Math.min(agreement, heights.length) - 1] ?? 0;
      const fresh = found.filter(({ head }) => head.height >= best - limits.nodeLagBlocks);
      for (const { head, node } of found) {
        note(node, best - head.height > limits.nodeLagBlocks ? 'It lags behind the other nodes.' : null);
      }
      const first = fresh.find(({ head }) => head.height <= best);
      if (!first) throw new ChainError('No node is of use now.');
      usable = [first.node, ...fresh.map(({ node }) => node).filter((node) => node !== first.node)];
      return first.head;
    },
    async call(method, params, read) {
      const [node] = usable;
      if (!node) throw new ChainError('No node is of use now.');
      return node.call(method, params, read);
    },
    usable: () => usable,
    standings: () => guarded.map((node) => ({ name: node.name, fault: standingOf(node).fault ?? null })),
    blame(node, fault) {
      // A failed call has been held against it already.
      if (standingOf(node).restsUntilMs <= nowMs()) blame(node, fault);
    },
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}

/** A node that is asked too often is given a moment: what was asked of it before would else be in vain. */
async function patiently<Answer>(attempt: () => Promise<Answer>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof BusyError) || tries === limits.nodeBusyTries) throw error;
      await sleep(limits.nodeRestMs * tries);
    }
  }
}
