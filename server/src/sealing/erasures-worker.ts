import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import type { Pool } from '../store/pool.ts';
import { listUnscrubbed, scrubCustomer } from './scrub.ts';

/** Overwrites the sealed values of erased customers. */
export function startErasures({
  clock,
  logger,
  pool,
}: {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly logger: Logger;
}): Worker {
  return startWorker('erasures', logger, limits.erasurePollMs, async () => {
    const ids = await listUnscrubbed(pool);
    for (const id of ids) await scrubCustomer(pool, id, toIsoTime(clock.now()));
    return ids.length > 0;
  });
}
