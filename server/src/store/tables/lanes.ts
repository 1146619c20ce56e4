import { bytea, identified, int2, int8, type RowIn, table, text, timestamptz } from './table.ts';

/** What a lane of the writer keeps for itself. */

export const laneHeads = table(
  'lane_heads',
  {
    bucket: int2(),
    lane_count: int2().mutable(),
    seq: int8().mutable(),
    batch_id: text().mutable(),
  },
  'bucket',
);
export type LaneHeadRow = RowIn<typeof laneHeads>;

export const batches = table('batches', {
  ...identified,
  seq: int8(),
  created_at: timestamptz(),
});

export const journalHeads = table(
  'journal_heads',
  {
    bucket: int2(),
    environment_id: text(),
    journal_seq: int8().mutable(),
    journal_hash: bytea().mutable(),
    event_seq: int8().mutable(),
  },
  'environment_id',
);
export type JournalHeadRow = RowIn<typeof journalHeads>;

export const derivationCounters = table('derivation_counters', {
  ...identified,
  next_counter: int8().mutable(),
});

/** Its rows have no id: a key is unique in its environment. */
export const idempotencyKeys = table('idempotency_keys', {
  bucket: int2(),
  environment_id: text(),
  key: text(),
  route: text(),
  request_hash: bytea(),
  status: int2(),
  body: text(),
  created_at: timestamptz(),
});
export type IdempotencyKeyRow = RowIn<typeof idempotencyKeys>;
