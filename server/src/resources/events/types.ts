/** Every event type there is. */
export const eventTypes = [
  'customer.created',
  'customer.updated',
  'wallet.created',
  'wallet.updated',
  'virtual_account.created',
  'virtual_account.updated',
  'counterparty.created',
  'counterparty.updated',
  'transaction.created',
  'transaction.updated',
  'transaction.completed',
  'webhook.test',
] as const;

export type EventType = (typeof eventTypes)[number];
