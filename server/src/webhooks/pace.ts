import { limits } from '../platform/limits.ts';

/** What decides how fast a webhook is delivered to, by one process. Pure but for what is told to it. */
export interface Pace {
  /** How many more deliveries may start now. */
  freeNow(nowMs: number): number;
  /** How many more may be claimed now: those that can start, and those that a quick receiver takes in a moment. */
  roomToClaim(nowMs: number, buffered: number): number;
  started(nowMs: number): void;
  ended(success: boolean): void;
  setLimits(maxConcurrency: number | null, maxPerSecond: number | null): void;
  /** Whether it waits for time to pass, not for a delivery to end. */
  isTimed(): boolean;
}

/**
 * Makes the pace of one webhook. A receiver has a number of places. One that fails again and again is tried at a low
 * pace until it succeeds once, so that it takes no time from others and keeps its attempts. For one that is quick,
 * more is claimed ahead than it has places.
 */
export function createPace(): Pace {
  let concurrency: number = limits.deliveryConcurrencyPerWebhook;
  let perSecond: number | null = null;
  let onTheirWay = 0;
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
  /** A rate's deliveries are spread evenly; what a turn was too late for is caught up with. */
  const freeByRate = (nowMs: number): number => {
    const allowed = rate();
    if (allowed === null) return Number.POSITIVE_INFINITY;
    const intervalMs = 1000 / allowed;
    const from = Math.max(nextFreeMs, nowMs - Math.max(limits.deliveryPaceTurnMs - intervalMs, 0));
    return from > nowMs ? 0 : Math.floor((nowMs - from) / intervalMs) + 1;
  };
  const freeNow = (nowMs: number): number =>
    Math.max(0, Math.min(concurrency - onTheirWay, freeByRate(nowMs)));

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
      // Not for a few while there is enough to go on with.
      return room > 0 && (buffered === 0 || room >= ahead / 2) ? room : 0;
    },
    started(nowMs) {
      onTheirWay += 1;
      const allowed = rate();
      if (allowed === null) return;
      const intervalMs = 1000 / allowed;
      const from = Math.max(nextFreeMs, nowMs - Math.max(limits.deliveryPaceTurnMs - intervalMs, 0));
      nextFreeMs = from + intervalMs;
    },
    ended(success) {
      onTheirWay -= 1;
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
