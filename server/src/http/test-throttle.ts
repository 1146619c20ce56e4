import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

/**
 * The turns that work of test environments takes while live keys are used: few run concurrently, and together they get a
 * part of the event loop. While no live key is used they are free (decision 0031).
 */
export interface TestTurns {
  /** A live key is used now. */
  liveSeen(): void;
  /** Whether live keys are used: test work takes turns. */
  areLimited(): boolean;
  /** @returns a turn, immediately or once it comes up. @throws ApiError 429, or rejects with it, after too long a wait */
  take(isWanted: () => boolean): Turn | Promise<Turn>;
}

/** A turn that is taken. */
export interface Turn {
  /** Ends it; again, it does nothing. */
  end(): void;
}

interface Waiting {
  readonly sinceMs: number;
  readonly isWanted: () => boolean;
  resolve(turn: Turn): void;
  reject(error: ApiError): void;
}

/** What turns are measured by. */
export interface TurnClock {
  /** Milliseconds, from anywhere. */
  nowMs(): number;
  /** For how many milliseconds the event loop has been busy. */
  busyMs(): number;
}

const processClock: TurnClock = {
  nowMs: () => performance.now(),
  busyMs: () => performance.eventLoopUtilization().active,
};

export function createTestTurns(clock: TurnClock = processClock): TestTurns {
  const waiting: Waiting[] = [];
  let liveSeenMs = Number.NEGATIVE_INFINITY;
  let open = 0;
  /** Milliseconds of the event loop that may be used; below 0 while more was used than has been earned. */
  let creditMs: number = limits.testTurnBurstMs;
  let creditedMs = clock.nowMs();
  let timer: NodeJS.Timeout | undefined;

  const areLimited = (): boolean => clock.nowMs() - liveSeenMs < limits.liveInUseMs;

  const credit = (): number => {
    const nowMs = clock.nowMs();
    creditMs = Math.min(limits.testTurnBurstMs, creditMs + (nowMs - creditedMs) * limits.testLoopShare);
    creditedMs = nowMs;
    return creditMs;
  };

  const isFree = (): boolean => !areLimited() || (open < limits.testTurns && credit() > 0);

  const begin = (): Turn => {
    open += 1;
    const busyAtStartMs = clock.busyMs();
    let hasEnded = false;
    return {
      end() {
        if (hasEnded) return;
        hasEnded = true;
        // All that the loop did meanwhile, live work too: the busier it is, the less is left to test work.
        credit();
        creditMs -= (clock.busyMs() - busyAtStartMs) / open;
        open -= 1;
        goOn();
      },
    };
  };

  const giveUpLate = (): void => {
    const oldestMs = clock.nowMs() - limits.testTurnWaitMs;
    while (waiting[0] !== undefined && (waiting[0].sinceMs <= oldestMs || !waiting[0].isWanted()))
      waiting.shift()?.reject(busy());
  };

  const goOn = (): void => {
    giveUpLate();
    while (waiting.length > 0 && isFree()) {
      const next = waiting.shift() as Waiting;
      if (next.isWanted()) next.resolve(begin());
      else next.reject(busy());
    }
    clearTimeout(timer);
    const [first] = waiting;
    if (!first) return;
    const lateMs = first.sinceMs + limits.testTurnWaitMs - clock.nowMs();
    const creditInMs = open < limits.testTurns ? -credit() / limits.testLoopShare : lateMs;
    timer = setTimeout(goOn, Math.max(1, Math.ceil(Math.min(lateMs, creditInMs))));
    timer.unref();
  };

  return {
    liveSeen() {
      liveSeenMs = clock.nowMs();
    },
    areLimited,
    take(isWanted) {
      if (!areLimited() && waiting.length === 0) return free;
      if (waiting.length === 0 && isFree()) return begin();
      return new Promise((resolve, reject) => {
        waiting.push({ sinceMs: clock.nowMs(), isWanted, resolve, reject });
        if (waiting.length === 1) goOn();
      });
    },
  };
}

/** While no live key is used nothing is counted. */
const free: Turn = { end: () => undefined };

function busy(): ApiError {
  const text =
    'Test keys ask for more than the server does for them while live keys are used; try again shortly.';
  return new ApiError(rateLimited('environment_busy', text, 1));
}
