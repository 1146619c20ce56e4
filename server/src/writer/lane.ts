import { type EnvironmentKind, forEachKind } from '../platform/environments.ts';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Submission, Verdict } from './batch.ts';
import type { BatchRunner, LaneEvents } from './batch-runner.ts';
import type { Outcome } from './command.ts';
import { holdingsFirst } from './holdings.ts';

/** A queue whose commands are committed batch by batch. */
export interface Lane {
  /** @throws ApiError (429) when the queue is full; any other error is a bug or a lost database */
  submit(submission: Submission, kind: EnvironmentKind): Promise<Outcome<unknown>>;
  queued(): number;
  /** Resolves when everything submitted has ended. */
  drain(): Promise<void>;
}

interface Entry {
  readonly submission: Submission;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/**
 * What waits in a lane: a queue for each kind of environment, each with its own limit. While live commands come, a batch
 * has few test commands, so that it is never long; and some, so that neither kind waits for the other to end.
 */
function createQueues() {
  const queues = forEachKind((): Entry[] => []);
  /** For how many more batches live commands are expected. */
  let liveBatches = 0;

  const testMost = (): number =>
    liveBatches > 0 || queues.live.length > 0 ? limits.testCommandsBesideLive : limits.batchCommands;

  return {
    isFull: (kind: EnvironmentKind) => queues[kind].length >= limits.queueCommands,
    add: (kind: EnvironmentKind, entry: Entry) => void queues[kind].push(entry),
    length: () => queues.live.length + queues.test.length,
    /** How many the next batch would have, if it had no limit of its own. */
    due: () => queues.live.length + Math.min(queues.test.length, testMost()),
    /** Takes the next batch: live commands first, those of each kind in the order of their arrival. */
    take(): Entry[] {
      const test = Math.min(queues.test.length, testMost());
      const live = Math.min(queues.live.length, limits.batchCommands - test);
      liveBatches = live > 0 ? limits.liveBatches : Math.max(0, liveBatches - 1);
      return holdingsFirst([...queues.live.splice(0, live), ...queues.test.splice(0, test)]);
    },
  };
}

/**
 * Makes a lane. There is no timer: what arrives while batches are being committed forms the next. A batch is sent behind
 * the one that is being committed as soon as it has as many commands, so that neither we nor the database wait.
 *
 * @param aheadCommands the least that are worth a batch while another one is under way
 */
export function createLane(
  lane: number,
  runner: BatchRunner,
  events: LaneEvents,
  aheadCommands: number,
): Lane {
  const queues = createQueues();
  /** What was sent and has not ended, oldest first. */
  let flying: (readonly Entry[])[] = [];
  let isStarting = false;
  let drained: (() => void)[] = [];

  const isDue = (): boolean => {
    const due = queues.due();
    if (due === 0 || flying.length >= limits.batchesUnderWay) return false;
    const before = flying[0]?.length;
    const least = before === undefined ? 1 : Math.max(before, aheadCommands);
    return due >= Math.min(least, limits.batchCommands);
  };

  const answer = (entries: readonly Entry[], verdicts: readonly Verdict[]): void =>
    entries.forEach((entry, index) => {
      const verdict = verdicts[index];
      if (verdict?.ok) entry.resolve(verdict.outcome);
      else entry.reject(verdict?.error ?? new Error('A batch ended without a verdict'));
    });

  const startOne = async (): Promise<void> => {
    // Whatever arrives in this turn of the event loop joins the batch.
    await new Promise(setImmediate);
    let entries: readonly Entry[] = [];
    let startedMs = 0;
    const { ended } = await runner.start(() => {
      startedMs = performance.now();
      entries = queues.take();
      flying.push(entries);
      return entries.map((entry) => entry.submission);
    });
    void ended.then((verdicts) => {
      flying = flying.filter((other) => other !== entries);
      events.onBatch({ lane, commands: entries.length, durationMs: performance.now() - startedMs });
      const isIdle = flying.length === 0;
      goOn();
      // When the database has nothing to do, the next batch goes there first; it then works while the answers are written.
      if (isIdle && queues.length() > 0) setImmediate(answer, entries, verdicts);
      else answer(entries, verdicts);
    });
  };

  const goOn = (): void => {
    if (isStarting) return;
    if (isDue()) {
      isStarting = true;
      void startOne().finally(() => {
        isStarting = false;
        goOn();
      });
    } else if (queues.length() === 0 && flying.length === 0) {
      for (const tell of drained) tell();
      drained = [];
    }
  };

  return {
    submit(submission, kind) {
      if (queues.isFull(kind)) {
        const text = 'The server has more to write than it can take in; try again shortly.';
        return Promise.reject(new ApiError(rateLimited('server_busy', text, 1)));
      }
      return new Promise((resolve, reject) => {
        queues.add(kind, { submission, resolve, reject });
        goOn();
      });
    },
    queued: queues.length,
    async drain() {
      if (isStarting || queues.length() > 0 || flying.length > 0)
        await new Promise<void>((resolve) => drained.push(resolve));
    },
  };
}
