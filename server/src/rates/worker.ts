import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import type { HttpRates } from './http-rates.ts';

/** Starts the worker that refreshes rates. Faults are logged when they change, not at every refresh. */
export function startRates(deps: {
  rates: HttpRates;
  logger: Logger;
  metrics: Metrics;
  refreshMs: number;
}): Worker {
  const { logger, metrics, rates, refreshMs } = deps;
  const stopping = new AbortController();
  let dueAtMs = 0;
  let reported = '';
  const turn = async (): Promise<boolean> => {
    if (performance.now() < dueAtMs || stopping.signal.aborted) return false;
    const startedMs = performance.now();
    const { faults, renewed } = await rates.refresh(stopping.signal);
    if (stopping.signal.aborted) return false;
    metrics.ratesRefreshes.inc({ result: resultOf(renewed, faults.size) });
    // A source may never have some currency: only one that returns no rate at all is retried early.
    dueAtMs = startedMs + (renewed > 0 ? refreshMs : Math.min(refreshMs, limits.ratesRetryMs));
    const state = JSON.stringify([...faults]);
    if (state !== reported) {
      if (faults.size === 0) logger.info('every exchange rate was refreshed');
      else logger.warn({ faults: Object.fromEntries(faults) }, 'exchange rates could not be refreshed');
      reported = state;
    }
    return false;
  };
  const worker = startWorker('rates', logger, Math.min(refreshMs, limits.ratesRetryMs), turn);
  return {
    wake: worker.wake,
    stop() {
      stopping.abort();
      return worker.stop();
    },
  };
}

function resultOf(renewed: number, faults: number): 'success' | 'partial' | 'failure' {
  if (faults === 0) return 'success';
  return renewed > 0 ? 'partial' : 'failure';
}
