import { setTimeout as sleep } from 'node:timers/promises';
import { toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import type { EnvironmentClocks } from '../store/environment-clocks.ts';
import type { Pool } from '../store/pool.ts';
import { fanOut } from './fan-out.ts';
import { runReplays } from './replays.ts';

/** Starts the worker that queues new events, and the events of replays, for webhooks. */
export function startFanOut(deps: {
  readonly pool: Pool;
  readonly clocks: EnvironmentClocks;
  readonly logger: Logger;
  /** Called when deliveries were queued. */
  onQueued(): void;
}): Worker {
  const { clocks, onQueued, pool } = deps;
  return startWorker('fan-out', deps.logger, limits.workerPollMs, async () => {
    const events = await fanOut(pool, (environmentId) => toIsoTime(clocks.nowIn(environmentId)));
    const replayed = await runReplays(pool, clocks.nowIn, clocks.offsetMs);
    if (events > 0 || (replayed?.length ?? 0) > 0) onQueued();
    const isBehind = events >= limits.fanOutEvents || replayed !== undefined;
    // Every commit wakes the worker: the pause lets several commits share a turn.
    if (!isBehind) await sleep(limits.fanOutPauseMs);
    return isBehind || events > 0;
  });
}
