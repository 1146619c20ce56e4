import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { EnvironmentKind } from '../platform/environments.ts';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { createTestThrottle, type Slot, type TestThrottle } from './test-throttle.ts';

/** The part of its environment kind's budget that a request holds, from its headers to the end of its response. */
export interface RequestBudget {
  /**
   * Acquires the slot that work on the request needs, unless it holds one. Requests of live environments need none.
   *
   * @param maxMs how long the slot is held unless this is called again, so that a slow client does not block others
   * @throws ApiError 429, or rejects with it, after too long a wait
   */
  acquireSlot(maxMs?: number): void | Promise<void>;
  /** Releases the slot: the work is done, or waits in a queue of its own. */
  releaseSlot(): void;
  /** Gives everything back: the response has ended. The end of the connection does the same. Repeating it has no effect. */
  leave(): void;
}

/** The budgets of test and of live environments: bytes and requests under way, and time of the event loop. */
export interface EnvironmentBudgets {
  /**
   * @param bodyLimitBytes how much of the body is read at most
   * @throws ApiError 429 if the requests of that kind exceed the budget
   */
  enter(kind: EnvironmentKind, request: IncomingMessage, bodyLimitBytes: number): RequestBudget;
  /** Runs work that no request waits for. */
  run<Result>(kind: EnvironmentKind, work: () => Promise<Result>): Promise<Result>;
  /** Whether live keys are in use, so that test environments are throttled. */
  isTestThrottled(): boolean;
}

export function createEnvironmentBudgets(throttle: TestThrottle = createTestThrottle()): EnvironmentBudgets {
  const bytes = { test: 0, live: 0 };
  const onClose = createCloseHandlers();

  return {
    isTestThrottled: throttle.isActive,
    enter(kind, request, bodyLimitBytes) {
      if (kind === 'live') throttle.liveSeen();
      const size = sizeOf(request, bodyLimitBytes);
      if (bytes[kind] + size > limits.environmentBytes) throw full();
      bytes[kind] += size;
      let slot: Slot | undefined;
      let timer: NodeJS.Timeout | undefined;
      let hasLeft = false;
      const releaseSlot = (): void => {
        clearTimeout(timer);
        slot?.release();
        slot = undefined;
      };
      const handlers = onClose(request.socket);
      const leave = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        bytes[kind] -= size;
        handlers.delete(leave);
        releaseSlot();
      };
      handlers.add(leave);
      if (request.socket.destroyed) leave();
      return {
        acquireSlot(maxMs) {
          if (kind === 'live') return undefined;
          clearTimeout(timer);
          if (slot) return undefined;
          const hold = (acquired: Slot): void => {
            slot = acquired;
            if (hasLeft) releaseSlot();
            else if (maxMs !== undefined && throttle.isActive()) timer = setTimeout(releaseSlot, maxMs);
          };
          const acquired = throttle.acquire(() => !hasLeft);
          return acquired instanceof Promise ? acquired.then(hold) : hold(acquired);
        },
        releaseSlot,
        leave,
      };
    },
    async run(kind, work) {
      if (kind === 'live' || !throttle.isActive()) return work();
      const slot = await acquirePatiently(throttle);
      try {
        return await work();
      } finally {
        slot.release();
      }
    },
  };
}

/**
 * Makes the handlers that run when a connection closes, one set for each. A pipelined response that never started emits
 * no `close` of its own.
 */
function createCloseHandlers(): (socket: Socket) => Set<() => void> {
  const handlersOf = new WeakMap<Socket, Set<() => void>>();
  return (socket) => {
    const known = handlersOf.get(socket);
    if (known) return known;
    const handlers = new Set<() => void>();
    handlersOf.set(socket, handlers);
    socket.once('close', () => {
      for (const handler of [...handlers]) handler();
    });
    return handlers;
  };
}

/** Acquires a slot for work that no request waits for: it may wait any time. */
async function acquirePatiently(throttle: TestThrottle): Promise<Slot> {
  for (;;) {
    try {
      return await throttle.acquire(() => true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/** The bytes of a request: its headers, and its body by its `Content-Length`, or else the largest body of its route. */
function sizeOf({ headers }: IncomingMessage, bodyLimitBytes: number): number {
  if (headers['transfer-encoding'] !== undefined) return limits.headersBytes + bodyLimitBytes;
  const length = Number(headers['content-length'] ?? 0);
  return limits.headersBytes + Math.min(length, bodyLimitBytes);
}

/** Classifies a request's body by its headers. Only reading a large one needs a slot. */
export function bodyOf({ headers }: IncomingMessage): 'none' | 'small' | 'large' {
  if (headers['transfer-encoding'] !== undefined) return 'large';
  const length = Number(headers['content-length'] ?? 0);
  if (length === 0) return 'none';
  return length > limits.smallBodyBytes ? 'large' : 'small';
}

function full(): ApiError {
  const text = 'Too many requests of this environment are under way; try again shortly.';
  return new ApiError(rateLimited('environment_busy', text, 1));
}
