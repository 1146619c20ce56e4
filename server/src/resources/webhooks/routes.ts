import Type from 'typebox';
import type { Caller } from '../../http/auth.ts';
import { type ReadRoute, type Route, writeRoute } from '../../http/route.ts';
import { oneOf } from '../../http/schema.ts';
import { validationFailed } from '../../http/validate.ts';
import { ApiError, invalidRequest } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import type { Pool } from '../../store/pool.ts';
import { newWebhookSecret } from '../../webhooks/signature.ts';
import { checkWebhookUrl, type TargetPolicy } from '../../webhooks/targets.ts';
import { endOfEvents } from '../events/queries.ts';
import { pageOf } from '../paging.ts';
import { createWebhook, deleteWebhook, rotateSecret, testWebhook, updateWebhook } from './commands.ts';
import { countDeletedWebhooks, listDeliveries, listWebhooks, requireWebhook } from './queries.ts';
import { replayRoute, replaysRoute, resendRoute } from './replay-routes.ts';
import {
  CreateWebhookBody,
  DeletedWebhook,
  deliveryJson,
  RotateSecretBody,
  TestWebhookBody,
  UpdateWebhookBody,
  Webhook,
  WebhookDelivery,
  WebhookTest,
  webhookJson,
} from './schema.ts';

interface Deps {
  readonly db: Db;
  readonly pool: Pool;
  readonly vault: Vault;
  readonly randomBucket: () => number;
  /** The time in an environment, in milliseconds since the Unix epoch. */
  readonly nowIn: (environmentId: string) => number;
  /** The targets that webhooks of an environment kind may have. */
  readonly policyFor: (kind: Caller['environment']['kind']) => TargetPolicy;
}

const tag = 'Webhooks';
const data = { name: 'Webhook', schema: Webhook };
const params = { webhookId: 'The webhook ID' };

export function webhookRoutes(deps: Deps): Route[] {
  return [
    createRoute(deps),
    listRoute(deps),
    getRoute(deps),
    updateRoute(deps),
    deleteRoute(),
    testRoute(),
    deliveriesRoute(deps),
    rotateRoute(),
    replayRoute(deps),
    replaysRoute(deps),
    resendRoute(deps),
  ];
}

function createRoute(deps: Deps): Route {
  return writeRoute<CreateWebhookBody>({
    method: 'POST',
    path: '/v1/webhooks',
    operationId: 'createWebhook',
    tag,
    summary: 'Create a webhook',
    description: 'Events are posted to its URL, signed with `secret`, which only this answer shows.',
    access: 'key',
    body: CreateWebhookBody,
    okDescription: 'Webhook created',
    data,
    sensitive: true,
    async write({ body, caller }) {
      const { id, kind } = caller.environment;
      assertTarget(body.url, deps.policyFor(kind));
      const positions = await endOfEvents(deps.pool, id);
      const deleted = await countDeletedWebhooks(deps.db, id);
      const owner = { environmentId: id, keyId: caller.keyId };
      return createWebhook(owner, body, newWebhookSecret(), positions, deleted, deps.randomBucket());
    },
  });
}

function assertTarget(url: string, policy: TargetPolicy): void {
  const checked = checkWebhookUrl(url, policy);
  if (checked.ok) return;
  throw new ApiError(
    invalidRequest('invalid_webhook_url', checked.fault, [{ path: '/url', message: checked.fault }]),
  );
}

function listRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/webhooks',
    operationId: 'listWebhooks',
    tag,
    summary: 'List webhooks',
    description: 'Returns your webhooks, newest first.',
    access: 'key',
    list: true,
    okDescription: 'A page of webhooks',
    data,
    read: ({ caller, query }) =>
      listWebhooks(db, caller.environment.id, pageOf(query), (row) => webhookJson(row)),
  };
}

function getRoute({ db }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/webhooks/{webhookId}',
    operationId: 'getWebhook',
    tag,
    summary: 'Get a webhook',
    description: 'Returns one webhook.',
    access: 'key',
    params,
    okDescription: 'The webhook',
    data,
    errors: ['NOT_FOUND'],
    read: async (context) => webhookJson(await requireWebhook(db, context)),
  };
}

function updateRoute({ policyFor }: Deps): Route {
  return writeRoute<UpdateWebhookBody>({
    method: 'PATCH',
    path: '/v1/webhooks/{webhookId}',
    operationId: 'updateWebhook',
    tag,
    summary: 'Change a webhook',
    description:
      'Changes its URL, its events, its limits or its status. A disabled webhook misses what happens meanwhile; a replay brings it.',
    access: 'key',
    params,
    body: UpdateWebhookBody,
    okDescription: 'The webhook',
    data,
    errors: ['NOT_FOUND'],
    write({ body, caller, params: { webhookId = '' } }) {
      if (body.url !== undefined) assertTarget(body.url, policyFor(caller.environment.kind));
      return updateWebhook(caller.environment.id, webhookId, body);
    },
  });
}

function deleteRoute(): Route {
  return writeRoute({
    method: 'DELETE',
    path: '/v1/webhooks/{webhookId}',
    operationId: 'deleteWebhook',
    tag,
    summary: 'Delete a webhook',
    description: 'It receives nothing more, not even what is still on its way.',
    access: 'key',
    params,
    okDescription: 'Webhook deleted',
    data: { name: 'DeletedWebhook', schema: DeletedWebhook },
    errors: ['NOT_FOUND'],
    write: ({ caller, params: { webhookId = '' } }) => deleteWebhook(caller.environment.id, webhookId),
  });
}

function testRoute(): Route {
  return writeRoute<TestWebhookBody>({
    method: 'POST',
    path: '/v1/webhooks/{webhookId}/test',
    operationId: 'testWebhook',
    tag,
    summary: 'Send a test event',
    description: 'Sends a `webhook.test` event to this webhook, whatever events it has chosen.',
    access: 'key',
    params,
    body: TestWebhookBody,
    bodyOptional: true,
    // Every character may be escaped.
    bodyBytes: 6 * limits.testEventDataBytes,
    okDescription: 'Test event written',
    data: { name: 'WebhookTest', schema: WebhookTest },
    errors: ['NOT_FOUND'],
    write({ body, caller, params: { webhookId = '' } }) {
      if (JSON.stringify(body).length > limits.testEventDataBytes) {
        const message = `\`data\` must have at most ${limits.testEventDataBytes} characters of JSON.`;
        throw new ApiError(validationFailed([{ path: '/data', message }]));
      }
      return testWebhook(caller.environment.id, webhookId, body);
    },
  });
}

function rotateRoute(): Route {
  return writeRoute<RotateSecretBody>({
    method: 'POST',
    path: '/v1/webhooks/{webhookId}/rotate-secret',
    operationId: 'rotateWebhookSecret',
    tag,
    summary: 'Rotate the secret',
    description:
      'Gives the webhook a new `secret`, which only this answer shows. The one before stays valid for 24 hours, or `overlapSeconds`: meanwhile deliveries are signed with both.',
    access: 'key',
    params,
    body: RotateSecretBody,
    bodyOptional: true,
    okDescription: 'The webhook with its new secret',
    data,
    errors: ['NOT_FOUND'],
    sensitive: true,
    write({ body, caller, params: { webhookId = '' } }) {
      const { overlapSeconds = limits.secretOverlapSeconds } = body;
      return rotateSecret(caller.environment.id, webhookId, newWebhookSecret(), overlapSeconds);
    },
  });
}

function deliveriesRoute({ db, vault }: Deps): ReadRoute {
  return {
    method: 'GET',
    path: '/v1/webhooks/{webhookId}/deliveries',
    operationId: 'listWebhookDeliveries',
    tag,
    summary: 'List deliveries',
    description: 'Returns every attempt to deliver an event to this webhook, newest first.',
    access: 'key',
    params,
    list: true,
    query: Type.Object({
      eventId: Type.Optional(Type.String({ description: 'Only attempts to deliver this event' })),
      success: Type.Optional(oneOf(['true', 'false'], 'Only those that succeeded, or those that failed')),
    }),
    okDescription: 'A page of deliveries',
    data: { name: 'WebhookDelivery', schema: WebhookDelivery },
    errors: ['NOT_FOUND'],
    async read(context) {
      const { id } = await requireWebhook(db, context);
      return listDeliveries(db, id, context.query, pageOf(context.query), vault, (row) =>
        deliveryJson(row, vault),
      );
    },
  };
}
