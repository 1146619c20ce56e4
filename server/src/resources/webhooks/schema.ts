import Type, { type Static } from 'typebox';
import { nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import type { DeliveryRow, WebhookRow } from '../../store/rows.ts';
import { responseBodyContext } from '../../webhooks/seal-contexts.ts';
import { eventTypes } from '../events/types.ts';

const url = Type.String({
  minLength: 1,
  maxLength: limits.urlLength,
  description: 'Where events are posted to',
});
const events = Type.Array(oneOf(['*', ...eventTypes]), {
  minItems: 1,
  maxItems: limits.webhookEvents,
  uniqueItems: true,
  description: 'Names of events, or `["*"]` for all of them',
});
const description = Type.String({ maxLength: limits.shortTextLength });
export const webhookStatuses = ['active', 'disabled'] as const;

export const CreateWebhookBody = Type.Object({ url, events, description: Type.Optional(description) });
export type CreateWebhookBody = Static<typeof CreateWebhookBody>;

export const UpdateWebhookBody = Type.Object({
  url: Type.Optional(url),
  events: Type.Optional(events),
  description: Type.Optional(description),
  status: Type.Optional(oneOf(webhookStatuses)),
});
export type UpdateWebhookBody = Static<typeof UpdateWebhookBody>;

export const TestWebhookBody = Type.Object({
  data: Type.Optional(
    Type.Unsafe<object>({
      type: 'object',
      description: 'The `data` of the test event',
      additionalProperties: true,
    }),
  ),
});
export type TestWebhookBody = Static<typeof TestWebhookBody>;

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String(),
  events: Type.Array(Type.String()),
  description: nullableText(),
  status: oneOf(webhookStatuses),
  secret: Type.Optional(
    Type.String({ description: 'Signs the deliveries; only in the answer that creates it' }),
  ),
  createdAt: time(),
  updatedAt: time(),
});

export const DeletedWebhook = Type.Object({
  id: Type.String(),
  deleted: Type.Unsafe<true>({ type: 'boolean', enum: [true] }),
});

export const WebhookTest = Type.Object({ eventId: Type.String() });

export const WebhookDelivery = Type.Object({
  id: Type.String(),
  webhookId: Type.String(),
  eventId: Type.String(),
  event: Type.String(),
  httpStatus: Type.Unsafe<number | null>({ type: ['integer', 'null'] }),
  success: Type.Boolean(),
  attemptNumber: Type.Integer(),
  durationMs: Type.Integer(),
  error: nullableText('Why it failed'),
  responseBody: nullableText('The first 1 KiB of what the receiver answered'),
  nextAttemptAt: nullableTime('When it is tried again; null when it is not'),
  createdAt: time(),
});

const serialiseWebhook = compileSerialiser<Static<typeof Webhook>>(Webhook);
const serialiseDelivery = compileSerialiser<Static<typeof WebhookDelivery>>(WebhookDelivery);
export const deletedJson = compileSerialiser<Static<typeof DeletedWebhook>>(DeletedWebhook);
export const testJson = compileSerialiser<Static<typeof WebhookTest>>(WebhookTest);

/** A webhook as the API shows it, as JSON text. @param secret only when it has just been made */
export function webhookJson(row: WebhookRow, secret?: string): string {
  return serialiseWebhook({
    id: row.id,
    url: row.url,
    events: JSON.parse(row.events),
    description: row.description,
    status: row.status,
    ...(secret === undefined ? {} : { secret }),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

/** An attempt to deliver as the API shows it, as JSON text. */
export function deliveryJson(row: DeliveryRow, vault: Vault): string {
  const answer = row.response_body;
  return serialiseDelivery({
    id: row.id,
    webhookId: row.webhook_id,
    eventId: row.event_id,
    event: row.event_type,
    httpStatus: row.http_status,
    success: row.success,
    attemptNumber: row.attempt_number,
    durationMs: row.duration_ms,
    error: row.error,
    responseBody: answer === null ? null : vault.open(answer, responseBodyContext(row.id)),
    nextAttemptAt: row.next_attempt_at,
    createdAt: row.created_at,
  });
}
