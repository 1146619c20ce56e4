import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import { advanceSandboxTransfer } from '../resources/transfers/commands.ts';
import { listDueTransfers } from '../resources/transfers/queries.ts';
import type { EnvironmentClocks } from '../store/environment-clocks.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { startWorker, type Worker } from './loop.ts';

/** Walks sandbox transfers to their end, one status after the other. */
export function startSettlement(deps: {
  pool: Pool;
  writer: Writer;
  clock: Clock;
  clocks: EnvironmentClocks;
  logger: Logger;
  stepMs: number;
}): Worker {
  const restMs = Math.max(20, Math.min(limits.workerPollMs, deps.stepMs));
  return startWorker('settlement', deps.logger, restMs, async () => {
    const due = await listDueTransfers(
      deps.pool,
      toIsoTime(deps.clock.now()),
      toIsoTime(deps.clocks.latestMs()),
    );
    await Promise.all(due.map((key) => deps.writer.submit(advanceSandboxTransfer(key, deps.stepMs))));
    return due.length === limits.settlementBatch;
  });
}
