import { ChainError } from '../../chains/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { currencyScale } from '../../platform/money.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import { acquireLease, type LeaseDeps, releasingLeaseAtStop } from '../lease.ts';
import { holdForDifference, isAboveMaximum } from './difference.ts';
import type { Reconciliation } from './explain.ts';
import { saveTreasury } from './queries.ts';
import { reconcileChain } from './reconcile.ts';

interface ReconciliationDeps extends LeaseDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/**
 * Compares the books with a chain periodically, and exports the difference as a metric. One that nothing explains, above the maximum of the
 * configuration and in two looks, holds the payments of the chain.
 */
export function startReconciliationWorker(deps: ReconciliationDeps): Worker {
  const { logger, metrics, pool, port } = deps;
  const { chain } = port;
  let nextMs = 0;
  let reported = '';
  let wasExcessive = false;
  const worker = startWorker(`reconcile ${chain}`, logger, port.config.pollMs, async () => {
    if (performance.now() < nextMs || !(await acquireLease(deps, 'reading'))) return false;
    await saveTreasury(pool, chain, port.sender.treasury);
    try {
      const outcome = await reconcileChain(pool, port);
      if (outcome.kind === 'not_ready') return false;
      metrics.chainReconciled.set({ chain }, Date.now() / 1000);
      reported = report(deps, outcome.tokens, reported);
      const isExcessive = await isAboveMaximum(pool, port, outcome.tokens);
      if (isExcessive && wasExcessive) await holdForDifference(pool, chain, outcome.tokens);
      const isNew = isExcessive && !wasExcessive;
      nextMs =
        performance.now() +
        (isNew ? limits.reconcileAgainPolls * port.config.pollMs : limits.reconcileEveryMs);
      wasExcessive = isExcessive;
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      nextMs = performance.now() + limits.workerErrorDelayMs;
      logger.warn({ chain, fault: error.message }, 'the chain cannot be reconciled');
    }
    return false;
  });
  return releasingLeaseAtStop(worker, deps, 'reading');
}

/** Exports the differences, and logs them when they change. @returns what is logged by now */
function report(
  { logger, metrics, port: { chain } }: ReconciliationDeps,
  tokens: readonly Reconciliation[],
  logged: string,
): string {
  const differing = tokens.filter(({ unexplainedMinor }) => unexplainedMinor !== 0n);
  for (const { currency, unexplainedMinor } of tokens) {
    metrics.chainDifference.set(
      { chain, currency },
      Number(unexplainedMinor) / 10 ** currencyScale[currency],
    );
  }
  const text = differing
    .map(({ currency, unexplainedMinor }) => `${unexplainedMinor} ${currency}`)
    .join(', ');
  if (text === logged) return logged;
  if (text === '') logger.info({ chain }, 'the books agree with the chain again');
  else logger.warn({ chain, differenceMinor: text }, 'the books do not explain the balances on the chain');
  return text;
}
