import { toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { IdempotencyKeyRow } from '../store/tables/lanes.ts';
import { type BatchTools, decideBatch, type Submission, type Verdict } from './batch.ts';
import { type Changes, createBatchState } from './batch-state.ts';
import { withHoldings } from './holdings.ts';
import { createKeptRows, type KeptRows } from './kept-rows.ts';
import type { LaneStore } from './lane-store.ts';
import { loadRows, loadTakenKeys } from './load.ts';
import type { LaneHead } from './statement.ts';

/** One attempt to commit a batch. */
export interface Attempt {
  readonly batchId: string;
  /** Lock the head row while loading and deciding, because other servers write to the lane too. */
  readonly lockHead: boolean;
  /** Look up the idempotency keys first, because one of them is taken. */
  readonly checkKeys: boolean;
  /** The outcomes of the commands, if the batch takes effect. */
  verdicts: Verdict[];
}

/**
 * Decides batches on the state that the lane will have once all batches that were sent have taken effect, and sends them. At
 * most one batch may be decided at a time; a batch that holds the lock must end before the next is decided.
 */
export interface BatchSender {
  /** Whether other servers write to the lane, so that its head is locked before a batch is decided. */
  isShared(): boolean;
  /** Notes that another server has written to the lane. */
  share(): void;
  /** Locks the head for the next batch. Never rejects: an error here occurs again in `send`, where it is handled. */
  lock(): Promise<void>;
  /** @returns in an array, so that it is not awaited here: whether the batch, which has been sent, takes effect */
  send(submissions: readonly Submission[], attempt: Attempt): Promise<readonly [applied: Promise<boolean>]>;
  /** Drops everything that is known of the lane, because a batch that was sent had no effect. */
  forget(): void;
  rollBack(): Promise<void>;
}

/** What a sender knows of its lane: the rows and the head as the last batch that was sent leaves them. */
interface LaneView {
  readonly kept: KeptRows;
  head: LaneHead | undefined;
  /**
   * For how many more batches the head is locked before they are decided: while other servers write to the lane, deciding
   * without the lock is futile.
   */
  lockedBatches: number;
  /** The head, once it has been locked for the next batch. */
  locked: LaneHead | undefined;
}

export function createBatchSender(
  lane: number,
  laneCount: number,
  store: LaneStore,
  tools: BatchTools,
): BatchSender {
  const view: LaneView = {
    kept: createKeptRows(Math.ceil(limits.keptRows / laneCount)),
    head: undefined,
    lockedBatches: 0,
    locked: undefined,
  };

  const write = async (changes: Changes, expected: LaneHead, batchId: string): Promise<boolean> => {
    // Refusals only: they are valid if the state that they were decided on is still current.
    if (isEmpty(changes)) return isSame(await store.readHead({ lock: false }), expected);
    const now = toIsoTime(tools.clock.now());
    return store.write({ lane, laneCount, expected, batchId, now }, changes);
  };

  return {
    isShared: () => view.lockedBatches > 0,
    share() {
      view.lockedBatches = limits.lockedBatches;
    },
    async lock() {
      try {
        view.locked = await lockHead(store);
      } catch {
        await rollBack(store);
      }
    },
    async send(sent, attempt) {
      if (attempt.lockHead) await takeLock(view, store);
      view.head ??= await store.readHead({ lock: false });
      const expected = view.head;
      const { kept } = view;
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
      // If this batch fails, so does the next one, because it expects this one's id on the head.
      state.keepChanges();
      if (!isEmpty(changes)) view.head = { seq: expected.seq + 1n, batchId: attempt.batchId };
      return [applied];
    },
    forget: () => forget(view),
    rollBack: () => rollBack(store),
  };
}

function forget(view: LaneView): void {
  view.head = undefined;
  view.kept.clear();
}

async function lockHead(store: LaneStore): Promise<LaneHead> {
  await store.begin();
  return store.readHead({ lock: true });
}

/** Locks the head unless `lock` has done so, and drops what is known of the lane if another server has moved the head. */
async function takeLock(view: LaneView, store: LaneStore): Promise<void> {
  const head = view.locked ?? (await lockHead(store));
  view.locked = undefined;
  if (view.head && !isSame(head, view.head)) view.lockedBatches = limits.lockedBatches;
  else view.lockedBatches = Math.max(0, view.lockedBatches - 1);
  if (!view.head || !isSame(head, view.head)) forget(view);
  view.head = head;
}

async function rollBack(store: LaneStore): Promise<void> {
  try {
    await store.rollBack();
  } catch {
    store.dropClient();
  }
}

function isSame(one: LaneHead, other: LaneHead): boolean {
  return one.seq === other.seq && one.batchId === other.batchId;
}

function isEmpty({ inserts, updates }: Changes): boolean {
  return inserts.length === 0 && updates.length === 0;
}
