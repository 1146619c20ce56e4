import { notFound } from '../../platform/errors.ts';
import { bucketOfId, bucketOfText } from '../../platform/ids.ts';
import type { WebhookRow } from '../../store/rows.ts';
import { webhookSecretContext } from '../../webhooks/seal-contexts.ts';
import type { Command, DecideContext, Decision, State } from '../../writer/command.ts';
import {
  type CreateWebhookBody,
  deletedJson,
  type TestWebhookBody,
  testJson,
  type UpdateWebhookBody,
  webhookJson,
} from './schema.ts';

/**
 * Creates a webhook. Its URL has been checked.
 *
 * @param secret the new signing secret; this answer is the only one that shows it
 */
export function createWebhook(
  environmentId: string,
  body: CreateWebhookBody,
  secret: string,
  idempotencyKey: string | undefined,
  randomBucket: number,
): Command<string> {
  return {
    name: 'create_webhook',
    environmentId,
    bucket: idempotencyKey === undefined ? randomBucket : bucketOfText(idempotencyKey),
    reads: () => [],
    decide(_state, context) {
      const id = context.newId('whk');
      const row: WebhookRow = {
        bucket: context.bucket,
        id,
        environment_id: environmentId,
        url: body.url,
        events: JSON.stringify(body.events),
        description: body.description ?? null,
        status: 'active',
        secret: context.vault.seal(secret, webhookSecretContext(id)),
        deleted_at: null,
        created_at: context.now,
        updated_at: context.now,
      };
      return { result: webhookJson(row, secret), writes: [{ table: 'webhooks', row }] };
    },
  };
}

/** A command about one webhook of the environment. */
function onWebhook(
  name: string,
  environmentId: string,
  id: string,
  decide: (row: WebhookRow, context: DecideContext) => Decision<string>,
): Command<string> {
  const bucket = bucketOfId(id);
  return {
    name,
    environmentId,
    bucket,
    reads: () => [{ table: 'webhooks', bucket, id }],
    decide(state: State, context) {
      const row = state.get('webhooks', id);
      if (row?.environment_id !== environmentId || row.deleted_at !== null)
        return { refusal: notFound('webhook') };
      return decide(row, context);
    },
  };
}

/** Changes a webhook. A new URL has been checked. */
export function updateWebhook(environmentId: string, id: string, body: UpdateWebhookBody): Command<string> {
  return onWebhook('update_webhook', environmentId, id, (row, context) => {
    const next: WebhookRow = {
      ...row,
      url: body.url ?? row.url,
      events: body.events === undefined ? row.events : JSON.stringify(body.events),
      description: body.description ?? row.description,
      status: body.status ?? row.status,
      updated_at: context.now,
    };
    return { result: webhookJson(next), writes: [{ table: 'webhooks', row: next }] };
  });
}

/** Deletes a webhook: it is shown no more and receives nothing more. */
export function deleteWebhook(environmentId: string, id: string): Command<string> {
  return onWebhook('delete_webhook', environmentId, id, (row, context) => {
    const next: WebhookRow = { ...row, status: 'disabled', deleted_at: context.now, updated_at: context.now };
    return { result: deletedJson({ id, deleted: true }), writes: [{ table: 'webhooks', row: next }] };
  });
}

/** Writes a test event that only this webhook receives, whatever it has subscribed to. */
export function testWebhook(environmentId: string, id: string, body: TestWebhookBody): Command<string> {
  return onWebhook('test_webhook', environmentId, id, (row, context) => {
    const eventId = context.newId('evt');
    const data = JSON.stringify(body.data ?? { webhookId: row.id });
    return {
      result: testJson({ eventId }),
      events: [{ id: eventId, type: 'webhook.test', objectId: row.id, customerId: null, data }],
    };
  });
}
