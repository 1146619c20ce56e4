import type { AppOptions } from './app-options.ts';
import type { ChainPort } from './chains/port.ts';
import type { Core } from './core.ts';
import type { EnvironmentBudgets } from './http/environment-budgets.ts';
import { startInternalTransfers } from './onchain/internal/worker.ts';
import { type ChainsDeps, startChains } from './onchain/workers.ts';
import type { Closers } from './platform/closers.ts';
import type { EnvironmentKind } from './platform/environments.ts';
import type { Worker } from './platform/worker-loop.ts';
import type { EnvironmentRates } from './rates/environments.ts';
import { startRates } from './rates/worker.ts';
import { startErasures } from './sealing/erasures-worker.ts';
import { startSimulator } from './simulator/worker.ts';
import { startClocks } from './store/clocks-worker.ts';
import { startRetention } from './store/retention.ts';
import { createDeliveryAgent } from './webhooks/connector.ts';
import { startDeliveries } from './webhooks/deliveries-worker.ts';
import { startFanOut } from './webhooks/fan-out-worker.ts';
import { createSender } from './webhooks/send.ts';
import type { TargetPolicy } from './webhooks/targets.ts';

/** What workers need beside the core. */
export interface WorkerParts {
  readonly rates: EnvironmentRates;
  readonly ports: readonly ChainPort[];
  readonly chainsDeps: ChainsDeps;
  readonly budgets: EnvironmentBudgets;
  policyFor(kind: EnvironmentKind): TargetPolicy;
}

/** The workers of a server. */
export interface Workers {
  /** Every worker of the process. */
  readonly all: readonly Worker[];
  /** Queues the events of the last commit for webhooks. */
  readonly fanOut: Worker;
}

/** Starts every worker of the process. They are stopped, and their connections closed, by `closers`. */
export function startWorkers(options: AppOptions, core: Core, parts: WorkerParts, closers: Closers): Workers {
  const { clock, clocks, ids, metrics, pools, vault, writer } = core;
  const { logger } = options;
  const { budgets, chainsDeps, policyFor, ports, rates } = parts;
  const { nowIn } = clocks;
  const agents = {
    test: createDeliveryAgent(policyFor('test')),
    live: createDeliveryAgent(policyFor('live')),
  };
  closers.add(() => Promise.all([agents.test.destroy(), agents.live.destroy()]));
  const senders = { test: createSender(agents.test), live: createSender(agents.live) };
  const senderFor = (kind: EnvironmentKind) => senders[kind];
  const common = { pool: pools.system, clock, clocks, logger };
  const deliveries = startDeliveries({ ...common, writer, ids, vault, metrics, nowIn, senderFor, budgets });
  const fanOut = startFanOut({ ...common, onQueued: deliveries.wake });
  const all = [
    startClocks(common),
    startSimulator({ ...common, writer, rates: rates.sandbox, stepMs: options.sandboxStepMs }),
    fanOut,
    deliveries,
    startInternalTransfers({ ...common, writer, ratesFor: rates.providerFor }),
    startErasures(common),
    startRetention({ ...common, idempotencyHours: options.idempotencyHours }),
    ...startChains(ports, chainsDeps),
    ...(rates.live
      ? [startRates({ rates: rates.live, logger, metrics, refreshMs: options.ratesRefreshMs })]
      : []),
  ];
  closers.add(() => Promise.all(all.map((worker) => worker.stop())));
  return { all, fanOut };
}
