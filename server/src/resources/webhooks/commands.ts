import { conflict, notFound, type Refusal } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import { limits } from '../../platform/limits.ts';
import type { WebhookReplayRow, WebhookRow } from '../../store/tables/webhooks.ts';
import { webhookSecretContext } from '../../webhooks/seal-contexts.ts';
import { replaceSecret } from '../../webhooks/secrets.ts';
import type { Command, DecideContext, Decision, State } from '../../writer/command.ts';
import type { Positions } from '../events/positions.ts';
import {
  type CreateWebhookBody,
  deletedJson,
  replayJson,
  type TestWebhookBody,
  testJson,
  type UpdateWebhookBody,
  webhookJson,
} from './schema.ts';
import { withStatus } from './state.ts';

/** The environment of a webhook, and the API key that creates it. */
interface WebhookOwner {
  readonly environmentId: string;
  readonly keyId: string;
}

/**
 * Creates a webhook with a validated URL. All webhooks of an environment are created in one lane, so that a race cannot exceed
 * the limit.
 *
 * @param secret the new signing secret; only this response contains it
 * @param positions the positions of the events of each lane at the time of the request: it receives later events
 * @param deleted the number of deleted webhooks of the environment at the time of the request, which only increases
 */
export function createWebhook(
  owner: WebhookOwner,
  body: CreateWebhookBody,
  secret: string,
  positions: Positions,
  deleted: number,
  bucket: number,
): Command<string> {
  const { environmentId } = owner;
  const counterBucket = bucketOfId(environmentId);
  return {
    name: 'create_webhook',
    environmentId,
    bucket: counterBucket,
    reads: () => [{ table: 'webhook_counters', bucket: counterBucket, id: environmentId }],
    decide(state, context) {
      const created = state.get('webhook_counters', environmentId)?.created ?? 0n;
      if (Number(created) - deleted >= limits.webhooksPerEnvironment) return { refusal: tooMany() };
      const row = newWebhook(owner, body, secret, positions, bucket, context);
      const counter = { bucket: counterBucket, id: environmentId, created: created + 1n };
      return {
        result: webhookJson(row, secret),
        writes: [
          { table: 'webhook_counters', row: counter },
          { table: 'webhooks', row },
        ],
      };
    },
  };
}

function tooMany(): Refusal {
  const text = `An environment must have at most ${limits.webhooksPerEnvironment} webhooks; delete one first.`;
  return conflict('too_many_webhooks', text);
}

function newWebhook(
  { environmentId, keyId }: WebhookOwner,
  body: CreateWebhookBody,
  secret: string,
  positions: Positions,
  bucket: number,
  { newId, now, vault }: DecideContext,
): WebhookRow {
  const id = newId('whk', bucket);
  return {
    bucket,
    id,
    environment_id: environmentId,
    url: body.url,
    events: JSON.stringify(body.events),
    description: body.description ?? null,
    status: 'active',
    secret: vault.seal(secret, webhookSecretContext(id)),
    deleted_at: null,
    created_at: now,
    updated_at: now,
    previous_secrets: null,
    previous_secret_expires_at: null,
    enabled_at: now,
    disabled_at: null,
    disabled_reason: null,
    max_concurrency: body.maxConcurrency ?? null,
    max_per_second: body.maxPerSecond ?? null,
    event_positions: JSON.stringify(
      Object.fromEntries([...positions].map(([lane, seq]) => [lane, String(seq)])),
    ),
    created_by_key_id: keyId,
  };
}

/** Makes a command on one webhook of the environment. */
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

/** Changes a webhook. A new URL has been validated. */
export function updateWebhook(environmentId: string, id: string, body: UpdateWebhookBody): Command<string> {
  return onWebhook('update_webhook', environmentId, id, (row, { now }) => {
    const next: WebhookRow = {
      ...(body.status === undefined ? row : withStatus(row, body.status, 'requested', now)),
      url: body.url ?? row.url,
      events: body.events === undefined ? row.events : JSON.stringify(body.events),
      description: body.description ?? row.description,
      max_concurrency: body.maxConcurrency === undefined ? row.max_concurrency : body.maxConcurrency,
      max_per_second: body.maxPerSecond === undefined ? row.max_per_second : body.maxPerSecond,
      updated_at: now,
    };
    return { result: webhookJson(next), writes: [{ table: 'webhooks', row: next }] };
  });
}

/** Replaces the secret; the old one stays valid for a time. Only this response contains the new one. */
export function rotateSecret(
  environmentId: string,
  id: string,
  secret: string,
  overlapSeconds: number,
): Command<string> {
  return onWebhook('rotate_webhook_secret', environmentId, id, (row, { now, nowMs, vault }) => {
    const { count, ...secrets } = replaceSecret(row, secret, overlapSeconds, vault, nowMs);
    if (count > limits.webhookSecrets) return { refusal: tooManySecrets() };
    const next: WebhookRow = { ...row, ...secrets, updated_at: now };
    return { result: webhookJson(next, secret), writes: [{ table: 'webhooks', row: next }] };
  });
}

function tooManySecrets(): Refusal {
  const text = `${limits.webhookSecrets} secrets are valid already; end the ones before with \`overlapSeconds\`: 0.`;
  return conflict('too_many_secrets', text);
}

/** Creates a replay of events; a worker queues them. */
export function replayWebhook(
  environmentId: string,
  id: string,
  what: Pick<WebhookReplayRow, 'event_ids' | 'created_after' | 'created_before'>,
): Command<string> {
  return onWebhook('replay_webhook', environmentId, id, (row, context) => {
    if (row.status === 'disabled') return { refusal: disabled() };
    const replay: WebhookReplayRow = {
      bucket: context.bucket,
      id: context.newId('whr'),
      environment_id: environmentId,
      webhook_id: id,
      ...what,
      status: 'running',
      position: null,
      queued: 0,
      created_at: context.now,
      completed_at: null,
    };
    return { result: replayJson(replay), writes: [{ table: 'webhook_replays', row: replay }] };
  });
}

function disabled(): Refusal {
  return conflict('webhook_disabled', 'The webhook must be active; set its status to `active` first.');
}

/** Deletes a webhook: it is no longer listed and receives no more events. */
export function deleteWebhook(environmentId: string, id: string): Command<string> {
  return onWebhook('delete_webhook', environmentId, id, (row, context) => {
    const next: WebhookRow = {
      ...withStatus(row, 'disabled', 'requested', context.now),
      deleted_at: context.now,
      updated_at: context.now,
    };
    return { result: deletedJson({ id, deleted: true }), writes: [{ table: 'webhooks', row: next }] };
  });
}

/** Writes a test event that only this webhook receives, regardless of its subscription. */
export function testWebhook(environmentId: string, id: string, body: TestWebhookBody): Command<string> {
  return onWebhook('test_webhook', environmentId, id, (row, context) => {
    if (row.status === 'disabled') return { refusal: disabled() };
    const eventId = context.newId('evt');
    const data = JSON.stringify(body.data ?? { webhookId: row.id });
    return {
      result: testJson({ eventId }),
      events: [{ id: eventId, type: 'webhook.test', objectId: row.id, customerId: null, data }],
    };
  });
}

/**
 * Disables a webhook because of its receiver's responses. A webhook that was enabled after `since` stays enabled.
 *
 * @param since the time of the first such response, by the environment's clock
 */
export function disableWebhook(
  environmentId: string,
  id: string,
  cause: 'gone' | 'failing',
  since: string,
): Command<string> {
  return onWebhook('disable_webhook', environmentId, id, (row, { now }) => {
    const isMeant = row.status === 'active' && (row.enabled_at ?? row.created_at) <= since;
    if (!isMeant) return { result: webhookJson(row) };
    const next: WebhookRow = { ...withStatus(row, 'disabled', cause, now), updated_at: now };
    return { result: webhookJson(next), writes: [{ table: 'webhooks', row: next }] };
  });
}
