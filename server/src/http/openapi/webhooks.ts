import { limits } from '../../platform/limits.ts';
import { type DescribedEvent, eventSchemaName } from '../event.ts';

type Json = Record<string, unknown>;

const headers: readonly (readonly [string, string])[] = [
  ['X-Ledger-Event-Id', 'The event’s `id`'],
  ['X-Ledger-Event-Type', 'The event’s `type`'],
  [
    'X-Ledger-Signature',
    '`t=<unix seconds>,v1=<hex HMAC-SHA-256 of "t.body">`, one `v1` for each valid secret',
  ],
  ['webhook-id', 'The event’s `id` (Standard Webhooks)'],
  ['webhook-timestamp', 'Unix seconds (Standard Webhooks)'],
  [
    'webhook-signature',
    '`v1,<base64 HMAC-SHA-256 of "id.timestamp.body">`, one for each valid secret (Standard Webhooks)',
  ],
];

/** The section `webhooks` of the OpenAPI document: what a receiver is posted, by the type of the event. */
export function webhookOperations(events: readonly DescribedEvent[]): Json {
  return Object.fromEntries(events.map((event) => [event.type, { post: operation(event) }]));
}

function operation({ description, example, type }: DescribedEvent): Json {
  const name = eventSchemaName(type);
  return {
    tags: ['Webhooks'],
    summary: type,
    description,
    operationId: `on${name}`,
    security: [],
    parameters: headers.map(([header]) => ({ $ref: `#/components/parameters/${header}` })),
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: `#/components/schemas/${name}` }, example } },
    },
    responses: {
      '2XX': {
        description: `Any 2xx status within ${limits.deliveryTimeoutMs / 1000} seconds says that it has arrived`,
      },
    },
  };
}

/** What those operations refer to. */
export function webhookParameters(): Json {
  return Object.fromEntries(
    headers.map(([name, description]) => [
      name,
      { name, in: 'header', required: true, description, schema: { type: 'string' } },
    ]),
  );
}
