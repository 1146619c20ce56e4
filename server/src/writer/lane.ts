import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { Submission } from './batch.ts';
import type { BatchRunner, LaneEvents } from './batch-runner.ts';
import type { Outcome } from './command.ts';

/** A queue whose commands are committed batch by batch. */
export interface Lane {
  /** @throws ApiError (429) when the queue is full; any other error is a bug or a lost database */
  submit(submission: Submission): Promise<Outcome<unknown>>;
  queued(): number;
  /** Resolves when everything submitted has ended. */
  drain(): Promise<void>;
}

interface Entry {
  readonly submission: Submission;
  resolve(outcome: Outcome<unknown>): void;
  reject(error: unknown): void;
}

/** Makes a lane. There is no timer: what arrives while one batch is being committed forms the next. */
export function createLane(lane: number, runner: BatchRunner, events: LaneEvents): Lane {
  let queue: Entry[] = [];
  let working: Promise<void> | undefined;

  const runBatch = async (entries: readonly Entry[]): Promise<void> => {
    const startedMs = performance.now();
    const verdicts = await runner.run(entries.map((entry) => entry.submission));
    events.onBatch({ lane, commands: entries.length, durationMs: performance.now() - startedMs });
    const answer = (): void =>
      entries.forEach((entry, index) => {
        const verdict = verdicts[index];
        if (verdict?.ok) entry.resolve(verdict.outcome);
        else entry.reject(verdict?.error ?? new Error('A batch ended without a verdict'));
      });
    // The next batch goes to the database first, which then works while the answers of this one are written.
    if (queue.length > 0) setImmediate(answer);
    else answer();
  };

  const work = async (): Promise<void> => {
    // Whatever arrives in this turn of the event loop joins the first batch.
    await new Promise(setImmediate);
    while (queue.length > 0) {
      await runner.ready();
      const entries = queue.slice(0, limits.batchCommands);
      queue = queue.slice(limits.batchCommands);
      await runBatch(entries);
    }
    working = undefined;
  };

  return {
    submit(submission) {
      if (queue.length >= limits.queueCommands) {
        const text = 'The server has more to write than it can take in; try again shortly.';
        return Promise.reject(new ApiError(rateLimited('server_busy', text, 1)));
      }
      return new Promise((resolve, reject) => {
        queue.push({ submission, resolve, reject });
        working ??= work();
      });
    },
    queued: () => queue.length,
    async drain() {
      while (working) await working;
    },
  };
}
