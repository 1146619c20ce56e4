import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvironmentBudgets } from '../http/environment-budgets.ts';
import { limits } from '../platform/limits.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import { claimNext } from './claim-next.ts';
import { queuedWebhooks, releaseClaims } from './claims.ts';
import { createDeliveryCapacity } from './delivery-capacity.ts';
import { createEndpointQueue, type EndpointQueue } from './endpoint-queue.ts';
import { type AttemptDeps, makeAttempt } from './make-attempt.ts';
import { type RecordDeps, recordResults } from './record-results.ts';
import { createRecorder } from './recorder.ts';

export interface DeliveryDeps extends AttemptDeps, RecordDeps {
  readonly budgets: Pick<EnvironmentBudgets, 'isTestThrottled'>;
}

/** Starts the worker that delivers events to webhooks: signed, with retries, each webhook with a queue of its own. */
export function startDeliveries(deps: DeliveryDeps): Worker {
  const { clock, logger, pool } = deps;
  const queues = new Map<string, EndpointQueue>();
  const running = new Set<Promise<void>>();
  const capacity = createDeliveryCapacity(clock, deps.budgets);
  const recorder = createRecorder((attempts) => recordResults(attempts, deps), logger);
  let pollAtMs = 0;
  let isStopping = false;

  /** Starts as many claimed deliveries of a queue as its pace allows. */
  const startClaimed = (queue: EndpointQueue): void => {
    const nowMs = clock.now();
    for (let free = queue.pace.freeNow(nowMs); free > 0 && !isStopping; free -= 1) {
      const due = queue.claimed.shift();
      if (!due || !queue.recipient) break;
      // Its claim may expire before the attempt ends: it is left to the next claim.
      if (due.startBeforeMs < nowMs) continue;
      queue.pace.started(nowMs);
      const { kind } = queue.recipient;
      capacity.started(kind);
      const sent = makeAttempt(due, queue.recipient, queue.secrets, deps).then((attempt) => {
        running.delete(sent);
        capacity.ended(kind);
        queue.pace.ended(attempt?.success ?? false);
        if (attempt) recorder.add(attempt);
        // In the next turn of the event loop: undici frees the connection after it has emitted the response.
        setImmediate(() => {
          startClaimed(queue);
          if (queue.hasMore && queue.pace.roomToClaim(clock.now(), queue.claimed.length) > 0) worker.wake();
        });
      });
      running.add(sent);
    }
  };

  const poll = async (): Promise<void> => {
    if (clock.now() < pollAtMs) return;
    pollAtMs = clock.now() + limits.workerPollMs;
    for (const { bucket, webhook_id } of await queuedWebhooks(pool)) {
      const queue = queues.get(webhook_id);
      if (queue) queue.hasMore = true;
      else queues.set(webhook_id, createEndpointQueue(bucket, webhook_id));
    }
  };

  const worker = startWorker('deliveries', logger, limits.deliveryPaceTurnMs, async () => {
    for (const queue of queues.values()) startClaimed(queue);
    await poll();
    return claimNext(queues, capacity, deps, startClaimed);
  });

  return {
    wake() {
      pollAtMs = 0;
      worker.wake();
    },
    async stop() {
      isStopping = true;
      await worker.stop();
      await releaseUnstarted(queues, deps);
      // An attempt that its receiver delays for longer is given up: its claim expires, and it is made again.
      await Promise.race([Promise.all(running), sleep(limits.deliveryDrainMs, undefined, { ref: false })]);
      await recorder.drain();
    },
  };
}

async function releaseUnstarted(
  queues: ReadonlyMap<string, EndpointQueue>,
  { logger, pool }: DeliveryDeps,
): Promise<void> {
  const unstarted = [...queues.values()].flatMap(({ claimed }) => claimed);
  if (unstarted.length === 0) return;
  const log = (error: unknown) => logger.warn({ err: error }, 'delivery claims could not be released');
  await releaseClaims(pool, unstarted).catch(log);
}
