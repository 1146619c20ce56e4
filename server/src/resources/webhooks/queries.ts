import type { RequestContext } from '../../http/route.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import { bucketOfId } from '../../platform/ids.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { readPageRows, selectList } from '../../store/list.ts';
import { type Page, type PageRequest, toPage } from '../../store/paging.ts';
import type { DeliveryRow, WebhookReplayRow, WebhookRow } from '../../store/tables/webhooks.ts';

/** Finds a webhook of the environment by its id, unless it is deleted. */
export async function findWebhook(
  db: Db,
  environmentId: string,
  id: string,
): Promise<WebhookRow | undefined> {
  const row = await findRow(db, 'webhooks', environmentId, id);
  return row?.deleted_at === null ? row : undefined;
}

/** The webhook of the path. @throws ApiError 404 */
export async function requireWebhook(
  db: Db,
  { caller, params: { webhookId = '' } }: RequestContext,
): Promise<WebhookRow> {
  const row = await findWebhook(db, caller.environment.id, webhookId);
  if (!row) throw new ApiError(notFound('webhook'));
  return row;
}

/** A webhook as the command line prints it. */
export type ListedWebhook = Pick<WebhookRow, 'id' | 'environment_id' | 'url' | 'status'>;

/** The webhooks that an API key created, without deleted ones, the oldest first. */
export async function listWebhooksOfKey(db: Db, keyId: string): Promise<ListedWebhook[]> {
  return (
    db
      .selectFrom('webhooks as w')
      // Without those of a sandbox before its reset.
      .innerJoin('environments as e', 'e.current_id', 'w.environment_id')
      .select(['w.id', 'w.environment_id', 'w.url', 'w.status'])
      .where('w.created_by_key_id', '=', keyId)
      .where('w.deleted_at', 'is', null)
      .orderBy('w.id')
      .execute()
  );
}

/** Counts the deleted webhooks of an environment. */
export async function countDeletedWebhooks(db: Db, environmentId: string): Promise<number> {
  const { count } = await db
    .selectFrom('webhooks')
    .select((expression) => expression.fn.countAll<bigint>().as('count'))
    .where('environment_id', '=', environmentId)
    .where('deleted_at', 'is not', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** One delivery attempt to a webhook. */
export function findDelivery(db: Db, webhookId: string, id: string): Promise<DeliveryRow | undefined> {
  return db
    .selectFrom('deliveries')
    .selectAll()
    .where('bucket', '=', bucketOfId(id))
    .where('id', '=', id)
    .where('webhook_id', '=', webhookId)
    .executeTakeFirst();
}

/** The ids that are events of the environment. Of test events, only those of the webhook. */
export async function eventsForWebhook(
  db: Db,
  environmentId: string,
  webhookId: string,
  ids: readonly string[],
): Promise<Set<string>> {
  const rows = await db
    .selectFrom('events')
    .select(['id', 'type', 'object_id'])
    .where('bucket', 'in', [...new Set(ids.map(bucketOfId))])
    .where('id', 'in', [...ids])
    .where('environment_id', '=', environmentId)
    .execute();
  const own = rows.filter(({ object_id, type }) => type !== 'webhook.test' || object_id === webhookId);
  return new Set(own.map(({ id }) => id));
}

/** A page of the environment's webhooks, newest first. */
export async function listWebhooks<Item>(
  db: Db,
  environmentId: string,
  page: PageRequest,
  toItem: (row: WebhookRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'webhooks', { environment_id: environmentId, deleted_at: null });
  return toPage(await readPageRows(list, page), page.limit, toItem);
}

/** A page of the delivery attempts to a webhook, newest first. */
export async function listDeliveries<Item>(
  db: Db,
  webhookId: string,
  { eventId, success }: Readonly<Record<string, string>>,
  page: PageRequest,
  vault: Vault,
  toItem: (row: DeliveryRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'deliveries', {
    webhook_id: webhookId,
    event_id: eventId,
    success: success === undefined ? undefined : success === 'true',
  });
  const rows = await readPageRows(list, page);
  await vault.prepare(rows.map((row) => row.response_body));
  return toPage(rows, page.limit, toItem);
}

/** A page of a webhook's replays, newest first. */
export async function listReplays<Item>(
  db: Db,
  webhookId: string,
  page: PageRequest,
  toItem: (row: WebhookReplayRow) => Item,
): Promise<Page<Item>> {
  const list = selectList(db, 'webhook_replays', { webhook_id: webhookId });
  return toPage(await readPageRows(list, page), page.limit, toItem);
}
