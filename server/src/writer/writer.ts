import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvironmentKind } from '../platform/environments.ts';
import { ApiError, conflict } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { RowGuard } from '../store/row-guard.ts';
import type { BatchTools } from './batch.ts';
import { createBatchRunner } from './batch-runner.ts';
import type { Answering, Command, IdempotencyClaim, Outcome } from './command.ts';
import { answerAgain, createKeyRegistry, keyName } from './idempotency.ts';
import { createLane, type Lane } from './lane.ts';
import type { LaneEvents } from './lane-events.ts';
import { createLaneStore, type LaneStore } from './lane-store.ts';

/** The only write path: every change of state is a command (architecture §2). */
export interface Writer {
  /**
   * Runs a command and waits until it is committed.
   *
   * @param answering the idempotency key: the command runs once for it, and its response is stored
   * @param queue which of a lane's two queues it waits in: a full queue of test commands does not affect live commands
   * @throws ApiError 429 when the queue is full, 409 when the key's first request does not end in time;
   *   any other error is a bug or a lost database
   */
  submit<Result>(
    command: Command<Result>,
    answering?: Answering<Result>,
    queue?: EnvironmentKind,
  ): Promise<Outcome<Result>>;
  /** Whether rows of two buckets are written by one lane, so that one command can write both. */
  isOneLane(bucket: number, other: number): boolean;
  /** Commands waiting in all lanes. */
  queued(): number;
  /** Commits what was submitted, then closes the connections. */
  close(): Promise<void>;
}

export interface WriterTools extends Omit<BatchTools, 'lane'> {
  readonly laneCount: number;
  readonly events: LaneEvents;
  /** The minimum size of a batch that is sent behind another one; 1 in the simulation. */
  readonly aheadCommands?: number;
}

export interface WriterOptions extends WriterTools {
  readonly databaseUrl: string;
  /** Computes the codes of rows that are written, and checks those of rows that are loaded. */
  readonly guard: RowGuard;
}

/** Creates the writer of a database. */
export function createWriter({ databaseUrl, guard, ...tools }: WriterOptions): Writer {
  return createWriterOver((lane) => createLaneStore(databaseUrl, lane, tools.laneCount, guard), tools);
}

/** Creates a writer over any implementation of `LaneStore`. */
export function createWriterOver(
  storeOf: (lane: number) => LaneStore,
  { laneCount, events, aheadCommands = limits.aheadCommands, ...tools }: WriterTools,
): Writer {
  const stores = Array.from({ length: laneCount }, (_, lane) => storeOf(lane));
  const lanes: Lane[] = stores.map((store, lane) =>
    createLane(
      lane,
      createBatchRunner(lane, laneCount, store, { ...tools, lane }, events),
      events,
      aheadCommands,
    ),
  );
  const registry = createKeyRegistry(limits.keptIdempotencyKeys, limits.rememberedAnswerMs);

  const enqueue = (
    command: Command<unknown>,
    answering: Answering<unknown> | undefined,
    queue: EnvironmentKind,
  ): Promise<Outcome<unknown>> => {
    const lane = command.bucket % laneCount;
    const reads = command.reads({ environmentId: command.environmentId, lane });
    const ended = (lanes[lane] as Lane).submit({ command, answering, reads }, queue);
    return command.erases ? ended.finally(() => registry.forget()) : ended;
  };

  const submitOnce = async (
    command: Command<unknown>,
    answering: Answering<unknown>,
    queue: EnvironmentKind,
  ): Promise<Outcome<unknown>> => {
    const { claim } = answering;
    const name = keyName(command.environmentId, claim.key);
    const deadlineMs = performance.now() + limits.idempotencyWaitMs;
    // There is no `await` between the last check and acquiring the key, so that only one request can hold it.
    for (let holder = registry.running(name); holder; holder = registry.running(name)) {
      await waitFor(holder, claim, deadlineMs);
    }
    const given = registry.recent(name, tools.nowIn(command.environmentId));
    if (given) return answerAgain(claim, given);
    const release = registry.hold(name);
    try {
      const outcome = await enqueue(command, answering, queue);
      if (outcome.answer) {
        const answer = { ...outcome.answer, route: claim.route, requestHash: claim.requestHash };
        registry.remember(name, answer, tools.nowIn(command.environmentId));
      }
      return outcome;
    } finally {
      release();
    }
  };

  return {
    submit<Result>(command: Command<Result>, answering?: Answering<Result>, queue: EnvironmentKind = 'live') {
      const outcome = answering
        ? submitOnce(command, answering as Answering<unknown>, queue)
        : enqueue(command, undefined, queue);
      return outcome as Promise<Outcome<Result>>;
    },
    isOneLane: (bucket, other) => bucket % laneCount === other % laneCount,
    queued: () => lanes.reduce((sum, lane) => sum + lane.queued(), 0),
    async close() {
      await Promise.all(lanes.map((lane) => lane.drain()));
      await Promise.all(stores.map((store) => store.close()));
    },
  };
}

/**
 * Waits until the request that holds a key has ended.
 *
 * @param deadlineMs by `performance.now()`
 * @throws ApiError 409 when the request has not ended by the deadline
 */
async function waitFor(holder: Promise<void>, claim: IdempotencyClaim, deadlineMs: number): Promise<void> {
  const timer = new AbortController();
  const late = sleep(Math.max(0, deadlineMs - performance.now()), 'late', { signal: timer.signal });
  const first = await Promise.race([holder, late.catch(() => undefined)]);
  timer.abort();
  if (first !== 'late') return;
  const text = `The first request with this Idempotency-Key (${claim.route}) is still running; try again.`;
  throw new ApiError({ ...conflict('request_in_progress', text), retryAfterSeconds: 1 });
}
