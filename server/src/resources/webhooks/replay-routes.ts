import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { validationFailed } from '../../http/validate.ts';
import { toIsoTime } from '../../platform/clock.ts';
import { ApiError, type FaultDetail, notFound } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Db } from '../../store/database.ts';
import { createdSpan, pageOf } from '../paging.ts';
import { replayWebhook } from './commands.ts';
import { eventsForWebhook, findDelivery, listReplays, requireWebhook } from './queries.ts';
import { ReplayBody, replayJson, WebhookReplay } from './schema.ts';

interface Deps {
  readonly db: Db;
  /** The time in an environment, in milliseconds since the Unix epoch. */
  readonly nowIn: (environmentId: string) => number;
}

const tag = 'Webhooks';
const data = { name: 'WebhookReplay', schema: WebhookReplay };
const params = { webhookId: 'The webhook ID' };

export function replayRoute({ db, nowIn }: Deps): Route {
  return writeRoute<ReplayBody>({
    method: 'POST',
    path: '/v1/webhooks/{webhookId}/replay',
    operationId: 'replayWebhook',
    tag,
    summary: 'Send events again',
    description:
      'Sends events to the webhook again, or for the first time: those named, or those of a time span that it has chosen, from before its creation too. They are put in the queue after this answer.',
    access: 'key',
    params,
    body: ReplayBody,
    // Ids need no JSON escapes.
    bodyBytes: limits.bodyBytes,
    faults: replayFaults,
    okDescription: 'Replay started',
    data,
    errors: ['NOT_FOUND'],
    async write(context) {
      const { body, caller } = context;
      const { id } = caller.environment;
      const webhook = await requireWebhook(db, context);
      if (body.eventIds) {
        const known = await eventsForWebhook(db, id, webhook.id, body.eventIds);
        const missing = body.eventIds.flatMap((eventId, index): FaultDetail[] =>
          known.has(eventId)
            ? []
            : [{ path: `/eventIds/${index}`, message: 'It must be an event of this environment.' }],
        );
        if (missing.length > 0) throw new ApiError(validationFailed(missing));
        const event_ids = JSON.stringify(body.eventIds);
        return replayWebhook(id, webhook.id, { event_ids, created_after: null, created_before: null });
      }
      const { createdAfter = '', createdBefore = toIsoTime(nowIn(id)) } = spanOf(body);
      const span = { created_after: createdAfter, created_before: createdBefore };
      return replayWebhook(id, webhook.id, { event_ids: null, ...span });
    },
  });
}

function spanOf({ createdAfter, createdBefore }: ReplayBody) {
  return createdSpan({
    ...(createdAfter === undefined ? {} : { createdAfter }),
    ...(createdBefore === undefined ? {} : { createdBefore }),
  });
}

/** Faults that the schema cannot express: a replay is by ids or by a time span. */
function replayFaults(body: unknown): FaultDetail[] {
  // The schema reports a body that is not an object.
  if (typeof body !== 'object' || body === null) return [];
  const given = body as Readonly<Record<string, unknown>>;
  const hasSpan = 'createdAfter' in given || 'createdBefore' in given;
  if ('eventIds' in given === hasSpan) {
    return [
      {
        path: '',
        message:
          'Either `eventIds` or `createdAfter` must be given; `createdBefore` may follow `createdAfter`.',
      },
    ];
  }
  if (hasSpan && !('createdAfter' in given))
    return [{ path: '/createdAfter', message: 'This field is required.' }];
  return [];
}

export function replaysRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/webhooks/{webhookId}/replays',
    operationId: 'listWebhookReplays',
    tag,
    summary: 'List replays',
    description: 'Returns the replays of this webhook, newest first.',
    access: 'key',
    params,
    list: true,
    okDescription: 'A page of replays',
    data,
    errors: ['NOT_FOUND'],
    async read(context) {
      const { id } = await requireWebhook(db, context);
      return listReplays(db, id, pageOf(context.query), replayJson);
    },
  };
}

export function resendRoute({ db }: Deps): Route {
  return writeRoute({
    method: 'POST',
    path: '/v1/webhooks/{webhookId}/deliveries/{deliveryId}/resend',
    operationId: 'resendWebhookDelivery',
    tag,
    summary: 'Send a delivery again',
    description: 'Sends the event of this delivery again, now, whatever came of it.',
    access: 'key',
    params: { ...params, deliveryId: 'The delivery ID' },
    okDescription: 'Replay of the one event',
    data,
    errors: ['NOT_FOUND'],
    async write(context) {
      const webhook = await requireWebhook(db, context);
      const delivery = await findDelivery(db, webhook.id, context.params.deliveryId ?? '');
      if (!delivery) throw new ApiError(notFound('delivery'));
      const event_ids = JSON.stringify([delivery.event_id]);
      const what = { event_ids, created_after: null, created_before: null };
      return replayWebhook(webhook.environment_id, webhook.id, what);
    },
  });
}
