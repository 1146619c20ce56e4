import type { EventRow, WebhookRow } from '../store/rows.ts';

/** Whether a webhook has chosen a type of events: by its name, by `customer.*`, or by `*`. */
export function hasChosen(events: string, type: string): boolean {
  const chosen: string[] = JSON.parse(events);
  return chosen.includes('*') || chosen.includes(type) || chosen.includes(`${type.split('.', 1)[0]}.*`);
}

/**
 * Whether an event is for a webhook, apart from when it was written. A test event is for the webhook it names, whatever
 * that has chosen.
 */
export function isFor(
  webhook: Pick<WebhookRow, 'id' | 'events'>,
  event: Pick<EventRow, 'type' | 'object_id'>,
): boolean {
  if (event.type === 'webhook.test') return event.object_id === webhook.id;
  return hasChosen(webhook.events, event.type);
}
