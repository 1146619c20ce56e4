import { limits } from '../platform/limits.ts';

const secondMs = 1000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;

/** The delays after attempt 1, 2, … (contract §4, Webhooks). */
const delaysMs = [
  5 * secondMs,
  30 * secondMs,
  2 * minuteMs,
  10 * minuteMs,
  30 * minuteMs,
  hourMs,
  3 * hourMs,
  6 * hourMs,
  12 * hourMs,
] as const;

const jitter = 0.1;

/**
 * The delay before a failed delivery is retried.
 *
 * @param attemptNumber the number of the failed attempt, from 1
 * @param retryAfterSeconds the receiver's `Retry-After`, which can lengthen the delay up to 12 hours
 * @param random returns 0..1; varies the delay by ±10 %
 * @returns null after the last attempt
 */
export function nextAttemptDelayMs(
  attemptNumber: number,
  retryAfterSeconds: number | null,
  random: () => number,
): number | null {
  const delayMs = delaysMs[attemptNumber - 1];
  if (delayMs === undefined || attemptNumber >= limits.deliveryAttempts) return null;
  const spreadMs = Math.round(delayMs * (1 + (random() * 2 - 1) * jitter));
  const askedMs = Math.min((retryAfterSeconds ?? 0) * secondMs, limits.deliveryRetryAfterMs);
  return Math.max(spreadMs, askedMs);
}
