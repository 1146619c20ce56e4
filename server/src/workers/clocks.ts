import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { EnvironmentClocks } from '../store/environment-clocks.ts';
import { startWorker, type Worker } from './loop.ts';

/** Follows the clocks that other processes move. */
export function startClocks({ clocks, logger }: { clocks: EnvironmentClocks; logger: Logger }): Worker {
  return startWorker('clocks', logger, limits.workerPollMs, async () => {
    await clocks.refresh();
    return false;
  });
}
