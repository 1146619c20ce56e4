import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';

/** The decision of a token bucket on one request. */
export interface Allowance {
  readonly allowed: boolean;
  /** The capacity of the bucket. */
  readonly limit: number;
  readonly remaining: number;
  /** Whole seconds until the bucket is full again. */
  readonly resetSeconds: number;
  /** Whole seconds until the next request is allowed, at least 1; 0 if this one was allowed. */
  readonly retryAfterSeconds: number;
}

/** Token buckets, one for each client. */
export interface RateLimiter {
  /** Takes a token if there is one. @param perSecond replaces the limiter's rate */
  take(client: string, perSecond?: number): Allowance;
}

interface Bucket {
  tokens: number;
  filledAtMs: number;
}

/**
 * Creates token buckets that fill by `defaultPerSecond` tokens per second and hold twice as many (contract §3).
 */
export function createRateLimiter(clock: Clock, defaultPerSecond: number): RateLimiter {
  const buckets = new Map<string, Bucket>();

  const fill = (client: string, perSecond: number): Bucket => {
    const burst = perSecond * limits.burstFactor;
    const nowMs = clock.now();
    const bucket = buckets.get(client);
    if (!bucket) {
      if (buckets.size >= limits.trackedClients) forgetFullest(buckets, limits.trackedClients / 10);
      const fresh = { tokens: burst, filledAtMs: nowMs };
      buckets.set(client, fresh);
      return fresh;
    }
    const elapsedMs = Math.max(0, nowMs - bucket.filledAtMs);
    bucket.tokens = Math.min(burst, bucket.tokens + (elapsedMs * perSecond) / 1000);
    bucket.filledAtMs = nowMs;
    return bucket;
  };

  return {
    take(client, perSecond = defaultPerSecond) {
      const bucket = fill(client, perSecond);
      const allowed = bucket.tokens >= 1;
      if (allowed) bucket.tokens -= 1;
      return describe(bucket, allowed, perSecond);
    },
  };
}

function describe({ tokens }: Bucket, allowed: boolean, perSecond: number): Allowance {
  const limit = perSecond * limits.burstFactor;
  return {
    allowed,
    limit,
    remaining: Math.max(0, Math.floor(tokens)),
    resetSeconds: Math.ceil((limit - tokens) / perSecond),
    retryAfterSeconds: allowed ? 0 : Math.max(1, Math.ceil((1 - tokens) / perSecond)),
  };
}

/** Removes the buckets that were used longest ago: they are the fullest, so that removing them changes least. */
function forgetFullest(buckets: Map<string, Bucket>, count: number): void {
  const oldest = [...buckets].sort((a, b) => a[1].filledAtMs - b[1].filledAtMs).slice(0, count);
  for (const [client] of oldest) buckets.delete(client);
}
