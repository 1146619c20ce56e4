import { bytea, identified, int8, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** Organisations, their two environments, and the API keys that open them. */

export const organisations = table('organisations', {
  ...identified,
  name: text(),
  /** Writes and reads per second of each key (`50/200`), `off`, or null for the server's setting. */
  rate_limit: text().nullable().mutable(),
  created_at: timestamptz(),
});
export type OrganisationRow = RowIn<typeof organisations>;

export const environments = table('environments', {
  ...identified,
  organisation_id: text(),
  kind: text<'test' | 'live'>(),
  created_at: timestamptz(),
  /** The id that the environment's rows carry: a reset of a sandbox changes it. */
  current_id: text().mutable(),
  /** How far the environment's clock is ahead of the server's; 0 unless a sandbox's clock was moved. */
  clock_offset_ms: int8().mutable(),
});
export type EnvironmentRow = RowIn<typeof environments>;

export const apiKeys = table('api_keys', {
  ...owned,
  name: text(),
  prefix: text(),
  secret_hash: bytea(),
  created_at: timestamptz(),
  revoked_at: timestamptz().nullable().mutable(),
});
export type ApiKeyRow = RowIn<typeof apiKeys>;

/** Records that a key was revoked; append-only. Its id is the key's. */
export const apiKeyRevocations = table('api_key_revocations', {
  ...owned,
  revoked_at: timestamptz(),
});
