import { ApiError, rateLimited } from './errors.ts';

/**
 * Makes a semaphore: at most `limit` calls run concurrently, the others wait in the order of their arrival. It keeps work
 * that would otherwise take every connection of a pool within a part of it.
 *
 * @param maxWaiting how many calls may wait
 * @returns runs `work` once a permit is free. @throws ApiError 429 if too many calls are waiting
 */
export function createSemaphore(
  limit: number,
  maxWaiting: number,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= limit) {
      if (waiting.length >= maxWaiting) {
        const text = 'Too many requests of this kind are waiting; try again shortly.';
        throw new ApiError(rateLimited('server_busy', text, 1));
      }
      // A call that ends hands its permit over, so that a new call cannot take it first.
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}
