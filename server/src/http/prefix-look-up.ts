import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, rateLimited } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

/**
 * Batches concurrent look-ups of prefixes: one statement runs at a time, for all prefixes that were requested meanwhile.
 *
 * @param findAll looks up many prefixes
 * @param pauseMs the least time between two statements; the first one after a pause starts immediately
 * @returns looks up one prefix. @throws ApiError 429 if too many prefixes are waiting
 */
export function createPrefixLookUp<Found>(
  findAll: (prefixes: readonly string[]) => Promise<ReadonlyMap<string, Found>>,
  pauseMs: number,
): (prefix: string) => Promise<Found | undefined> {
  let waiting = new Map<string, PromiseWithResolvers<Found | undefined>>();
  let isRunning = false;

  const run = async (): Promise<void> => {
    isRunning = true;
    while (waiting.size > 0) {
      const batch = waiting;
      waiting = new Map();
      try {
        const found = await findAll([...batch.keys()]);
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
    const entry = Promise.withResolvers<Found | undefined>();
    waiting.set(prefix, entry);
    if (!isRunning) void run();
    return entry.promise;
  };
}
