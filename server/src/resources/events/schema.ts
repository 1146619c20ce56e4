import Type from 'typebox';
import { oneOf, time } from '../../http/schema.ts';
import { isSealed, type Vault } from '../../platform/seal.ts';
import type { EventRow } from '../../store/rows.ts';
import { eventSealContext } from '../../writer/batch.ts';
import { eventTypes } from './types.ts';

export const Event = Type.Object({
  id: Type.String(),
  type: oneOf(eventTypes),
  createdAt: time(),
  data: Type.Unsafe<object>({
    type: 'object',
    description: 'What the matching GET returned when the event was written',
  }),
});

/** An event as the API shows it and as webhooks receive it, as JSON text. */
export function eventJson(row: Pick<EventRow, 'id' | 'type' | 'created_at' | 'data'>, vault: Vault): string {
  const data = isSealed(row.data) ? vault.open(row.data, eventSealContext(row.id)) : row.data;
  const { created_at: createdAt, id, type } = row;
  return `{"id":"${id}","type":"${type}","createdAt":"${createdAt}","data":${data}}`;
}
