import { limits } from '../platform/limits.ts';
import { isConnectionLoss, isRetryable, sqlState } from '../store/transaction.ts';
import type { BatchTools, Submission, Verdict } from './batch.ts';
import type { Attempt, BatchSender } from './batch-sender.ts';
import type { LaneEvents } from './lane-events.ts';
import { LaneCountChangedError, type LaneStore } from './lane-store.ts';

/** What batches of a lane are sent with. */
export interface BatchParts {
  readonly sender: BatchSender;
  readonly store: LaneStore;
  readonly tools: BatchTools;
  readonly events: LaneEvents;
}

/** An attempt under a new batch id. */
export function newAttempt(
  { sender, tools }: BatchParts,
  lockHead = sender.isShared(),
  checkKeys = false,
): Attempt {
  return { batchId: tools.ids.next('bat'), lockHead, checkKeys, verdicts: [] };
}

/**
 * The next attempt of a batch that had no effect, because the lane was not in the state that the batch was decided on.
 *
 * @param isBehindFailed the batch before it failed too: this says nothing about other servers
 */
export function attemptAfterMove(parts: BatchParts, isBehindFailed: boolean): Attempt {
  const { events, sender } = parts;
  sender.forget();
  events.onRetry(isBehindFailed ? 'behind_another' : 'head_moved');
  if (!isBehindFailed) sender.share();
  return newAttempt(parts);
}

/**
 * Decides how a failed attempt continues.
 *
 * @param tries how many attempts failed before this one
 * @returns the next attempt, or the verdicts if the batch has ended
 * @throws the error itself if no further attempt can succeed
 */
export async function recover(
  parts: BatchParts,
  error: unknown,
  submissions: readonly Submission[],
  attempt: Attempt,
  tries: number,
): Promise<Attempt | Verdict[]> {
  const { events, sender, store } = parts;
  sender.forget();
  const { checkKeys, lockHead } = attempt;
  if (isConnectionLoss(error)) {
    events.onRetry('connection');
    const isCommitted = await wasCommitted(store, attempt.batchId);
    return isCommitted ? attempt.verdicts : newAttempt(parts, lockHead, checkKeys);
  }
  if (lockHead) await sender.rollBack();
  if (isKeyTaken(error) && !checkKeys) {
    events.onRetry('key_taken');
    return newAttempt(parts, lockHead, true);
  }
  if (isKeyTaken(error) || isRetryable(error)) {
    events.onRetry('serialization');
    await store.rest(tries);
    return newAttempt(parts, true, checkKeys);
  }
  if (submissions.length === 1) throw error;
  events.onRetry('one_by_one');
  const verdicts: Verdict[] = [];
  for (const submission of submissions) {
    const one = [submission];
    verdicts.push(...(await verdictsOf(parts, one, () => tryUntilEnded(parts, one, newAttempt(parts)))));
  }
  return verdicts;
}

/**
 * Tries a batch until it has ended.
 *
 * @param failedTries how many attempts have failed already
 * @throws Error after `limits.writeAttempts` attempts
 */
export async function tryUntilEnded(
  parts: BatchParts,
  submissions: readonly Submission[],
  first: Attempt,
  failedTries = 0,
): Promise<Verdict[]> {
  let attempt = first;
  for (let tries = failedTries; tries < limits.writeAttempts; tries += 1) {
    try {
      if (await commitBatch(parts, submissions, attempt)) return attempt.verdicts;
      attempt = attemptAfterMove(parts, false);
    } catch (error) {
      const next = await recover(parts, error, submissions, attempt, tries);
      if (Array.isArray(next)) return next;
      attempt = next;
    }
  }
  throw new Error(`A batch failed ${limits.writeAttempts} times`);
}

/** Runs `work`, and turns its error into the verdict of every command. Never rejects. */
export async function verdictsOf(
  { events }: BatchParts,
  submissions: readonly Submission[],
  work: () => Promise<Verdict[]>,
): Promise<Verdict[]> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof LaneCountChangedError) events.onFatal(error);
    return submissions.map(() => ({ ok: false, error }));
  }
}

/** Sends a batch and waits for its end. @returns false if it had no effect, because another server has written to the lane */
async function commitBatch(
  { sender, store }: BatchParts,
  submissions: readonly Submission[],
  attempt: Attempt,
): Promise<boolean> {
  const [applied] = await sender.send(submissions, attempt);
  const isApplied = await applied;
  if (attempt.lockHead) await store.commit();
  return isApplied;
}

/**
 * Whether a batch was committed although the connection was lost.
 *
 * @throws Error when the database stays unreachable
 */
async function wasCommitted(store: LaneStore, batchId: string): Promise<boolean> {
  for (let tries = 0; ; tries += 1) {
    store.dropClient();
    await store.rest(tries + 3);
    try {
      return await store.fence(batchId);
    } catch (error) {
      if (!isConnectionLoss(error) || tries + 1 >= limits.writeAttempts) throw error;
    }
  }
}

/** Whether an idempotency key of the batch is already in the store. */
function isKeyTaken(error: unknown): boolean {
  const constraint = (error as { constraint?: string }).constraint;
  return sqlState(error) === '23505' && constraint === 'idempotency_keys_one_effect';
}
