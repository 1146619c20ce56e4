/** Why a batch had to be tried again. */
export type RetryReason =
  | 'head_moved'
  | 'behind_another'
  | 'key_taken'
  | 'serialization'
  | 'connection'
  | 'one_by_one';

/** The notifications of a lane. */
export interface LaneEvents {
  onBatch(batch: { lane: number; commands: number; durationMs: number }): void;
  onRetry(reason: RetryReason): void;
  /** The lane cannot continue; the process must end. */
  onFatal(error: Error): void;
}
