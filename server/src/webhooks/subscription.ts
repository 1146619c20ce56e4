import { isChosen } from '../events/types.ts';
import type { EventRow, WebhookRow } from '../store/rows.ts';

/**
 * Whether an event is for a webhook, apart from when it was written. A test event is for the webhook it names, whatever
 * that has chosen.
 */
export function isFor(
  webhook: Pick<WebhookRow, 'id' | 'events'>,
  event: Pick<EventRow, 'type' | 'object_id'>,
): boolean {
  if (event.type === 'webhook.test') return event.object_id === webhook.id;
  return isChosen(JSON.parse(webhook.events), event.type);
}
