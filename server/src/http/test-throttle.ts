import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

/**
 * Throttles the work of test environments while live keys are in use: few slots run concurrently, and together they get
 * a part of the event loop. While no live key is in use nothing is throttled (decision 0031).
 */
export interface TestThrottle {
  /** Records that a live key was used. */
  liveSeen(): void;
  /** Whether live keys are in use, so that test work is throttled. */
  isActive(): boolean;
  /**
   * Acquires a slot, immediately or once one is free.
   *
   * @param isWanted whether the slot is still wanted when it becomes free
   * @throws ApiError 429, or rejects with it, after too long a wait
   */
  acquire(isWanted: () => boolean): Slot | Promise<Slot>;
}

/** An acquired slot. */
export interface Slot {
  /** Releases it. Repeating it has no effect. */
  release(): void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly isWanted: () => boolean;
  resolve(slot: Slot): void;
  reject(error: ApiError): void;
}

/** The clocks that the throttle measures by. */
export interface ThrottleClock {
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Milliseconds for which the event loop has been busy. */
  busyMs(): number;
}

const processClock: ThrottleClock = {
  nowMs: () => performance.now(),
  busyMs: () => performance.eventLoopUtilization().active,
};

/** A token bucket of event loop time, in milliseconds. */
function createLoopCredit(clock: ThrottleClock) {
  let creditMs: number = limits.testLoopBurstMs;
  let filledAtMs = clock.nowMs();
  /** Negative while more was used than has been earned. */
  const availableMs = (): number => {
    const nowMs = clock.nowMs();
    creditMs = Math.min(limits.testLoopBurstMs, creditMs + (nowMs - filledAtMs) * limits.testLoopShare);
    filledAtMs = nowMs;
    return creditMs;
  };
  const spend = (usedMs: number): void => {
    creditMs = availableMs() - usedMs;
  };
  return { availableMs, spend };
}

export function createTestThrottle(clock: ThrottleClock = processClock): TestThrottle {
  const waiting: Waiting[] = [];
  const credit = createLoopCredit(clock);
  let liveSeenMs = Number.NEGATIVE_INFINITY;
  let open = 0;
  let timer: NodeJS.Timeout | undefined;

  const isActive = (): boolean => clock.nowMs() - liveSeenMs < limits.liveInUseMs;
  const isFree = (): boolean => !isActive() || (open < limits.testSlots && credit.availableMs() > 0);

  const openSlot = (): Slot => {
    open += 1;
    const busyAtStartMs = clock.busyMs();
    let isReleased = false;
    return {
      release() {
        if (isReleased) return;
        isReleased = true;
        // Live work counts too: the busier the loop is, the less of it test work gets.
        credit.spend((clock.busyMs() - busyAtStartMs) / open);
        open -= 1;
        serveWaiting();
      },
    };
  };

  const serveWaiting = (): void => {
    rejectLate(waiting, clock.nowMs() - limits.testSlotWaitMs);
    while (waiting.length > 0 && isFree()) {
      const next = waiting.shift() as Waiting;
      if (next.isWanted()) next.resolve(openSlot());
      else next.reject(busy());
    }
    clearTimeout(timer);
    const [first] = waiting;
    if (!first) return;
    const lateMs = first.sinceMs + limits.testSlotWaitMs - clock.nowMs();
    const creditInMs = open < limits.testSlots ? -credit.availableMs() / limits.testLoopShare : lateMs;
    timer = setTimeout(serveWaiting, Math.max(1, Math.ceil(Math.min(lateMs, creditInMs))));
    timer.unref();
  };

  return {
    liveSeen() {
      liveSeenMs = clock.nowMs();
    },
    isActive,
    acquire(isWanted) {
      if (!isActive() && waiting.length === 0) return unthrottled;
      if (waiting.length === 0 && isFree()) return openSlot();
      return new Promise((resolve, reject) => {
        waiting.push({ sinceMs: clock.nowMs(), isWanted, resolve, reject });
        if (waiting.length === 1) serveWaiting();
      });
    },
  };
}

/** Rejects the oldest entries that have waited too long or are no longer wanted. */
function rejectLate(waiting: Waiting[], oldestMs: number): void {
  while (waiting[0] !== undefined && (waiting[0].sinceMs <= oldestMs || !waiting[0].isWanted()))
    waiting.shift()?.reject(busy());
}

/** The slot while nothing is throttled: it is not counted. */
const unthrottled: Slot = { release: () => undefined };

function busy(): ApiError {
  const text = 'Requests with test keys are throttled while live keys are in use; try again shortly.';
  return new ApiError(rateLimited('environment_busy', text, 1));
}
