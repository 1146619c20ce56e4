import Type from 'typebox';
import { eventTypes } from '../../events/types.ts';
import { oneOf, time } from '../../http/schema.ts';
import { isSealed, unlessErased, type Vault } from '../../platform/seal.ts';
import type { EventRow } from '../../store/tables/events.ts';
import { eventDataContext, previousAttributesContext } from '../../writer/batch.ts';

export const Event = Type.Object({
  id: Type.String(),
  type: oneOf(eventTypes),
  createdAt: time(),
  data: Type.Unsafe<object>({
    type: 'object',
    description:
      'What the matching GET returned when the event was written; `{"erased": true}` once the customer whose personal ' +
      'data it held was erased',
  }),
  previousAttributes: Type.Optional(
    Type.Unsafe<object>({
      type: 'object',
      description:
        'Of a change: the former values of exactly those fields of `data` that have changed, `null` where there was ' +
        'none. Objects have their changed fields only, lists are whole. Left out: `updatedAt` and links. ' +
        '`{"erased": true}` where `data` is',
    }),
  ),
});

/** Replaces each part of an event whose customer was erased. */
const erasedData = '{"erased":true}';

/** Loads the customers' keys that open these events. */
export function prepareEvents(
  rows: readonly Pick<EventRow, 'data' | 'previous_attributes'>[],
  vault: Vault,
): Promise<void> {
  return vault.prepare(rows.flatMap(({ data, previous_attributes }) => [data, previous_attributes]));
}

/** The JSON text of an event, for the API and for webhooks. */
export function eventJson(
  row: Pick<EventRow, 'id' | 'type' | 'created_at' | 'data' | 'previous_attributes'>,
  vault: Vault,
): string {
  const { created_at: createdAt, id, previous_attributes: previous, type } = row;
  const openText = (text: string, sealContext: string): string =>
    isSealed(text) ? vault.open(text, sealContext) : text;
  const openBoth = () => ({
    data: openText(row.data, eventDataContext(id)),
    former: previous === null ? null : openText(previous, previousAttributesContext(id)),
  });
  // Erasure overwrites one column after the other: an event is erased if either column is.
  const { data, former } = unlessErased(openBoth, {
    data: erasedData,
    former: previous === null ? null : erasedData,
  });
  const before = former === null ? '' : `,"previousAttributes":${former}`;
  return `{"id":"${id}","type":"${type}","createdAt":"${createdAt}","data":${data}${before}}`;
}
