import type { RequestContext } from '../../http/route.ts';
import { ApiError, notFound } from '../../platform/errors.ts';
import type { Db } from '../../store/database.ts';
import type { WebhookRow } from '../../store/tables/webhooks.ts';
import { findWebhook } from './queries.ts';

/** The webhook that the path names. @throws ApiError 404 */
export async function requireWebhook(
  db: Db,
  { caller, params: { webhookId = '' } }: RequestContext,
): Promise<WebhookRow> {
  const row = await findWebhook(db, caller.environment.id, webhookId);
  if (!row) throw new ApiError(notFound('webhook'));
  return row;
}
