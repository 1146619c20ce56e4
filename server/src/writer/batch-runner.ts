import { toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { IdempotencyKeyRow } from '../store/rows.ts';
import { isConnectionLoss, isRetryable, sqlState } from '../store/transaction.ts';
import { type BatchTools, decideBatch, type Submission, type Verdict } from './batch.ts';
import { type BatchState, createBatchState } from './batch-state.ts';
import { createKeptRows } from './kept-rows.ts';
import { LaneCountChangedError, type LaneStore } from './lane-store.ts';
import { loadRows, loadTakenKeys } from './load.ts';

/** Why a batch had to be tried again. */
export type RetryReason = 'head_moved' | 'key_taken' | 'serialization' | 'connection' | 'one_by_one';

/** What a lane tells of its work. */
export interface LaneEvents {
  onBatch(batch: { lane: number; commands: number; durationMs: number }): void;
  onRetry(reason: RetryReason): void;
  /** The lane can never go on; the process must end. */
  onFatal(error: Error): void;
}

/** Commits batches of one lane, one after the other. */
export interface BatchRunner {
  /**
   * Waits for the lane's lock when other servers write to it. Called before a batch is taken from the queue: what
   * arrives while it waits joins the batch. Never throws.
   */
  ready(): Promise<void>;
  /** Never throws: what goes wrong is the verdict of the commands that it went wrong for. */
  run(submissions: readonly Submission[]): Promise<Verdict[]>;
}

/** How a batch is tried next, and what came of the last try. */
interface Attempt {
  readonly batchId: string;
  /** Hold the head row while loading and deciding, because others write to the lane too. */
  readonly lockHead: boolean;
  /** Look the idempotency keys up first, because one of them is taken. */
  readonly checkKeys: boolean;
  verdicts: Verdict[];
}

export function createBatchRunner(
  lane: number,
  laneCount: number,
  store: LaneStore,
  tools: BatchTools,
  events: LaneEvents,
): BatchRunner {
  const kept = createKeptRows(Math.ceil(limits.keptRows / laneCount));
  let knownSeq: bigint | undefined;
  /**
   * For how many more batches the head row is locked at once: while other servers write to the lane, a batch that was
   * decided without the lock is decided in vain.
   */
  let lockedBatches = 0;
  /** Where the head row is, once it has been locked for the batch to come. */
  let lockedSeq: bigint | undefined;

  const forget = (): void => {
    knownSeq = undefined;
    kept.clear();
  };

  const lockHead = async (): Promise<bigint> => {
    await store.begin();
    return store.readHead({ lock: true });
  };

  const ready = async (): Promise<void> => {
    if (lockedBatches === 0) return;
    try {
      lockedSeq = await lockHead();
    } catch {
      // The batch will meet the same error, and knows what to do about it.
      await rollBack();
    }
  };

  /** @returns whether the batch took effect: not when somebody else has written to the lane meanwhile */
  const commitBatch = async (submissions: readonly Submission[], attempt: Attempt): Promise<boolean> => {
    if (attempt.lockHead) {
      const headSeq = lockedSeq ?? (await lockHead());
      lockedSeq = undefined;
      if (headSeq === knownSeq) lockedBatches -= 1;
      else {
        forget();
        lockedBatches = limits.lockedBatches;
      }
      knownSeq = headSeq;
    }
    const seq = knownSeq ?? (await store.readHead({ lock: false }));
    knownSeq = seq;
    kept.trim();
    await loadRows(store, submissions, lane, kept);
    const taken = attempt.checkKeys
      ? await loadTakenKeys(store, submissions)
      : new Map<string, IdempotencyKeyRow>();
    const state = createBatchState(kept);
    attempt.verdicts = decideBatch(submissions, state, taken, tools);
    const applied = await writeChanges(state, seq, attempt.batchId);
    if (attempt.lockHead) await store.commit();
    if (applied) state.keepChanges();
    else forget();
    return applied;
  };

  const writeChanges = async (state: BatchState, expectedSeq: bigint, batchId: string): Promise<boolean> => {
    const changes = state.changes();
    if (changes.inserts.length === 0 && changes.updates.length === 0) {
      // Refusals only: they hold if what they were decided on is still the truth.
      return (await store.readHead({ lock: false })) === expectedSeq;
    }
    const now = toIsoTime(tools.clock.now());
    const head = { lane, laneCount, expectedSeq, batchId, now };
    const applied = await store.write(head, changes);
    if (applied) knownSeq = expectedSeq + 1n;
    return applied;
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

  /** Decides what to do about a failed try. @returns the next attempt, or the verdicts if it ends here */
  const recover = async (
    error: unknown,
    submissions: readonly Submission[],
    attempt: Attempt,
    tries: number,
  ): Promise<Attempt | Verdict[]> => {
    forget();
    const next = { ...attempt, batchId: tools.ids.next('bat'), verdicts: [] };
    if (isConnectionLoss(error)) {
      events.onRetry('connection');
      return (await findOut(attempt.batchId)) ? attempt.verdicts : next;
    }
    if (attempt.lockHead) await rollBack();
    if (isKeyTaken(error) && !attempt.checkKeys) {
      events.onRetry('key_taken');
      return { ...next, checkKeys: true };
    }
    if (isKeyTaken(error) || isRetryable(error)) {
      events.onRetry('serialization');
      await store.rest(tries);
      return { ...next, lockHead: true };
    }
    if (submissions.length === 1) throw error;
    events.onRetry('one_by_one');
    const verdicts: Verdict[] = [];
    for (const submission of submissions) verdicts.push(...(await run([submission])));
    return verdicts;
  };

  const rollBack = async (): Promise<void> => {
    try {
      await store.rollBack();
    } catch {
      store.dropClient();
    }
  };

  const runAttempts = async (submissions: readonly Submission[]): Promise<Verdict[]> => {
    let attempt: Attempt = {
      batchId: tools.ids.next('bat'),
      lockHead: lockedBatches > 0,
      checkKeys: false,
      verdicts: [],
    };
    for (let tries = 0; tries < limits.writeAttempts; tries += 1) {
      try {
        if (await commitBatch(submissions, attempt)) return attempt.verdicts;
        events.onRetry('head_moved');
        attempt = { ...attempt, batchId: tools.ids.next('bat'), lockHead: true };
      } catch (error) {
        const next = await recover(error, submissions, attempt, tries);
        if (Array.isArray(next)) return next;
        attempt = next;
      }
    }
    throw new Error(`A batch was given up after ${limits.writeAttempts} attempts`);
  };

  const run = async (submissions: readonly Submission[]): Promise<Verdict[]> => {
    try {
      return await runAttempts(submissions);
    } catch (error) {
      if (error instanceof LaneCountChangedError) events.onFatal(error);
      return submissions.map(() => ({ ok: false, error }));
    }
  };
  return { ready, run };
}

/** Whether an idempotency key of the batch is already in the store. */
function isKeyTaken(error: unknown): boolean {
  const constraint = (error as { constraint?: string }).constraint;
  return sqlState(error) === '23505' && constraint === 'idempotency_keys_one_effect';
}
