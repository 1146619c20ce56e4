import { setTimeout as sleep } from 'node:timers/promises';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Vault } from '../platform/seal.ts';
import { eventJson } from '../resources/events/schema.ts';
import { updateWebhook } from '../resources/webhooks/commands.ts';
import type { Pool } from '../store/pool.ts';
import { recordAttempt } from '../webhooks/attempts.ts';
import { claimDue, type DueDelivery } from '../webhooks/claims.ts';
import { fanOut } from '../webhooks/fan-out.ts';
import { nextAttemptDelayMs } from '../webhooks/retry.ts';
import { webhookSecretContext } from '../webhooks/seal-contexts.ts';
import type { Sender } from '../webhooks/send.ts';
import { signatureHeaders } from '../webhooks/signature.ts';
import type { Writer } from '../writer/writer.ts';
import { startWorker, type Worker } from './loop.ts';

export interface DeliveryDeps {
  readonly pool: Pool;
  readonly clock: Clock;
  /** The time in an environment, in milliseconds since the Unix epoch. */
  readonly nowIn: (environmentId: string) => number;
  readonly ids: IdSource;
  readonly vault: Vault;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly writer: Writer;
  /** Sends for an environment of this kind: they differ in what may be reached. */
  readonly senderFor: (kind: 'test' | 'live') => Sender;
}

/** Hands events out to webhooks and delivers them, signed, with retries. */
export function startDeliveries(deps: DeliveryDeps): Worker {
  const running = new Set<Promise<void>>();
  const onTheirWay = new Map<string, number>();
  const count = (webhookId: string, change: 1 | -1): void => {
    const left = (onTheirWay.get(webhookId) ?? 0) + change;
    if (left === 0) onTheirWay.delete(webhookId);
    else onTheirWay.set(webhookId, left);
  };
  const busy = (): string[] =>
    [...onTheirWay].flatMap(([id, sent]) => (sent >= limits.deliveryConcurrencyPerWebhook ? [id] : []));

  const worker = startWorker('deliveries', deps.logger, limits.workerPollMs, async () => {
    const handedOut = await fanOut(deps.pool, toIsoTime(deps.clock.now()));
    const room = limits.deliveryConcurrency - running.size;
    const due = room > 0 ? await claimDue(deps.pool, deps.clock.now(), room, busy()) : [];
    for (const delivery of due) {
      count(delivery.webhook_id, 1);
      const attempt = attemptDelivery(delivery, deps).finally(() => {
        running.delete(attempt);
        count(delivery.webhook_id, -1);
        worker.wake();
      });
      running.add(attempt);
    }
    return handedOut > 0 && running.size < limits.deliveryConcurrency;
  });

  return {
    wake: worker.wake,
    async stop() {
      await worker.stop();
      // What a receiver holds up for longer is given up: its claim runs out and the attempt is made again.
      await Promise.race([Promise.all(running), sleep(limits.deliveryDrainMs, undefined, { ref: false })]);
    },
  };
}

async function attemptDelivery(due: DueDelivery, deps: DeliveryDeps): Promise<void> {
  try {
    const result = await deps.senderFor(due.kind).send({
      url: due.url,
      ...signed(due, deps),
      timeoutMs: limits.deliveryTimeoutMs,
    });
    deps.metrics.deliveries.inc({ result: result.success ? 'success' : 'failure' });
    const nowMs = deps.nowIn(due.environment_id);
    const isOver = result.success || result.gone;
    const delayMs = isOver
      ? null
      : nextAttemptDelayMs(due.attempt_number, result.retryAfterSeconds, Math.random);
    const next = delayMs === null ? null : toIsoTime(nowMs + delayMs);
    await recordAttempt(deps.pool, deps.ids, deps.vault, due, result, next, toIsoTime(nowMs));
    if (result.gone) {
      await deps.writer.submit(updateWebhook(due.environment_id, due.webhook_id, { status: 'disabled' }));
    }
  } catch (error) {
    // The claim runs out and the attempt is made again.
    deps.logger.error({ err: error, eventId: due.event_id }, 'a delivery could not be recorded');
  }
}

/** The body of a delivery and its signature headers. */
function signed(
  due: DueDelivery,
  { clock, vault }: DeliveryDeps,
): { body: string; headers: Record<string, string> } {
  const { event_created_at: created_at, event_data: data, event_id: id, event_type: type } = due;
  const body = eventJson({ id, type, created_at, data }, vault);
  const secret = vault.open(due.sealed_secret, webhookSecretContext(due.webhook_id));
  const timestampSeconds = Math.floor(clock.now() / 1000);
  const headers = signatureHeaders({
    eventId: id,
    eventType: type,
    rawBody: body,
    secrets: [secret],
    timestampSeconds,
  });
  return { body, headers };
}
