import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../platform/limits.ts';
import { ChainError } from './errors.ts';
import type { Node, NodeParams } from './node.ts';
import { createNodeHealth, type NodeHealth, type NodeListener } from './node-health.ts';
import type { Block, NodeStatus } from './port.ts';

/** The nodes of one chain. One of them, the preferred node, is asked at a time. */
export interface NodePool<Head extends Block> {
  /**
   * Asks every node for its newest block, and prefers the first in configuration order that does not lag.
   *
   * @throws ChainError if no node is healthy
   */
  choose(): Promise<Head>;
  /** Asks the preferred node. After a failure, `choose` prefers another one. */
  call<Result>(method: string, params: NodeParams, read: (result: unknown) => Result): Promise<Result>;
  /** The nodes of the configured network whose last response was valid, the preferred one first. */
  healthy(): readonly Node[];
  statuses(): readonly NodeStatus[];
  /** Excludes a node for a while, for a response that other nodes refute. */
  markUnhealthy(node: Node, fault: string): void;
  close(): Promise<void>;
}

/** What a family asks every node first. Both requests throw ChainError. */
export interface NodeProbe<Head extends Block> {
  /** The id of the node's network. */
  networkId(node: Node): Promise<string>;
  /** The node's newest block. */
  head(node: Node): Promise<Head>;
  /** Whether an error is caused by the request itself, so that the node stays healthy. */
  isAboutRequest(method: string, error: unknown): boolean;
}

/** The network that nodes must belong to, and how many of them must agree on the newest block. */
export interface NodeRequirements {
  readonly networkId: string;
  readonly agreement: number;
}

interface Candidate<Head extends Block> {
  readonly node: Node;
  readonly head: Head;
}

/**
 * Creates the pool of a chain's nodes.
 *
 * @param nowMs the current time in milliseconds, which decides how long an unhealthy node rests
 */
export function createNodePool<Head extends Block>(
  nodes: readonly Node[],
  probe: NodeProbe<Head>,
  { agreement, networkId }: NodeRequirements,
  listen: NodeListener,
  nowMs: () => number = Date.now,
): NodePool<Head> {
  const health = createNodeHealth(listen, nowMs);
  let healthy: readonly Node[] = [];
  const fail = (node: Node, fault: string, method = ''): void => {
    health.recordFailure(node, fault, method);
    healthy = healthy.filter((other) => other !== node);
  };
  const tracked = nodes.map((node) => trackNode(node, probe, health, fail));

  return {
    async choose() {
      const awake = tracked.filter((node) => !health.isResting(node));
      const asked = await Promise.all(awake.map((node) => probeNode(node, probe, networkId, health, fail)));
      const found = asked.filter((candidate) => candidate !== undefined);
      const { best, first, others } = preferredOf(found, agreement);
      for (const { head, node } of found) {
        const isLagging = best - head.height > limits.nodeLagBlocks;
        health.setFault(node, isLagging ? 'It lags behind the other nodes.' : null);
      }
      if (!first) throw noHealthyNode();
      healthy = [first.node, ...others];
      return first.head;
    },
    async call(method, params, read) {
      const [node] = healthy;
      if (!node) throw noHealthyNode();
      return node.call(method, params, read);
    },
    healthy: () => healthy,
    statuses: () => tracked.map((node) => ({ name: node.name, fault: health.faultOf(node) })),
    markUnhealthy(node, fault) {
      // A failed call has been recorded already.
      if (!health.isResting(node)) fail(node, fault);
    },
    close: async () => void (await Promise.all(nodes.map((node) => node.close()))),
  };
}

/** The error for a chain without a healthy node. */
export function noHealthyNode(): ChainError {
  return new ChainError('No node is healthy.');
}

/** Chooses the first node that is as far as `agreement` nodes are: one that is far ahead alone is wrong, or the others lag. */
function preferredOf<Head extends Block>(found: readonly Candidate<Head>[], agreement: number) {
  const heights = found.map(({ head }) => head.height).sort((a, b) => b - a);
  const best = heights[Math.min(agreement, heights.length) - 1] ?? 0;
  const fresh = found.filter(({ head }) => head.height >= best - limits.nodeLagBlocks);
  const first = fresh.find(({ head }) => head.height <= best);
  const others = fresh.map(({ node }) => node).filter((node) => node !== first?.node);
  return { best, first, others };
}

/** Returns the node with its successes and failures recorded. */
function trackNode<Head extends Block>(
  node: Node,
  probe: NodeProbe<Head>,
  health: NodeHealth,
  fail: (node: Node, fault: string, method: string) => void,
): Node {
  const tracked: Node = {
    name: node.name,
    close: node.close,
    async call(method, params, read) {
      try {
        const result = await retryWhenRateLimited(() => node.call(method, params, read));
        health.recordSuccess(tracked, method);
        return result;
      } catch (error) {
        if (!probe.isAboutRequest(method, error)) fail(tracked, (error as Error).message, method);
        throw error;
      }
    },
  };
  return tracked;
}

/** Verifies the node's network, and asks for its newest block. @returns undefined if it fails */
async function probeNode<Head extends Block>(
  node: Node,
  probe: NodeProbe<Head>,
  networkId: string,
  health: NodeHealth,
  fail: (node: Node, fault: string) => void,
): Promise<Candidate<Head> | undefined> {
  try {
    if (!health.isVerified(node)) {
      const id = await probe.networkId(node);
      if (id !== networkId) throw new ChainError(`It belongs to network ${id}; expected ${networkId}.`);
      health.setVerified(node);
    }
    return { node, head: await probe.head(node) };
  } catch (error) {
    // A failed call has been recorded already.
    if (!health.isResting(node)) fail(node, (error as Error).message);
    return undefined;
  }
}

/** Waits before it repeats a request that exceeded the node's rate limit: a failure would discard the work done before it. */
async function retryWhenRateLimited<Result>(attempt: () => Promise<Result>): Promise<Result> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await attempt();
    } catch (error) {
      const isLimited = error instanceof ChainError && error.kind === 'rate_limited';
      if (!isLimited || tries === limits.nodeBusyTries) throw error;
      await sleep(limits.nodeRestMs * tries);
    }
  }
}
