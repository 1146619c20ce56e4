import { limits } from '../platform/limits.ts';
import type { Node } from './node.ts';

/** Called when a node becomes healthy or unhealthy; `fault` is undefined when it becomes healthy. */
export type NodeListener = (node: string, fault: string | undefined) => void;

/** What is known of the health of a chain's nodes. */
export interface NodeHealth {
  /** Whether the node failed recently and must not be asked yet. */
  isResting(node: Node): boolean;
  /** Whether the node is known to belong to the configured network; false again after a failure. */
  isVerified(node: Node): boolean;
  setVerified(node: Node): void;
  /**
   * Records a failure. The node rests, twice as long after each failure of the same method in a row, up to
   * `limits.nodeRestMaxMs`.
   */
  recordFailure(node: Node, fault: string, method: string): void;
  /** Records a success, which clears the failures of that method only. */
  recordSuccess(node: Node, method: string): void;
  /** Sets the fault that operators see; null for a healthy node. */
  setFault(node: Node, fault: string | null): void;
  /** The fault that operators see; null for a healthy node and for one that has not been asked yet. */
  faultOf(node: Node): string | null;
}

interface Health {
  /** Failures in a row, by method. */
  readonly failures: Map<string, number>;
  restsUntilMs: number;
  isVerified: boolean;
  /** Undefined until the node has been asked. */
  fault: string | null | undefined;
}

/**
 * Creates the health record of a chain's nodes.
 *
 * @param nowMs the current time in milliseconds
 */
export function createNodeHealth(listen: NodeListener, nowMs: () => number): NodeHealth {
  const known = new Map<Node, Health>();
  const healthOf = (node: Node): Health => {
    const health = known.get(node) ?? {
      failures: new Map<string, number>(),
      restsUntilMs: 0,
      isVerified: false,
      fault: undefined,
    };
    known.set(node, health);
    return health;
  };
  const setFault = (node: Node, fault: string | null): void => {
    const health = healthOf(node);
    if (health.fault === fault) return;
    health.fault = fault;
    listen(node.name, fault ?? undefined);
  };

  return {
    isResting: (node) => healthOf(node).restsUntilMs > nowMs(),
    isVerified: (node) => healthOf(node).isVerified,
    setVerified: (node) => {
      healthOf(node).isVerified = true;
    },
    recordFailure(node, fault, method) {
      const health = healthOf(node);
      const now = nowMs();
      if (now - health.restsUntilMs > limits.nodeCalmMs) health.failures.clear();
      const failures = (health.failures.get(method) ?? 0) + 1;
      health.failures.set(method, failures);
      const restMs = limits.nodeRestMs * 2 ** Math.min(failures - 1, 20);
      health.restsUntilMs = now + Math.min(limits.nodeRestMaxMs, restMs);
      health.isVerified = false;
      setFault(node, fault);
    },
    recordSuccess: (node, method) => void healthOf(node).failures.delete(method),
    setFault,
    faultOf: (node) => healthOf(node).fault ?? null,
  };
}
