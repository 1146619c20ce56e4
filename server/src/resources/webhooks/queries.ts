import type { Db } from '../../store/database.ts';
import { findRow } from '../../store/find.ts';
import { type Page, toPage } from '../../store/paging.ts';
import type { DeliveryRow, WebhookRow } from '../../store/rows.ts';
import type { PageRequest } from '../paging.ts';

/** The webhook by this id, if it is one of the environment's and not deleted. */
export async function findWebhook(
  db: Db,
  environmentId: string,
  id: string,
): Promise<WebhookRow | undefined> {
  const row = await findRow(db, 'webhooks', environmentId, id);
  return row?.deleted_at === null ? row : undefined;
}

/** How many webhooks an environment has. */
export async function countWebhooks(db: Db, environmentId: string): Promise<number> {
  const { count } = await db
    .selectFrom('webhooks')
    .select((expression) => expression.fn.countAll<bigint>().as('count'))
    .where('environment_id', '=', environmentId)
    .where('deleted_at', 'is', null)
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** A page of the environment's webhooks, newest first. */
export async function listWebhooks<Item>(
  db: Db,
  environmentId: string,
  { afterId, limit }: PageRequest,
  toItem: (row: WebhookRow) => Item,
): Promise<Page<Item>> {
  let query = db
    .selectFrom('webhooks')
    .selectAll()
    .where('environment_id', '=', environmentId)
    .where('deleted_at', 'is', null);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}

/** A page of the attempts to deliver to a webhook, newest first. */
export async function listDeliveries<Item>(
  db: Db,
  webhookId: string,
  { afterId, limit }: PageRequest,
  toItem: (row: DeliveryRow) => Item,
): Promise<Page<Item>> {
  let query = db.selectFrom('deliveries').selectAll().where('webhook_id', '=', webhookId);
  if (afterId !== undefined) query = query.where('id', '<', afterId);
  const rows = await query
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toItem);
}
