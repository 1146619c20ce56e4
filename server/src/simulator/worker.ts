import { type Clock, toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Currency } from '../platform/money.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import { conversionRate } from '../rates/conversion.ts';
import type { RateProvider } from '../rates/provider.ts';
import { listDueTransfers } from '../resources/transfers/queries.ts';
import type { TransferKey } from '../resources/transfers/transfer-command.ts';
import type { EnvironmentClocks } from '../store/environment-clocks.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { advanceDueTransfer } from './commands.ts';

interface SimulatorDeps {
  readonly pool: Pool;
  readonly writer: Writer;
  readonly clock: Clock;
  readonly clocks: EnvironmentClocks;
  readonly rates: RateProvider;
  readonly logger: Logger;
  readonly stepMs: number;
}

/** Starts the worker that makes the due transitions of sandbox transfers. */
export function startSimulator(deps: SimulatorDeps): Worker {
  const restMs = Math.max(20, Math.min(limits.workerPollMs, deps.stepMs));
  return startWorker('sandbox simulator', deps.logger, restMs, async () => {
    const { clock, clocks, pool } = deps;
    const due = await listDueTransfers(pool, toIsoTime(clock.now()), toIsoTime(clocks.latestMs()));
    await Promise.all(due.map((key) => advance(key, deps)));
    return due.length === limits.dueTransferBatch;
  });
}

async function advance(key: TransferKey, { clocks, rates, stepMs, writer }: SimulatorDeps): Promise<void> {
  const [from, to] = [key.source_currency as Currency, key.destination_currency as Currency];
  const conversion = conversionRate(rates, from, to, clocks.nowIn(key.environment_id));
  await writer.submit(advanceDueTransfer(key, { stepMs, conversion }), undefined, 'test');
}
