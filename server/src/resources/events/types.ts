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

/** Patterns for all events of a kind of object: `customer.*` and so on. */
export const typePatterns = [...new Set(eventTypes.map((type) => `${type.split('.', 1)[0]}.*` as const))];

/**
 * The types that are meant by names, patterns and `*`.
 *
 * @returns the first word that means nothing, if there is one
 */
export function chosenTypes(
  words: readonly string[],
):
  | { readonly ok: true; readonly types: readonly EventType[] }
  | { readonly ok: false; readonly unknown: string } {
  const known = new Set<string>(['*', ...typePatterns, ...eventTypes]);
  const unknown = words.find((word) => !known.has(word));
  if (unknown !== undefined) return { ok: false, unknown };
  const isMeant = (type: string): boolean =>
    words.some((word) => word === '*' || word === type || word === `${type.split('.', 1)[0]}.*`);
  return { ok: true, types: eventTypes.filter(isMeant) };
}
