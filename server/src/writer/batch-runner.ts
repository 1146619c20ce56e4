import { createSemaphore } from '../platform/semaphore.ts';
import type { BatchTools, Submission, Verdict } from './batch.ts';
import {
  attemptAfterMove,
  type BatchParts,
  newAttempt,
  recover,
  tryUntilEnded,
  verdictsOf,
} from './batch-recovery.ts';
import { type Attempt, createBatchSender } from './batch-sender.ts';
import type { LaneEvents } from './lane-events.ts';
import type { LaneStore } from './lane-store.ts';

/** A batch that was sent, and may have ended. */
export interface RunningBatch {
  /** Resolves when the batch is committed. Never rejects: an error is the verdict of the commands that it concerns. */
  readonly ended: Promise<Verdict[]>;
}

/** Commits the batches of one lane, in the order in which they are started unless one fails. */
export interface BatchRunner {
  /**
   * Decides a batch on the state that the lane will have once all batches before it are committed, and sends it without
   * waiting for them. If one of them fails, the batch is decided again.
   *
   * Must not be called again before it has resolved, which is when the batch was sent. Never rejects.
   *
   * @param take takes the commands: as late as possible, so that commands which arrive during a wait for a lock join them
   */
  start(take: () => readonly Submission[]): Promise<RunningBatch>;
}

/** What the next batch must know of a batch. */
interface Flight {
  /** Its first attempt has had no effect, or its outcome is unknown. */
  failed: boolean;
  ended?: Promise<unknown>;
}

export function createBatchRunner(
  lane: number,
  laneCount: number,
  store: LaneStore,
  tools: BatchTools,
  events: LaneEvents,
): BatchRunner {
  const sender = createBatchSender(lane, laneCount, store, tools);
  const parts: BatchParts = { sender, store, tools, events };
  /** One batch at a time is decided, or recovered after a failure. */
  const inTurn = createSemaphore(1, Number.POSITIVE_INFINITY);
  let last: Flight = { failed: false };

  /** Sends a batch. A failure is recovered in the batch's turn, after everything that was started before it. */
  const sendAhead = async (
    submissions: readonly Submission[],
    flight: Flight,
    before: Flight,
  ): Promise<RunningBatch> => {
    const attempt = newAttempt(parts, false);
    const failed = (next: () => Promise<Attempt | Verdict[]>): Promise<Verdict[]> => {
      flight.failed = true;
      return inTurn(() =>
        verdictsOf(parts, submissions, async () => {
          const then = await next();
          return Array.isArray(then) ? then : tryUntilEnded(parts, submissions, then, 1);
        }),
      );
    };
    const recovered = (error: unknown) => failed(() => recover(parts, error, submissions, attempt, 0));
    try {
      const [applied] = await sender.send(submissions, attempt);
      const ended = applied.then(
        (isApplied) =>
          isApplied ? attempt.verdicts : failed(async () => attemptAfterMove(parts, before.failed)),
        recovered,
      );
      return { ended };
    } catch (error) {
      return { ended: recovered(error) };
    }
  };

  return {
    async start(take) {
      const before = last;
      if (before.failed) await before.ended;
      const flight: Flight = { failed: false };
      last = flight;
      const running = await inTurn(async () => {
        if (!sender.isShared()) return sendAhead(take(), flight, before);
        await sender.lock();
        const submissions = take();
        const verdicts = await verdictsOf(parts, submissions, () =>
          tryUntilEnded(parts, submissions, newAttempt(parts, true)),
        );
        return { ended: Promise.resolve(verdicts) };
      });
      flight.ended = running.ended;
      return running;
    },
  };
}
