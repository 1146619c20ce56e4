/** Every event type there is. */
export const eventTypes = [
  'customer.created',
  'customer.updated',
  'wallet.created',
  'wallet.updated',
  'transaction.created',
  'transaction.updated',
  'transaction.completed',
  'webhook.test',
] as const;

export type EventType = (typeof eventTypes)[number];
