import { int2, int8, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** Wallets, and where money for them arrives. */

export const wallets = table('wallets', {
  ...owned,
  customer_id: text(),
  status: text<'active' | 'frozen' | 'closed'>().mutable(),
  derivation_index: int8(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type WalletRow = RowIn<typeof wallets>;

export const depositAddresses = table('deposit_addresses', {
  bucket: int2(),
  wallet_id: text(),
  chain: text(),
  address: text(),
});
export type DepositAddressRow = RowIn<typeof depositAddresses>;

export const virtualAccounts = table('virtual_accounts', {
  ...owned,
  customer_id: text(),
  wallet_id: text(),
  source_currency: text<'usd' | 'eur' | 'gbp' | 'mxn' | 'brl'>(),
  status: text<'active' | 'deactivated'>().mutable(),
  /** The account's details as JSON, sealed. */
  deposit_instructions: text(),
  /** The fingerprint of the account's number, by which incoming money finds it. */
  account_key: text(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type VirtualAccountRow = RowIn<typeof virtualAccounts>;
