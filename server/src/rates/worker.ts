import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import type { HttpRates } from './http-rates.ts';

/** Keeps the published rates fresh. What fails is logged when it changes, not at every turn. */
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
    // A source may lack a currency for good: only one that gives nothing at all is asked again soon.
    dueAtMs = startedMs + (renewed > 0 ? refreshMs : Math.min(refreshMs, limits.ratesRetryMs));
    const state = JSON.stringify([...faults]);
    if (state !== reported) {
      if (faults.size === 0) logger.info('exchange rates are fresh again');
      else logger.warn({ faults: Object.fromEntries(faults) }, 'exchange rates could not be renewed');
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
