import { ApiError, rateLimited } from './errors.ts';

/**
 * Lets a few run at once and the others wait for their turn, in the order of their arrival: for work that would take
 * every connection of the pool if all of it ran at once.
 *
 * @returns runs `work` in its turn
 * @throws ApiError 429 when too many wait already
 */
export function createTurns(
  atOnce: number,
  waitingAtMost: number,
): <Result>(work: () => Promise<Result>) => Promise<Result> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= atOnce) {
      if (waiting.length >= waitingAtMost) {
        const text = 'Too many requests of this kind are waiting already; try again shortly.';
        throw new ApiError(rateLimited('server_busy', text, 1));
      }
      // Whoever ends hands its place over, so nobody who comes meanwhile can take it.
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
