import { limits } from '../platform/limits.ts';
import { createSemaphore } from '../platform/semaphore.ts';
import { isConnectionLoss, isRetryable, sqlState } from '../store/transaction.ts';
import type { BatchTools, Submission, Verdict } from './batch.ts';
import { type Attempt, createBatchSender } from './batch-sender.ts';
import { LaneCountChangedError, type LaneStore } from './lane-store.ts';

/** Why a batch had to be tried again. */
export type RetryReason =
  | 'head_moved'
  | 'behind_another'
  | 'key_taken'
  | 'serialization'
  | 'connection'
  | 'one_by_one';

/** What a lane tells of its work. */
export interface LaneEvents {
  onBatch(batch: { lane: number; commands: number; durationMs: number }): void;
  onRetry(reason: RetryReason): void;
  /** The lane can never go on; the process must end. */
  onFatal(error: Error): void;
}

/** A batch that was sent, or has ended already. */
export interface RunningBatch {
  /** Resolves when it is committed. Never rejects: what goes wrong is the verdict of the commands it went wrong for. */
  readonly ended: Promise<Verdict[]>;
}

/** Commits batches of one lane, in the order in which they are started if nothing goes wrong. */
export interface BatchRunner {
  /**
   * Decides a batch as the lane will be once all batches before it are committed, and sends it without waiting for them.
   * Whatever goes wrong with one of them, it is decided again.
   *
   * Not to be called again before it has resolved, which is when the batch was sent. Never rejects.
   *
   * @param take takes the commands: as late as possible, so that those that arrive while a lock is waited for join them
   */
  start(take: () => readonly Submission[]): Promise<RunningBatch>;
}

/** What the batch after it must know of a batch. */
interface Flight {
  /** Its first try has had no effect, or nobody knows. */
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
  /** Deciding, and all that follows a failure, is done for one batch at a time. */
  const inTurn = createSemaphore(1, Number.POSITIVE_INFINITY);
  let last: Flight = { failed: false };

  const newAttempt = (lockHead = sender.isShared(), checkKeys = false): Attempt => ({
    batchId: tools.ids.next('bat'),
    lockHead,
    checkKeys,
    verdicts: [],
  });

  /** Runs a batch to its end. @returns whether it took effect: not when somebody else has written to the lane meanwhile */
  const commitBatch = async (submissions: readonly Submission[], attempt: Attempt): Promise<boolean> => {
    const [applied] = await sender.send(submissions, attempt);
    const isApplied = await applied;
    if (attempt.lockHead) await store.commit();
    return isApplied;
  };

  /**
   * After a lost connection, finds out whether the batch had been committed all the same.
   *
   * @throws Error when the database stays out of reach
   */
  const findOut = async (batchId: string): Promise<boolean> => {
    for (let tries = 0; ; tries += 1) {
      store.dropClient();
      await store.rest(tries + 3);
      try {
        return await store.fence(batchId);
      } catch (error) {
        if (!isConnectionLoss(error) || tries + 1 >= limits.writeAttempts) throw error;
      }
    }
  };

  /** What to do when a batch has had no effect, because the lane was not as it was expected. */
  const moved = (before: Flight | undefined): Attempt => {
    sender.forget();
    // It was decided behind a batch that failed: nothing says that somebody else writes.
    const isBehind = before?.failed === true;
    events.onRetry(isBehind ? 'behind_another' : 'head_moved');
    if (!isBehind) sender.share();
    return newAttempt();
  };

  /** Decides what to do about a failed try. @returns the next attempt, or the verdicts if it ends here */
  const recover = async (
    error: unknown,
    submissions: readonly Submission[],
    attempt: Attempt,
    tries: number,
  ): Promise<Attempt | Verdict[]> => {
    sender.forget();
    const { checkKeys, lockHead } = attempt;
    if (isConnectionLoss(error)) {
      events.onRetry('connection');
      return (await findOut(attempt.batchId)) ? attempt.verdicts : newAttempt(lockHead, checkKeys);
    }
    if (lockHead) await sender.rollBack();
    if (isKeyTaken(error) && !checkKeys) {
      events.onRetry('key_taken');
      return newAttempt(lockHead, true);
    }
    if (isKeyTaken(error) || isRetryable(error)) {
      events.onRetry('serialization');
      await store.rest(tries);
      return newAttempt(true, checkKeys);
    }
    if (submissions.length === 1) throw error;
    events.onRetry('one_by_one');
    const verdicts: Verdict[] = [];
    for (const submission of submissions)
      verdicts.push(...(await answered([submission], () => tryOn([submission], newAttempt()))));
    return verdicts;
  };

  /** Tries a batch until it has ended; it may have failed `tries` times already. */
  const tryOn = async (
    submissions: readonly Submission[],
    first: Attempt,
    failedTries = 0,
  ): Promise<Verdict[]> => {
    let attempt = first;
    for (let tries = failedTries; tries < limits.writeAttempts; tries += 1) {
      try {
        if (await commitBatch(submissions, attempt)) return attempt.verdicts;
        attempt = moved(undefined);
      } catch (error) {
        const next = await recover(error, submissions, attempt, tries);
        if (Array.isArray(next)) return next;
        attempt = next;
      }
    }
    throw new Error(`A batch was given up after ${limits.writeAttempts} attempts`);
  };

  const answered = async (
    submissions: readonly Submission[],
    work: () => Promise<Verdict[]>,
  ): Promise<Verdict[]> => {
    try {
      return await work();
    } catch (error) {
      if (error instanceof LaneCountChangedError) events.onFatal(error);
      return submissions.map(() => ({ ok: false, error }));
    }
  };

  /** Sends a batch; what goes wrong with it is put right in its turn, after what was started before it. */
  const sendAhead = async (
    submissions: readonly Submission[],
    flight: Flight,
    before: Flight,
  ): Promise<RunningBatch> => {
    const attempt = newAttempt(false);
    const failed = (next: () => Promise<Attempt | Verdict[]>): Promise<Verdict[]> => {
      flight.failed = true;
      return inTurn(() =>
        answered(submissions, async () => {
          const then = await next();
          return Array.isArray(then) ? then : tryOn(submissions, then, 1);
        }),
      );
    };
    const recovered = (error: unknown) => failed(() => recover(error, submissions, attempt, 0));
    try {
      const [applied] = await sender.send(submissions, attempt);
      const ended = applied.then(
        (isApplied) => (isApplied ? attempt.verdicts : failed(async () => moved(before))),
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
        const verdicts = await answered(submissions, () => tryOn(submissions, newAttempt(true)));
        return { ended: Promise.resolve(verdicts) };
      });
      flight.ended = running.ended;
      return running;
    },
  };
}

/** Whether an idempotency key of the batch is already in the store. */
function isKeyTaken(error: unknown): boolean {
  const constraint = (error as { constraint?: string }).constraint;
  return sqlState(error) === '23505' && constraint === 'idempotency_keys_one_effect';
}
