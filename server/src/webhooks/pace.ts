import { limits } from '../platform/limits.ts';

/** Limits how fast one process delivers to a webhook. */
export interface Pace {
  /** How many more deliveries may start now. */
  freeNow(nowMs: number): number;
  /** How many more may be claimed now: those that can start, and those that a fast receiver will accept soon. */
  roomToClaim(nowMs: number, buffered: number): number;
  started(nowMs: number): void;
  ended(success: boolean): void;
  setLimits(maxConcurrency: number | null, maxPerSecond: number | null): void;
  /** Whether it waits for time to pass rather than for a delivery to end. */
  isTimed(): boolean;
}

/**
 * Creates the pace of one webhook. Its concurrency is limited. A webhook that keeps failing is tried at a low rate until one
 * delivery succeeds, so that it does not delay others or use up its attempts. For a fast receiver more deliveries are claimed
 * ahead than its concurrency.
 */
export function createPace(): Pace {
  let concurrency: number = limits.deliveryConcurrencyPerWebhook;
  let perSecond: number | null = null;
  let underWay = 0;
  let failures = 0;
  let nextFreeMs = 0;
  let endedCount = 0;
  let windowStartMs = 0;
  let endedPerMs = 0;

  const isFailing = (): boolean => failures >= limits.deliveryFailuresUntilPaced;
  const rate = (): number | null => {
    if (!isFailing()) return perSecond;
    return Math.min(perSecond ?? limits.deliveryPacedPerSecond, limits.deliveryPacedPerSecond);
  };
  /** Spreads deliveries evenly; a late turn catches up. */
  const freeByRate = (nowMs: number): number => {
    const allowed = rate();
    if (allowed === null) return Number.POSITIVE_INFINITY;
    const intervalMs = 1000 / allowed;
    const from = Math.max(nextFreeMs, nowMs - Math.max(limits.deliveryPaceTurnMs - intervalMs, 0));
    return from > nowMs ? 0 : Math.floor((nowMs - from) / intervalMs) + 1;
  };
  const freeNow = (nowMs: number): number => Math.max(0, Math.min(concurrency - underWay, freeByRate(nowMs)));

  return {
    freeNow,
    roomToClaim(nowMs, buffered) {
      if (nowMs - windowStartMs >= limits.deliveryPaceTurnMs) {
        endedPerMs = endedCount / (nowMs - windowStartMs);
        [endedCount, windowStartMs] = [0, nowMs];
      }
      const isSteady = rate() === null && failures === 0;
      const ahead = isSteady
        ? Math.min(limits.deliveryAhead, Math.floor(endedPerMs * limits.deliveryAheadMs))
        : 0;
      const room = freeNow(nowMs) + ahead - buffered;
      // Claims in larger portions while enough deliveries are buffered.
      return room > 0 && (buffered === 0 || room >= ahead / 2) ? room : 0;
    },
    started(nowMs) {
      underWay += 1;
      const allowed = rate();
      if (allowed === null) return;
      const intervalMs = 1000 / allowed;
      const from = Math.max(nextFreeMs, nowMs - Math.max(limits.deliveryPaceTurnMs - intervalMs, 0));
      nextFreeMs = from + intervalMs;
    },
    ended(success) {
      underWay -= 1;
      endedCount += 1;
      failures = success ? 0 : failures + 1;
    },
    setLimits(maxConcurrency, maxPerSecond) {
      concurrency = maxConcurrency ?? limits.deliveryConcurrencyPerWebhook;
      perSecond = maxPerSecond;
    },
    isTimed: () => rate() !== null,
  };
}
