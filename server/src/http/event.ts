import type { NamedSchema } from './schema.ts';

/** A type of events, as the documents and the documentation page show it. */
export interface DescribedEvent {
  readonly type: string;
  /** When such an event is written, in Markdown. */
  readonly description: string;
  /** What its `data` is. */
  readonly data: NamedSchema;
  /** Whether it tells what was there before: `sometimes` is when it is no creation. */
  readonly tellsChanges: 'always' | 'sometimes' | 'never';
  /** It holds personal data of a customer: once they are erased, its parts are `{"erased": true}`. */
  readonly isErasable: boolean;
  /** One that a server has written. */
  readonly example: object;
}

/** The name of its schema: `customer.updated` is `CustomerUpdatedEvent`. */
export function eventSchemaName(type: string): string {
  return `${type.split(/[._]/).map(capitalised).join('')}Event`;
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
