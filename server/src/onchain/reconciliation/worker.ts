import { ChainError, type ChainPort } from '../../chains/port.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../../platform/metrics.ts';
import { currencyScale } from '../../platform/money.ts';
import { startWorker, type Worker } from '../../platform/worker-loop.ts';
import type { Pool } from '../../store/pool.ts';
import { holdChain } from '../cursor.ts';
import { leavingAtEnd } from '../lease.ts';
import { keepTreasury } from './queries.ts';
import type { Reconciliation } from './explain.ts';
import { reconcileChain } from './reconcile.ts';

interface ReconcileDeps {
  readonly pool: Pool;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly port: ChainPort;
  /** Names this process. */
  readonly holder: string;
}

/** Compares the books with a chain again and again, and shows the difference as a metric. */
export function startChainReconcile(deps: ReconcileDeps): Worker {
  const { holder, logger, metrics, pool, port } = deps;
  const { chain } = port;
  let nextMs = 0;
  let reported = '';
  const worker = startWorker(`reconcile ${chain}`, logger, port.config.pollMs, async () => {
    if (performance.now() < nextMs || !(await holdChain(pool, chain, holder))) return false;
    await keepTreasury(pool, chain, port.sender.treasury);
    try {
      const outcome = await reconcileChain(pool, port);
      if (outcome.kind === 'not_ready') return false;
      nextMs = performance.now() + limits.reconcileEveryMs;
      metrics.chainReconciled.set({ chain }, Date.now() / 1000);
      reported = show(deps, outcome.tokens, reported);
    } catch (error) {
      if (!(error instanceof ChainError)) throw error;
      nextMs = performance.now() + limits.workerErrorDelayMs;
      logger.warn({ chain, fault: error.message }, 'the chain cannot be reconciled');
    }
    return false;
  });
  return leavingAtEnd(worker, deps);
}

/** A difference is logged when it changes. @returns what has been said */
function show(
  { logger, metrics, port: { chain } }: ReconcileDeps,
  tokens: readonly Reconciliation[],
  said: string,
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
  if (text === said) return said;
  if (text === '') logger.info({ chain }, 'the books agree with the chain again');
  else logger.warn({ chain, differenceMinor: text }, 'the chain holds another amount than the books explain');
  return text;
}
