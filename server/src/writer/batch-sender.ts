import { toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { IdempotencyKeyRow } from '../store/rows.ts';
import { type BatchTools, decideBatch, type Submission, type Verdict } from './batch.ts';
import { type Changes, createBatchState } from './batch-state.ts';
import { withHoldings } from './holdings.ts';
import { createKeptRows } from './kept-rows.ts';
import type { LaneStore } from './lane-store.ts';
import { loadRows, loadTakenKeys } from './load.ts';
import type { LaneHead } from './statement.ts';

/** How a batch is tried. */
export interface Attempt {
  readonly batchId: string;
  /** Hold the head row while loading and deciding, because others write to the lane too. */
  readonly lockHead: boolean;
  /** Look the idempotency keys up first, because one of them is taken. */
  readonly checkKeys: boolean;
  /** What came of it, if it takes effect. */
  verdicts: Verdict[];
}

/**
 * Decides batches on the lane as it will be when all that were sent have taken effect, and sends them. One at a time may be
 * decided; a batch whose lock is held must end before the next one is.
 */
export interface BatchSender {
  /** Whether other servers write to the lane, so that its head is locked before a batch is decided. */
  isShared(): boolean;
  /** Another server has written to the lane. */
  share(): void;
  /** Locks the head for the batch to come. Never throws: what fails here fails again for the batch, which knows what to do. */
  lock(): Promise<void>;
  /** @returns whether the batch, which is on its way now, takes effect; in an array, not to be waited for here */
  send(submissions: readonly Submission[], attempt: Attempt): Promise<readonly [applied: Promise<boolean>]>;
  /** Gives up what is known of the lane, because a batch that was sent has had no effect. */
  forget(): void;
  rollBack(): Promise<void>;
}

export function createBatchSender(
  lane: number,
  laneCount: number,
  store: LaneStore,
  tools: BatchTools,
): BatchSender {
  /** The rows, and the head, as the last batch that was sent leaves them. */
  const kept = createKeptRows(Math.ceil(limits.keptRows / laneCount));
  let known: LaneHead | undefined;
  /**
   * For how many more batches the head row is locked at once: while other servers write to the lane, a batch that was
   * decided without the lock is decided in vain.
   */
  let lockedBatches = 0;
  /** The head, once it has been locked for the batch to come. */
  let locked: LaneHead | undefined;

  const forget = (): void => {
    known = undefined;
    kept.clear();
  };

  const rollBack = async (): Promise<void> => {
    try {
      await store.rollBack();
    } catch {
      store.dropClient();
    }
  };

  const lockHead = async (): Promise<LaneHead> => {
    await store.begin();
    return store.readHead({ lock: true });
  };

  const useLock = async (): Promise<void> => {
    const head = locked ?? (await lockHead());
    locked = undefined;
    if (known && !isSame(head, known)) lockedBatches = limits.lockedBatches;
    else lockedBatches = Math.max(0, lockedBatches - 1);
    if (!known || !isSame(head, known)) forget();
    known = head;
  };

  const write = async (changes: Changes, expected: LaneHead, batchId: string): Promise<boolean> => {
    // Refusals only: they hold if what they were decided on is still the truth.
    if (isEmpty(changes)) return isSame(await store.readHead({ lock: false }), expected);
    const now = toIsoTime(tools.clock.now());
    return store.write({ lane, laneCount, expected, batchId, now }, changes);
  };

  return {
    isShared: () => lockedBatches > 0,
    share() {
      lockedBatches = limits.lockedBatches;
    },
    async lock() {
      try {
        locked = await lockHead();
      } catch {
        await rollBack();
      }
    },
    async send(sent, attempt) {
      if (attempt.lockHead) await useLock();
      known ??= await store.readHead({ lock: false });
      const expected = known;
      kept.trim();
      const submissions = await withHoldings(store, sent);
      await loadRows(store, submissions, lane, kept);
      const taken = attempt.checkKeys
        ? await loadTakenKeys(store, submissions, kept)
        : new Map<string, IdempotencyKeyRow>();
      const state = createBatchState(kept);
      attempt.verdicts = decideBatch(submissions, state, taken, tools);
      const changes = state.changes();
      const applied = write(changes, expected, attempt.batchId);
      // Decided ahead: the next batch is refused if this one is, because it expects this one's id on the head.
      state.keepChanges();
      if (!isEmpty(changes)) known = { seq: expected.seq + 1n, batchId: attempt.batchId };
      return [applied];
    },
    forget,
    rollBack,
  };
}

function isSame(one: LaneHead, other: LaneHead): boolean {
  return one.seq === other.seq && one.batchId === other.batchId;
}

function isEmpty({ inserts, updates }: Changes): boolean {
  return inserts.length === 0 && updates.length === 0;
}
