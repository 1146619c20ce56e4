import { int2, int8, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** Append-only. Only what is sealed in it may be overwritten: when keys rotate, and when the customer is erased. */
export const events = table('events', {
  ...owned,
  lane: int2(),
  seq: int8(),
  type: text(),
  object_id: text(),
  customer_id: text().nullable(),
  data: text(),
  previous_attributes: text().nullable(),
  created_at: timestamptz(),
});
export type EventRow = RowIn<typeof events>;
