import type { NamedSchema } from './schema.ts';

/** An event type, as the documents and the documentation page describe it. */
export interface DescribedEvent {
  readonly type: string;
  /** When such an event is written, in Markdown. */
  readonly description: string;
  /** The schema of its `data`. */
  readonly data: NamedSchema;
  /** Whether it has `previousAttributes`; `sometimes` means for changes, not for creations. */
  readonly tellsChanges: 'always' | 'sometimes' | 'never';
  /** Whether it has personal data, whose parts become `{"erased": true}` when the customer is erased. */
  readonly isErasable: boolean;
  /** An event that a server wrote. */
  readonly example: object;
}

/** The name of the schema of an event type: `CustomerUpdatedEvent` for `customer.updated`. */
export function eventSchemaName(type: string): string {
  return `${type.split(/[._]/).map(capitalised).join('')}Event`;
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
