import type { EnvironmentBudgets } from '../http/environment-budgets.ts';
import type { Clock } from '../platform/clock.ts';
import { type EnvironmentKind, forEachKind } from '../platform/environments.ts';
import { limits } from '../platform/limits.ts';

/** How many deliveries a process may begin: each kind of environment has its own, so that neither holds up the other. */
export interface DeliveryRoom {
  /** How many more may be claimed now. */
  left(kind: EnvironmentKind): number;
  claimed(kind: EnvironmentKind, count: number): void;
  started(kind: EnvironmentKind): void;
  ended(kind: EnvironmentKind): void;
}

export function createDeliveryRoom(
  clock: Clock,
  budgets: Pick<EnvironmentBudgets, 'areTestsLimited'>,
): DeliveryRoom {
  const underWay = forEachKind(() => ({ count: 0 }));
  const perTurn = Math.ceil((limits.testDeliveriesPerSecond * limits.deliveryPaceTurnMs) / 1000);
  let turn = { startedMs: 0, claimed: 0 };

  const leftInTurn = (): number => {
    const nowMs = clock.now();
    if (Math.abs(nowMs - turn.startedMs) >= limits.deliveryPaceTurnMs)
      turn = { startedMs: nowMs, claimed: 0 };
    return Math.max(0, perTurn - turn.claimed);
  };

  return {
    left(kind) {
      const left = limits.deliveryConcurrency - underWay[kind].count;
      return kind === 'test' && budgets.areTestsLimited() ? Math.min(left, leftInTurn()) : left;
    },
    claimed(kind, count) {
      if (kind === 'test') turn.claimed += count;
    },
    started(kind) {
      underWay[kind].count += 1;
    },
    ended(kind) {
      underWay[kind].count -= 1;
    },
  };
}
