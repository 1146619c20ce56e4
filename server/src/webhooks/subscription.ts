import { isChosen } from '../events/types.ts';
import type { EventRow } from '../store/tables/events.ts';
import type { WebhookRow } from '../store/tables/webhooks.ts';

/**
 * Whether a webhook subscribes to an event, regardless of when the event was written. A test event goes to the webhook that
 * it names, regardless of its subscription.
 */
export function isSubscribed(
  webhook: Pick<WebhookRow, 'id' | 'events'>,
  event: Pick<EventRow, 'type' | 'object_id'>,
): boolean {
  if (event.type === 'webhook.test') return event.object_id === webhook.id;
  return isChosen(JSON.parse(webhook.events), event.type);
}
