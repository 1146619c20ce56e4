import { type EnvironmentKind, forEachKind } from '../platform/environments.ts';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Submission, Verdict } from './batch.ts';
import type { BatchRunner } from './batch-runner.ts';
import type { Outcome } from './command.ts';
import { holdingsFirst } from './holdings.ts';
import type { LaneEvents } from './lane-events.ts';

/** A queue of commands that are committed batch by batch. */
export interface Lane {
  /** @throws ApiError (429) when the queue is full; any other error is a bug or a lost database */
  submit(submission: Submission, kind: EnvironmentKind): Promise<Outcome<unknown>>;
  queued(): number;
  /** Resolves when everything that was submitted has ended. */
  drain(): Promise<void>;
}

interface Entry {
  readonly submission: Submission;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/**
 * The commands that wait in a lane, in one queue for each kind of environment, each with its own limit. While there are live
 * commands, a batch takes few test commands, so that it stays short, but always some, so that test commands make progress.
 */
function createQueues() {
  const queues = forEachKind((): Entry[] => []);
  /** For how many more batches live commands are expected. */
  let liveBatches = 0;

  const maxTest = (): number =>
    liveBatches > 0 || queues.live.length > 0 ? limits.testCommandsBesideLive : limits.batchCommands;

  return {
    isFull: (kind: EnvironmentKind) => queues[kind].length >= limits.queueCommands,
    add: (kind: EnvironmentKind, entry: Entry) => void queues[kind].push(entry),
    length: () => queues.live.length + queues.test.length,
    /** The size of the next batch without the limit of a batch. */
    due: () => queues.live.length + Math.min(queues.test.length, maxTest()),
    /** Takes the next batch: live commands first, each kind in order of arrival. */
    take(): Entry[] {
      const test = Math.min(queues.test.length, maxTest());
      const live = Math.min(queues.live.length, limits.batchCommands - test);
      liveBatches = live > 0 ? limits.liveBatches : Math.max(0, liveBatches - 1);
      return holdingsFirst([...queues.live.splice(0, live), ...queues.test.splice(0, test)]);
    },
  };
}

/**
 * Creates a lane. There is no timer: commands that arrive while batches are being committed form the next batch. A batch is
 * sent behind the one that is being committed once it has at least as many commands, so that neither the process nor the
 * database is idle.
 *
 * @param aheadCommands the minimum size of a batch that is sent behind another one
 */
export function createLane(
  lane: number,
  runner: BatchRunner,
  events: LaneEvents,
  aheadCommands: number,
): Lane {
  const queues = createQueues();
  /** Batches that were sent and have not ended, oldest first. */
  let inFlight: (readonly Entry[])[] = [];
  let isStarting = false;
  let drained: (() => void)[] = [];

  const startOne = async (): Promise<void> => {
    // Commands that arrive in this iteration of the event loop join the batch.
    await new Promise(setImmediate);
    let entries: readonly Entry[] = [];
    let startedMs = 0;
    const { ended } = await runner.start(() => {
      startedMs = performance.now();
      entries = queues.take();
      inFlight.push(entries);
      return entries.map((entry) => entry.submission);
    });
    void ended.then((verdicts) => {
      inFlight = inFlight.filter((other) => other !== entries);
      events.onBatch({ lane, commands: entries.length, durationMs: performance.now() - startedMs });
      const isIdle = inFlight.length === 0;
      proceed();
      // If the database is idle, the next batch is sent first, and the responses are written while the database works.
      if (isIdle && queues.length() > 0) setImmediate(settle, entries, verdicts);
      else settle(entries, verdicts);
    });
  };

  const proceed = (): void => {
    if (isStarting) return;
    if (isDue(queues.due(), inFlight, aheadCommands)) {
      isStarting = true;
      void startOne().finally(() => {
        isStarting = false;
        proceed();
      });
    } else if (queues.length() === 0 && inFlight.length === 0) {
      for (const resolve of drained) resolve();
      drained = [];
    }
  };

  return {
    submit(submission, kind) {
      if (queues.isFull(kind)) return Promise.reject(queueFull());
      return new Promise((resolve, reject) => {
        queues.add(kind, { submission, resolve, reject });
        proceed();
      });
    },
    queued: queues.length,
    async drain() {
      if (isStarting || queues.length() > 0 || inFlight.length > 0)
        await new Promise<void>((resolve) => drained.push(resolve));
    },
  };
}

/** Whether a batch of `due` commands is to be sent now. */
function isDue(due: number, inFlight: readonly (readonly Entry[])[], aheadCommands: number): boolean {
  if (due === 0 || inFlight.length >= limits.batchesUnderWay) return false;
  const before = inFlight[0]?.length;
  const least = before === undefined ? 1 : Math.max(before, aheadCommands);
  return due >= Math.min(least, limits.batchCommands);
}

/** Ends each command of a batch with its verdict. */
function settle(entries: readonly Entry[], verdicts: readonly Verdict[]): void {
  entries.forEach((entry, index) => {
    const verdict = verdicts[index];
    if (verdict?.ok) entry.resolve(verdict.outcome);
    else entry.reject(verdict?.error ?? new Error('A batch ended without a verdict'));
  });
}

function queueFull(): ApiError {
  const text = 'The write queue of the server is full; retry shortly.';
  return new ApiError(rateLimited('server_busy', text, 1));
}
