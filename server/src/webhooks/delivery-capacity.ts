import type { EnvironmentBudgets } from '../http/environment-budgets.ts';
import type { Clock } from '../platform/clock.ts';
import { type EnvironmentKind, forEachKind } from '../platform/environments.ts';
import { limits } from '../platform/limits.ts';

/** How many deliveries a process may have under way. Each kind of environment has its own limit. */
export interface DeliveryCapacity {
  /** How many more deliveries may be claimed now. */
  left(kind: EnvironmentKind): number;
  claimed(kind: EnvironmentKind, count: number): void;
  started(kind: EnvironmentKind): void;
  ended(kind: EnvironmentKind): void;
}

export function createDeliveryCapacity(
  clock: Clock,
  budgets: Pick<EnvironmentBudgets, 'isTestThrottled'>,
): DeliveryCapacity {
  const underWay = forEachKind(() => ({ count: 0 }));
  const perWindow = Math.ceil((limits.testDeliveriesPerSecond * limits.deliveryPaceTurnMs) / 1000);
  let window = { startedMs: 0, claimed: 0 };

  const leftInWindow = (): number => {
    const nowMs = clock.now();
    if (Math.abs(nowMs - window.startedMs) >= limits.deliveryPaceTurnMs)
      window = { startedMs: nowMs, claimed: 0 };
    return Math.max(0, perWindow - window.claimed);
  };

  return {
    left(kind) {
      const left = limits.deliveryConcurrency - underWay[kind].count;
      return kind === 'test' && budgets.isTestThrottled() ? Math.min(left, leftInWindow()) : left;
    },
    claimed(kind, count) {
      if (kind === 'test') window.claimed += count;
    },
    started(kind) {
      underWay[kind].count += 1;
    },
    ended(kind) {
      underWay[kind].count -= 1;
    },
  };
}
