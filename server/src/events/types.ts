/** All event types. */
export const eventTypes = [
  'customer.created',
  'customer.updated',
  'customer.erased',
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

/** Types of events about a change, which have `previousAttributes`. */
export type UpdateEventType = Extract<EventType, `${string}.updated`>;

const kindOf = (type: string): string => type.split('.', 1)[0] ?? '';

/** Patterns for all events of a kind of object: `customer.*` and so on. */
export const typePatterns = [...new Set(eventTypes.map((type) => `${kindOf(type)}.*` as const))];

/** Whether a type matches one of the names, patterns such as `customer.*`, or `*`. */
export function isChosen(words: readonly string[], type: string): boolean {
  return words.some((word) => word === '*' || word === type || word === `${kindOf(type)}.*`);
}

/**
 * The types that match names, patterns and `*`.
 *
 * @returns the first word that is none of these, if there is one
 */
export function chosenTypes(
  words: readonly string[],
):
  | { readonly ok: true; readonly types: readonly EventType[] }
  | { readonly ok: false; readonly unknown: string } {
  const known = new Set<string>(['*', ...typePatterns, ...eventTypes]);
  const unknown = words.find((word) => !known.has(word));
  if (unknown !== undefined) return { ok: false, unknown };
  return { ok: true, types: eventTypes.filter((type) => isChosen(words, type)) };
}
