import {
  bool,
  identified,
  int2,
  int4,
  int8,
  json,
  owned,
  type RowIn,
  table,
  text,
  timestamptz,
} from './table.ts';

/** Webhooks, and the delivery of events to them. */

export const webhooks = table('webhooks', {
  ...owned,
  url: text().mutable(),
  events: json().mutable(),
  description: text().nullable().mutable(),
  status: text<'active' | 'disabled'>().mutable(),
  secret: text().mutable(),
  deleted_at: timestamptz().nullable().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
  previous_secrets: text().nullable().mutable(),
  previous_secret_expires_at: timestamptz().nullable().mutable(),
  enabled_at: timestamptz().nullable().mutable(),
  disabled_at: timestamptz().nullable().mutable(),
  disabled_reason: text<'requested' | 'gone' | 'failing'>().nullable().mutable(),
  max_concurrency: int2().nullable().mutable(),
  max_per_second: int2().nullable().mutable(),
  event_positions: json(),
  created_by_key_id: text().nullable(),
});
export type WebhookRow = RowIn<typeof webhooks>;

export const webhookCounters = table('webhook_counters', {
  ...identified,
  created: int8().mutable(),
});

export const webhookReplays = table('webhook_replays', {
  ...owned,
  webhook_id: text(),
  event_ids: json().nullable(),
  created_after: timestamptz().nullable(),
  created_before: timestamptz().nullable(),
  status: text<'running' | 'completed'>(),
  position: text().nullable(),
  queued: int4(),
  created_at: timestamptz(),
  completed_at: timestamptz().nullable(),
});
export type WebhookReplayRow = RowIn<typeof webhookReplays>;

export const webhookStates = table(
  'webhook_states',
  {
    bucket: int2(),
    webhook_id: text(),
    failing_since: timestamptz().nullable().mutable(),
    last_failure_at: timestamptz().mutable(),
  },
  'webhook_id',
);

export const fanOutPositions = table(
  'fan_out_positions',
  {
    bucket: int2(),
    environment_id: text(),
    event_seq: int8().mutable(),
  },
  'environment_id',
);

export const deliveryQueue = table(
  'delivery_queue',
  {
    bucket: int2(),
    webhook_id: text(),
    event_id: text(),
    environment_id: text(),
    attempt_number: int2().mutable(),
    next_attempt_at: timestamptz().mutable(),
    claimed_until: timestamptz().nullable().mutable(),
  },
  'event_id',
);
export type DeliveryQueueRow = RowIn<typeof deliveryQueue>;

/** Append-only, but for the sealed response body. */
export const deliveries = table('deliveries', {
  ...owned,
  webhook_id: text(),
  event_id: text(),
  event_type: text(),
  attempt_number: int2(),
  http_status: int2().nullable(),
  success: bool(),
  duration_ms: int4(),
  error: text().nullable(),
  response_body: text().nullable().mutable(),
  next_attempt_at: timestamptz().nullable(),
  created_at: timestamptz(),
});
export type DeliveryRow = RowIn<typeof deliveries>;
