import { type Clock, toIsoTime } from '../platform/clock.ts';
import type { EnvironmentKind } from '../platform/environments.ts';
import { limits } from '../platform/limits.ts';
import type { Logger } from '../platform/logger.ts';
import type { Vault } from '../platform/seal.ts';
import { eventJson } from '../resources/events/schema.ts';
import type { Attempt } from './attempts.ts';
import type { DueDelivery } from './claims.ts';
import type { Recipient } from './recipients.ts';
import { nextAttemptDelayMs } from './retry.ts';
import type { Sender } from './send.ts';
import { signatureHeaders } from './signature.ts';

export interface AttemptDeps {
  readonly clock: Clock;
  /** The time in an environment, in milliseconds since the Unix epoch. */
  readonly nowIn: (environmentId: string) => number;
  readonly vault: Vault;
  readonly logger: Logger;
  /** The sender of an environment kind: the kinds differ in the addresses that may be reached. */
  readonly senderFor: (kind: EnvironmentKind) => Sender;
}

/** Makes an attempt. @returns undefined if it could not be made: its claim expires, and it is made again */
export async function makeAttempt(
  due: DueDelivery,
  recipient: Recipient,
  secrets: readonly string[],
  deps: AttemptDeps,
): Promise<Attempt | undefined> {
  if (due.event.environment_id !== recipient.environment_id) {
    const ids = { eventId: due.event_id, webhookId: recipient.id };
    deps.logger.error(ids, 'an event was not delivered: it belongs to another environment than the webhook');
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
    deps.logger.error({ err: error, eventId: due.event_id }, 'a delivery attempt failed before it was sent');
    return undefined;
  }
}

/** The body of a delivery and its signature headers. */
function signed(
  { event }: DueDelivery,
  secrets: readonly string[],
  { clock, vault }: AttemptDeps,
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
