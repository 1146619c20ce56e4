import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import type { EnvironmentClocks } from './environment-clocks.ts';

/** Follows changes that other processes make to clocks of sandboxes. */
export function startClocks({ clocks, logger }: { clocks: EnvironmentClocks; logger: Logger }): Worker {
  return startWorker('clocks', logger, limits.workerPollMs, async () => {
    await clocks.refresh();
    return false;
  });
}
