import Type, { type Static } from 'typebox';
import { eventTypes, typePatterns } from '../../events/types.ts';
import { nullableText, nullableTime, oneOf, time } from '../../http/schema.ts';
import { compileSerialiser } from '../../http/serialise.ts';
import { limits } from '../../platform/limits.ts';
import { unlessErased, type Vault } from '../../platform/seal.ts';
import type { DeliveryRow, WebhookReplayRow, WebhookRow } from '../../store/tables/webhooks.ts';
import { responseBodyContext } from '../../webhooks/seal-contexts.ts';

const url = Type.String({
  minLength: 1,
  maxLength: limits.urlLength,
  description: 'Where events are posted to',
});
const events = Type.Array(oneOf(['*', ...typePatterns, ...eventTypes]), {
  minItems: 1,
  maxItems: limits.webhookEvents,
  uniqueItems: true,
  description: 'Names of events, patterns such as `customer.*`, or `["*"]` for all of them',
});
const maxConcurrency = Type.Optional(
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: 1,
    maximum: limits.webhookConcurrencyMax,
    description:
      'How many deliveries are on their way to it concurrently, from each server; null for the server’s choice',
  }),
);
const maxPerSecond = Type.Optional(
  Type.Unsafe<number | null>({
    type: ['integer', 'null'],
    minimum: 1,
    maximum: limits.webhookPerSecondMax,
    description: 'How many deliveries start in a second, from each server; null for no limit',
  }),
);
const description = Type.String({ maxLength: limits.shortTextLength });
export const webhookStatuses = ['active', 'disabled'] as const;

export const CreateWebhookBody = Type.Object({
  url,
  events,
  description: Type.Optional(description),
  maxConcurrency,
  maxPerSecond,
});
export type CreateWebhookBody = Static<typeof CreateWebhookBody>;

export const UpdateWebhookBody = Type.Object({
  url: Type.Optional(url),
  events: Type.Optional(events),
  description: Type.Optional(description),
  status: Type.Optional(oneOf(webhookStatuses)),
  maxConcurrency,
  maxPerSecond,
});
export type UpdateWebhookBody = Static<typeof UpdateWebhookBody>;

export const TestWebhookBody = Type.Object({
  data: Type.Optional(
    Type.Unsafe<object>({
      type: 'object',
      maxProperties: limits.testEventDataFields,
      description: 'The `data` of the test event',
      additionalProperties: true,
    }),
  ),
});
export type TestWebhookBody = Static<typeof TestWebhookBody>;

export const RotateSecretBody = Type.Object({
  overlapSeconds: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: limits.secretOverlapSeconds,
      default: limits.secretOverlapSeconds,
      description: 'How long the secrets before stay valid; 0 when they have leaked',
    }),
  ),
});
export type RotateSecretBody = Static<typeof RotateSecretBody>;

export const ReplayBody = Type.Object(
  {
    eventIds: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: limits.shortTextLength }), {
        minItems: 1,
        maxItems: limits.replayEventIds,
        uniqueItems: true,
        description: 'These events, whatever the webhook has chosen',
      }),
    ),
    createdAfter: Type.Optional(time('The chosen events that were created at or after this time')),
    createdBefore: Type.Optional(time('… and before this time; now when left out')),
  },
  { examples: [{ createdAfter: '2025-01-15T11:00:00.000Z' }] },
);
export type ReplayBody = Static<typeof ReplayBody>;

export const replayStatuses = ['running', 'completed'] as const;

export const WebhookReplay = Type.Object({
  id: Type.String(),
  webhookId: Type.String(),
  status: oneOf(replayStatuses),
  eventIds: Type.Unsafe<string[] | null>({ type: ['array', 'null'], items: { type: 'string' } }),
  createdAfter: nullableTime(),
  createdBefore: nullableTime(),
  queued: Type.Integer({ description: 'How many events have been put in the queue so far' }),
  createdAt: time(),
  completedAt: nullableTime('When everything had been put in the queue'),
});

export const disabledReasons = ['requested', 'gone', 'failing'] as const;

export const Webhook = Type.Object({
  id: Type.String(),
  url: Type.String(),
  events: Type.Array(Type.String()),
  description: nullableText(),
  status: oneOf(webhookStatuses),
  secret: Type.Optional(
    Type.String({ description: 'Signs the deliveries; only in the answers that create or rotate it' }),
  ),
  disabledReason: Type.Unsafe<(typeof disabledReasons)[number] | null>({
    type: ['string', 'null'],
    enum: [...disabledReasons, null],
    description:
      '`requested` by you; `gone`: the receiver answered 410; `failing`: nothing but failure for five days',
  }),
  disabledAt: nullableTime(),
  previousSecretExpiresAt: nullableTime('Until when deliveries are also signed with the secret before'),
  maxConcurrency: nullableInteger('Deliveries on their way to it concurrently, from each server'),
  maxPerSecond: nullableInteger('Deliveries that start in a second, from each server'),
  createdByKeyId: nullableText('The API key that created it; null when that was not recorded'),
  createdAt: time(),
  updatedAt: time(),
});

function nullableInteger(description: string) {
  return Type.Unsafe<number | null>({ type: ['integer', 'null'], description });
}

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
const serialiseReplay = compileSerialiser<Static<typeof WebhookReplay>>(WebhookReplay);
const serialiseDelivery = compileSerialiser<Static<typeof WebhookDelivery>>(WebhookDelivery);
export const deletedJson = compileSerialiser<Static<typeof DeletedWebhook>>(DeletedWebhook);
export const testJson = compileSerialiser<Static<typeof WebhookTest>>(WebhookTest);

/** The JSON text of a webhook. @param secret only of a new secret */
export function webhookJson(row: WebhookRow, secret?: string): string {
  return serialiseWebhook({
    id: row.id,
    url: row.url,
    events: JSON.parse(row.events),
    description: row.description,
    status: row.status,
    ...(secret === undefined ? {} : { secret }),
    disabledReason: row.disabled_reason,
    disabledAt: row.disabled_at,
    previousSecretExpiresAt: row.previous_secret_expires_at,
    maxConcurrency: row.max_concurrency,
    maxPerSecond: row.max_per_second,
    createdByKeyId: row.created_by_key_id,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

/** The JSON text of a replay. */
export function replayJson(row: WebhookReplayRow): string {
  return serialiseReplay({
    id: row.id,
    webhookId: row.webhook_id,
    status: row.status,
    eventIds: row.event_ids === null ? null : JSON.parse(row.event_ids),
    createdAfter: row.created_after,
    createdBefore: row.created_before,
    queued: row.queued,
    createdAt: row.created_at,
    completedAt: row.completed_at,
  });
}

/** The JSON text of a delivery attempt. */
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
    responseBody:
      answer === null ? null : unlessErased(() => vault.open(answer, responseBodyContext(row.id)), null),
    nextAttemptAt: row.next_attempt_at,
    createdAt: row.created_at,
  });
}
