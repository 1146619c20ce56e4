import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import type { FindKeys, StoredKey } from './auth.ts';

/**
 * Makes a look-up of prefixes that are asked for concurrently: one statement is under way at a time, for all prefixes that
 * have come meanwhile.
 *
 * @param pauseMs the least time between two statements; the first one after a pause starts immediately
 * @returns finds the key of one prefix. @throws ApiError 429 when too many prefixes are waiting
 */
export function createPrefixLookUp(
  findKeys: FindKeys,
  pauseMs: number,
): (prefix: string) => Promise<StoredKey | undefined> {
  let waiting = new Map<string, PromiseWithResolvers>();
  let isRunning = false;

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      const batch = waiting;
      waiting = new Map();
      try {
        const found = await findKeys([...batch.keys()]);
        for (const [prefix, { resolve }] of batch) resolve(found.get(prefix));
      } catch (error) {
        for (const { reject } of batch.values()) reject(error);
      }
      if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false });
    }
    isRunning = false;
  };

  return (prefix) => {
    const own = waiting.get(prefix);
    if (own) return own.promise;
    if (waiting.size >= limits.prefixesWaiting) {
      return Promise.reject(new ApiError(rateLimited('rate_limited', 'Too many requests', 1)));
    }
    const entry = withResolvers();
    waiting.set(prefix, entry);
    if (!isRunning) void run();
    return entry.promise;
  };
}

interface PromiseWithResolvers {
  readonly promise: Promise<StoredKey | undefined>;
  resolve(key: StoredKey | undefined): void;
  reject(error: unknown): void;
}

/** Node 20 has no `Promise.withResolvers`. */
function withResolvers(): PromiseWithResolvers {
  let resolve: PromiseWithResolvers['resolve'] = () => undefined;
  let reject: PromiseWithResolvers['reject'] = () => undefined;
  const promise = new Promise<StoredKey | undefined>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
