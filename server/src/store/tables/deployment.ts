import { int2, table, text, timestamptz } from './table.ts';

/** Single rows for the whole deployment. */

export const masterSeeds = table('master_seeds', {
  id: int2(),
  sealed: text().mutable(),
  created_at: timestamptz(),
});

export const publicUrls = table('public_urls', {
  id: int2(),
  url: text().mutable(),
  updated_at: timestamptz().mutable(),
});
