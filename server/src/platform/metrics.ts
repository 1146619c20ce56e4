import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The server's Prometheus metrics. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly requestSeconds: Histogram<'method'>;
  readonly batchCommands: Histogram;
  readonly batchSeconds: Histogram;
  readonly batchRetries: Counter<'reason'>;
  readonly deliveries: Counter<'result'>;
  readonly ratesRefreshes: Counter<'result'>;
}

/**
 * Makes the metrics.
 *
 * @param queuedCommands read at each scrape
 */
export function createMetrics(queuedCommands: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'openledger_writer_queued_commands',
    help: 'Commands waiting for a batch',
    registers,
    collect() {
      this.set(queuedCommands());
    },
  });
  return {
    registry,
    requests: new Counter({
      name: 'openledger_http_requests_total',
      help: 'Answered requests',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'openledger_http_request_seconds',
      help: 'Time from the request to its answer',
      labelNames: ['method'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    batchCommands: new Histogram({
      name: 'openledger_writer_batch_commands',
      help: 'Commands in a batch',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'openledger_writer_batch_seconds',
      help: 'Time to decide and commit a batch',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    batchRetries: new Counter({
      name: 'openledger_writer_batch_retries_total',
      help: 'Batches that had to be tried again',
      labelNames: ['reason'],
      registers,
    }),
    deliveries: new Counter({
      name: 'openledger_webhook_deliveries_total',
      help: 'Webhook deliveries that were attempted',
      labelNames: ['result'],
      registers,
    }),
    ratesRefreshes: new Counter({
      name: 'openledger_rates_refreshes_total',
      help: 'Times that exchange rates were fetched: renewed all, some (partial) or none of them',
      labelNames: ['result'],
      registers,
    }),
  };
}
