import { setTimeout as sleep } from 'node:timers/promises';
import type { EnvironmentBudgets } from '../http/environment-budgets.ts';
import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { EnvironmentKind } from '../platform/environments.ts';
import type { IdSource } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Metrics } from '../platform/metrics.ts';
import type { Vault } from '../platform/seal.ts';
import { startWorker, type Worker } from '../platform/worker-loop.ts';
import { eventJson, prepareEvents } from '../resources/events/schema.ts';
import { disableWebhook } from '../resources/webhooks/commands.ts';
import type { Pool } from '../store/pool.ts';
import type { Writer } from '../writer/writer.ts';
import { type Attempt, recordAttempts } from './attempts.ts';
import { claimDue, type DueDelivery, dropDue, queuedWebhooks, releaseClaims } from './claims.ts';
import { createDeliveryRoom } from './delivery-capacity.ts';
import { createPace, type Pace } from './pace.ts';
import { loadRecipients, type Recipient } from './recipients.ts';
import { createRecorder } from './recorder.ts';
import { nextAttemptDelayMs } from './retry.ts';
import { signingSecrets } from './secrets.ts';
import type { Sender } from './send.ts';
import { signatureHeaders } from './signature.ts';

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
  readonly senderFor: (kind: EnvironmentKind) => Sender;
  readonly budgets: Pick<EnvironmentBudgets, 'areTestsLimited'>;
}

/** What a process knows of a webhook that it delivers to. */
interface Line {
  readonly bucket: number;
  readonly webhook_id: string;
  readonly pace: Pace;
  /** Claimed, and not on its way yet. */
  ahead: DueDelivery[];
  recipient: Recipient | undefined;
  /** Signs what is sent next; newest first. */
  secrets: readonly string[];
  /** The queue may hold more for it. */
  hasMore: boolean;
}

/** Delivers what is due, signed, with retries. Each webhook has its own line: none waits for another. */
export function startDeliveries(deps: DeliveryDeps): Worker {
  const { clock, logger, pool } = deps;
  const lines = new Map<string, Line>();
  const running = new Set<Promise<void>>();
  const room = createDeliveryRoom(clock, deps.budgets);
  const recorder = createRecorder((attempts) => record(attempts, deps), logger);
  let lookAtMs = 0;
  let isStopping = false;

  /** Sends as much of a line as its pace allows. */
  const sendAhead = (line: Line): void => {
    const nowMs = clock.now();
    for (let free = line.pace.freeNow(nowMs); free > 0 && !isStopping; free -= 1) {
      const due = line.ahead.shift();
      if (!due || !line.recipient) break;
      // Its claim may run out before it has ended: it is left to the next one.
      if (due.startBeforeMs < nowMs) continue;
      line.pace.started(nowMs);
      const { kind } = line.recipient;
      room.started(kind);
      const sent = attempt(due, line.recipient, line.secrets, deps).then((made) => {
        running.delete(sent);
        room.ended(kind);
        line.pace.ended(made?.success ?? false);
        if (made) recorder.add(made);
        // Not at once: undici frees the connection after it has told of the answer.
        setImmediate(() => {
          sendAhead(line);
          if (line.hasMore && line.pace.roomToClaim(clock.now(), line.ahead.length) > 0) worker.wake();
        });
      });
      running.add(sent);
    }
  };

  const look = async (): Promise<void> => {
    if (clock.now() < lookAtMs) return;
    lookAtMs = clock.now() + limits.workerPollMs;
    for (const { bucket, webhook_id } of await queuedWebhooks(pool)) {
      const line = lines.get(webhook_id);
      if (line) line.hasMore = true;
      else {
        const made = { pace: createPace(), ahead: [], recipient: undefined, secrets: [], hasMore: true };
        lines.set(webhook_id, { bucket, webhook_id, ...made });
      }
    }
  };

  /** Claims for the lines that have room. @returns whether anything was claimed */
  const claim = async (): Promise<boolean> => {
    const wanting = [...lines.values()].filter(
      ({ ahead, hasMore, pace, recipient }) =>
        hasMore &&
        pace.roomToClaim(clock.now(), ahead.length) > 0 &&
        (!recipient || room.left(recipient.kind) > 0),
    );
    if (wanting.length === 0) return false;
    const recipients = new Map((await loadRecipients(pool, wanting)).map((one) => [one.id, one]));
    const wishes = [];
    for (const line of wanting) {
      const recipient = recipients.get(line.webhook_id);
      if (!recipient) {
        lines.delete(line.webhook_id);
        continue;
      }
      const nowMs = deps.nowIn(recipient.environment_id);
      if (recipient.status !== 'active' || recipient.deleted_at !== null) {
        line.ahead = [];
        lines.delete(line.webhook_id);
        await dropDue(pool, line.webhook_id, toIsoTime(nowMs));
        continue;
      }
      line.recipient = recipient;
      line.secrets = signingSecrets(recipient, deps.vault, nowMs);
      line.pace.setLimits(recipient.max_concurrency, recipient.max_per_second);
      const { kind } = recipient;
      const most = Math.min(line.pace.roomToClaim(clock.now(), line.ahead.length), room.left(kind));
      const { bucket, webhook_id: webhookId } = line;
      if (most <= 0) continue;
      room.claimed(kind, most);
      wishes.push({ bucket, webhookId, dueBefore: toIsoTime(nowMs), room: most });
    }
    if (wishes.length === 0) return false;
    const claimed = await claimDue(pool, clock.now(), wishes);
    await prepareEvents(
      claimed.map(({ event }) => event),
      deps.vault,
    );
    for (const due of claimed) lines.get(due.webhook_id)?.ahead.push(due);
    for (const { room: most, webhookId } of wishes) {
      const line = lines.get(webhookId);
      if (!line) continue;
      const got = claimed.filter((due) => due.webhook_id === webhookId).length;
      line.hasMore = got === most;
      sendAhead(line);
    }
    return claimed.length > 0;
  };

  const worker = startWorker('deliveries', logger, limits.deliveryPaceTurnMs, async () => {
    for (const line of lines.values()) sendAhead(line);
    await look();
    return claim();
  });

  return {
    wake() {
      lookAtMs = 0;
      worker.wake();
    },
    async stop() {
      isStopping = true;
      await worker.stop();
      const unsent = [...lines.values()].flatMap(({ ahead }) => ahead);
      if (unsent.length > 0) {
        const log = (error: unknown) => logger.warn({ err: error }, 'claims could not be given back');
        await releaseClaims(pool, unsent).catch(log);
      }
      // What a receiver holds up for longer is given up: its claim runs out and the attempt is made again.
      await Promise.race([Promise.all(running), sleep(limits.deliveryDrainMs, undefined, { ref: false })]);
      await recorder.drain();
    },
  };
}

/** Makes an attempt. @returns undefined when it could not even be made: its claim runs out, and it is made again */
async function attempt(
  due: DueDelivery,
  recipient: Recipient,
  secrets: readonly string[],
  deps: DeliveryDeps,
): Promise<Attempt | undefined> {
  if (due.event.environment_id !== recipient.environment_id) {
    const ids = { eventId: due.event_id, webhookId: recipient.id };
    deps.logger.error(ids, 'an event is not delivered: it is of another environment than the webhook');
    return undefined;
  }
  try {
    const result = await deps.senderFor(recipient.kind).send({
      url: recipient.url,
      ...signed(due, secrets, deps),
      timeoutMs: limits.deliveryTimeoutMs,
    });
    const nowMs = deps.nowIn(due.environment_id);
    const isOver = result.success || result.gone;
    const delayMs = isOver
      ? null
      : nextAttemptDelayMs(due.attempt_number, result.retryAfterSeconds, Math.random);
    const nextAttemptAt = delayMs === null ? null : toIsoTime(nowMs + delayMs);
    return { ...result, due, nextAttemptAt, endedAt: toIsoTime(nowMs) };
  } catch (error) {
    deps.logger.error({ err: error, eventId: due.event_id }, 'a delivery could not be made');
    return undefined;
  }
}

/** Records attempts, and disables the webhooks that have had nothing but failure for too long, or want no more. */
async function record(attempts: readonly Attempt[], deps: DeliveryDeps): Promise<void> {
  const { ids, logger, metrics, pool, vault, writer } = deps;
  const failing = await recordAttempts(pool, ids, vault, attempts);
  const successes = attempts.filter(({ success }) => success).length;
  if (successes > 0) metrics.deliveries.inc({ result: 'success' }, successes);
  if (successes < attempts.length) metrics.deliveries.inc({ result: 'failure' }, attempts.length - successes);
  const gone = attempts.filter(({ httpStatus }) => httpStatus === 410);
  const given = new Map(attempts.map(({ due }) => [due.webhook_id, due.environment_id]));
  for (const { due, endedAt } of gone) {
    await writer.submit(disableWebhook(due.environment_id, due.webhook_id, 'gone', endedAt));
    logger.warn({ webhookId: due.webhook_id }, 'a webhook was disabled: its receiver answered 410');
  }
  for (const { failing_since, last_failure_at, webhook_id } of failing) {
    if (Date.parse(last_failure_at) - Date.parse(failing_since) < limits.webhookFailingMs) continue;
    await writer.submit(disableWebhook(given.get(webhook_id) ?? '', webhook_id, 'failing', failing_since));
    logger.warn({ webhookId: webhook_id }, 'a webhook was disabled: nothing but failure for too long');
  }
}

/** The body of a delivery and its signature headers. */
function signed(
  { event }: DueDelivery,
  secrets: readonly string[],
  { clock, vault }: DeliveryDeps,
): { body: string; headers: Record<string, string> } {
  const body = eventJson(event, vault);
  const timestampSeconds = Math.floor(clock.now() / 1000);
  const headers = signatureHeaders({
    eventId: event.id,
    eventType: event.type,
    rawBody: body,
    secrets,
    timestampSeconds,
  });
  return { body, headers };
}
