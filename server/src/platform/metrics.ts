import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** The server's Prometheus metrics. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<'method' | 'route' | 'status'>;
  readonly requestSeconds: Histogram<'method'>;
  readonly connectionsRefused: Counter<'limit'>;
  readonly batchCommands: Histogram;
  readonly batchSeconds: Histogram;
  readonly batchRetries: Counter<'reason'>;
  readonly deliveries: Counter<'result'>;
  readonly rowsNotAuthentic: Counter<'table'>;
  readonly ratesRefreshes: Counter<'result'>;
  readonly chainTurns: Counter<'chain' | 'result'>;
  readonly chainHeight: Gauge<'chain' | 'kind'>;
  readonly chainReorganisations: Counter<'chain'>;
  readonly chainDeepReorganisations: Counter<'chain'>;
  readonly chainDepositsReversed: Counter<'chain'>;
  readonly chainLosses: Counter<'chain' | 'currency'>;
  readonly uncreditedDeposits: Counter<'chain' | 'reason'>;
  readonly chainNodeUp: Gauge<'chain' | 'node'>;
  readonly chainDifference: Gauge<'chain' | 'currency'>;
  readonly chainReconciled: Gauge<'chain'>;
  readonly chainHeld: Gauge<'chain' | 'kind'>;
}

/**
 * Creates the metrics.
 *
 * @param queuedCommands called at each scrape
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
    ...httpMetrics(registers),
    ...writerMetrics(registers),
    ...workerMetrics(registers),
    ...chainMetrics(registers),
  };
}

function httpMetrics(registers: Registry[]) {
  return {
    requests: new Counter({
      name: 'openledger_http_requests_total',
      help: 'Completed requests',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    requestSeconds: new Histogram({
      name: 'openledger_http_request_seconds',
      help: 'Time from a request to the end of its response',
      labelNames: ['method'],
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    connectionsRefused: new Counter({
      name: 'openledger_http_connections_refused_total',
      help: 'Connections refused above a limit: of all, or of one client',
      labelNames: ['limit'],
      registers,
    }),
  };
}

function writerMetrics(registers: Registry[]) {
  return {
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
      help: 'Batches that were retried',
      labelNames: ['reason'],
      registers,
    }),
  };
}

function workerMetrics(registers: Registry[]) {
  return {
    deliveries: new Counter({
      name: 'openledger_webhook_deliveries_total',
      help: 'Webhook delivery attempts',
      labelNames: ['result'],
      registers,
    }),
    rowsNotAuthentic: new Counter({
      name: 'openledger_rows_not_authentic_total',
      help: 'Rows that were refused because their authentication code is wrong or missing',
      labelNames: ['table'],
      registers,
    }),
    ratesRefreshes: new Counter({
      name: 'openledger_rates_refreshes_total',
      help: 'Refreshes of exchange rates, by result: all renewed, some (partial), or none',
      labelNames: ['result'],
      registers,
    }),
  };
}

function chainMetrics(registers: Registry[]) {
  return {
    chainTurns: new Counter({
      name: 'openledger_chain_turns_total',
      help: 'Turns of the worker that follows a chain',
      labelNames: ['chain', 'result'],
      registers,
    }),
    chainHeight: new Gauge({
      name: 'openledger_chain_height',
      help: 'The newest block (head), and the block up to which deposits are credited (confirmed)',
      labelNames: ['chain', 'kind'],
      registers,
    }),
    chainReorganisations: new Counter({
      name: 'openledger_chain_reorganisations_total',
      help: 'Reorganisations of blocks that had been read',
      labelNames: ['chain'],
      registers,
    }),
    chainDeepReorganisations: new Counter({
      name: 'openledger_chain_deep_reorganisations_total',
      help: 'Reorganisations of blocks whose deposits had been credited',
      labelNames: ['chain'],
      registers,
    }),
    chainDepositsReversed: new Counter({
      name: 'openledger_chain_deposits_reversed_total',
      help: 'Credited deposits that a reorganisation removed',
      labelNames: ['chain'],
      registers,
    }),
    chainLosses: new Counter({
      name: 'openledger_chain_losses_total',
      help: 'What the house has lost by reversed deposits, in units of the credited currency',
      labelNames: ['chain', 'currency'],
      registers,
    }),
    uncreditedDeposits: new Counter({
      name: 'openledger_uncredited_deposits_total',
      help: 'Transfers to deposit addresses that were not credited, by reason',
      labelNames: ['chain', 'reason'],
      registers,
    }),
    chainNodeUp: new Gauge({
      name: 'openledger_chain_node_up',
      help: '1 while a node of a chain is healthy',
      labelNames: ['chain', 'node'],
      registers,
    }),
    chainDifference: new Gauge({
      name: 'openledger_reconcile_difference',
      help: 'Balance on a chain minus the balance in the books, in units of the token',
      labelNames: ['chain', 'currency'],
      registers,
    }),
    chainReconciled: new Gauge({
      name: 'openledger_reconcile_timestamp_seconds',
      help: 'Time of the last reconciliation with a chain, in Unix seconds',
      labelNames: ['chain'],
      registers,
    }),
    chainHeld: new Gauge({
      name: 'openledger_chain_held',
      help: '1 while payments of a chain are held, by the reason',
      labelNames: ['chain', 'kind'],
      registers,
    }),
  };
}
