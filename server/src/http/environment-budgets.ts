import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { EnvironmentKind } from '../platform/environments.ts';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { createTestTurns, type TestTurns, type Turn } from './test-throttle.ts';

/** What a request takes of its environment kind's budget, from its head to the end of its answer. */
export interface Place {
  /**
   * Takes the turn that its work needs, unless it has one; a live environment's request needs none.
   *
   * @param mostMs how long it keeps it unless it takes it again: a client that is slow to send its body holds up nobody
   * @throws ApiError 429, or rejects with it, when it would have to wait for too long
   */
  takeTurn(mostMs?: number): void | Promise<void>;
  /** The work is done, or waits in a queue of its own. */
  endTurn(): void;
}

/** The budgets of test and of live environments: bytes and requests under way, and time of the event loop. */
export interface EnvironmentBudgets {
  /** @throws ApiError 429 when too much of that kind is under way */
  enter(kind: EnvironmentKind, request: IncomingMessage, response: ServerResponse): Place;
  /** Runs work that no request waits for. */
  run<Result>(kind: EnvironmentKind, work: () => Promise<Result>): Promise<Result>;
  /** Whether live keys are used, so that test environments are held back. */
  areTestsLimited(): boolean;
}

export function createEnvironmentBudgets(turns: TestTurns = createTestTurns()): EnvironmentBudgets {
  const bytes = { test: 0, live: 0 };
  /** What ends with a connection: an answer that never got its turn on it tells nobody of its end. */
  const leaving = new WeakMap<Socket, Set<() => void>>();

  const leavingOf = (socket: Socket): Set<() => void> => {
    const known = leaving.get(socket);
    if (known) return known;
    const made = new Set<() => void>();
    leaving.set(socket, made);
    socket.once('close', () => {
      for (const leave of [...made]) leave();
    });
    return made;
  };

  return {
    areTestsLimited: turns.areLimited,
    enter(kind, request, response) {
      if (kind === 'live') turns.liveSeen();
      const size = sizeOf(request);
      if (bytes[kind] + size > limits.environmentBytes) throw full();
      bytes[kind] += size;
      let turn: Turn | undefined;
      let timer: NodeJS.Timeout | undefined;
      let hasLeft = false;
      const endTurn = (): void => {
        clearTimeout(timer);
        turn?.end();
        turn = undefined;
      };
      const onSocket = leavingOf(request.socket);
      const leave = (): void => {
        if (hasLeft) return;
        hasLeft = true;
        bytes[kind] -= size;
        onSocket.delete(leave);
        endTurn();
      };
      onSocket.add(leave);
      response.once('close', leave);
      if (request.socket.destroyed) leave();
      return {
        takeTurn(mostMs) {
          if (kind === 'live') return undefined;
          clearTimeout(timer);
          if (turn) return undefined;
          const have = (taken: Turn): void => {
            turn = taken;
            if (hasLeft) endTurn();
            else if (mostMs !== undefined && turns.areLimited()) timer = setTimeout(endTurn, mostMs);
          };
          const taken = turns.take(() => !hasLeft);
          return taken instanceof Promise ? taken.then(have) : have(taken);
        },
        endTurn,
      };
    },
    async run(kind, work) {
      if (kind === 'live' || !turns.areLimited()) return work();
      const turn = await patiently(turns);
      try {
        return await work();
      } finally {
        turn.end();
      }
    },
  };
}

/** Nobody waits for it, so it takes its place in the queue again. */
async function patiently(turns: TestTurns): Promise<Turn> {
  for (;;) {
    try {
      return await turns.take(() => true);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
  }
}

/** How much of the budget a request takes: its body, as large as its head says or as a body may be, and the head. */
function sizeOf({ headers }: IncomingMessage): number {
  if (headers['transfer-encoding'] !== undefined) return limits.headersBytes + limits.bodyBytes;
  const length = Number(headers['content-length'] ?? 0);
  return limits.headersBytes + Math.min(length, limits.bodyBytes);
}

/** Whether a request comes with a body, and whether reading it is work already. */
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
