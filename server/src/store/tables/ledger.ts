import { bytea, int2, int8, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** The books. Journals and postings are append-only. */

export type AccountKind =
  | 'wallet_available'
  | 'wallet_pending'
  | 'wallet_in_transit'
  | 'custody'
  | 'bank'
  | 'suspense'
  | 'fee_revenue'
  | 'fx_position'
  | 'internal_transit'
  | 'chain_loss';

export const accounts = table('accounts', {
  ...owned,
  kind: text<AccountKind>(),
  normal_side: text<'debit' | 'credit'>(),
  currency: text(),
  wallet_id: text().nullable(),
  chain: text().nullable(),
  balance_minor: int8().mutable(),
  version: int8().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type AccountRow = RowIn<typeof accounts>;

export const journals = table('journals', {
  ...owned,
  lane: int2(),
  seq: int8(),
  kind: text(),
  transaction_id: text(),
  hash: bytea(),
  created_at: timestamptz(),
});
export type JournalRow = RowIn<typeof journals>;

export const postings = table('postings', {
  bucket: int2(),
  journal_id: text(),
  line: int2(),
  account_bucket: int2(),
  account_id: text(),
  account_version: int8(),
  currency: text(),
  amount_minor: int8(),
  balance_after_minor: int8(),
});
export type PostingRow = RowIn<typeof postings>;
