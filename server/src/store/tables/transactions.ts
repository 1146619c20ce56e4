import { int8, json, owned, type RowIn, table, text, timestamptz } from './table.ts';

/** Transfers and deposits, what screening found about transfers, and which of them stay within the deployment. */

export type TransactionStatus =
  | 'in_review'
  | 'funds_received'
  | 'payment_submitted'
  | 'payment_processed'
  | 'completed'
  | 'failed'
  | 'returned'
  | 'refunded';

export const transactions = table('transactions', {
  ...owned,
  customer_id: text(),
  wallet_id: text(),
  type: text<'transfer' | 'deposit'>(),
  status: text<TransactionStatus>().mutable(),
  amount_minor: int8(),
  source_currency: text(),
  destination_currency: text(),
  fee_minor: int8(),
  net_minor: int8(),
  source_payment_rail: text().nullable(),
  source_tx_hash: text().nullable(),
  destination_payment_rail: text().nullable(),
  destination_address: text().nullable(),
  destination_tx_hash: text().nullable().mutable(),
  final_minor: int8().nullable().mutable(),
  gas_fee_minor: int8().nullable().mutable(),
  exchange_fee_minor: int8().nullable().mutable(),
  exchange_rate: text().nullable().mutable(),
  reference: text().nullable(),
  client_reference_id: text().nullable(),
  metadata: json(),
  timeline: json().mutable(),
  next_action_at: timestamptz().nullable().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
  virtual_account_id: text().nullable(),
  sender_name: text().nullable(),
  payout_account_id: text().nullable(),
  trace_id: text().nullable().mutable(),
  return_code: text().nullable().mutable(),
  return_reason: text().nullable().mutable(),
  estimated_arrival_at: timestamptz().nullable().mutable(),
  sandbox_outcome: text().nullable().mutable(),
  /** What lets the signer pay a live transfer on a chain (custody/transfer-proof.ts). */
  transfer_proof: text().nullable().mutable(),
  /** The part of the fee that is charged for the receiver's token account (Solana, live); 0 if there is one. */
  account_fee_minor: int8().nullable(),
});
export type TransactionRow = RowIn<typeof transactions>;

/** What screening found about a live transfer. Its id is the transfer's. */
export const screenings = table('screenings', {
  ...owned,
  verdict: text<'allow' | 'review' | 'reject'>(),
  reason: text(),
  decision: text<'approved' | 'rejected'>().nullable().mutable(),
  decision_reason: text().nullable().mutable(),
  /** The operating system's name of the operator. */
  decided_by: text().nullable().mutable(),
  decided_at: timestamptz().nullable().mutable(),
  created_at: timestamptz(),
});
export type ScreeningRow = RowIn<typeof screenings>;

/** A transfer to a deposit address of this deployment, which is booked and not sent. Its id is the transfer's. */
export const internalTransfers = table('internal_transfers', {
  ...owned,
  receiver_environment_id: text(),
  receiver_wallet_id: text(),
  /** The transaction that credits the receiver, in the receiver's bucket. */
  deposit_id: text(),
  chain: text(),
  currency: text(),
  amount_minor: int8(),
  /** `open` until the receiver is credited. */
  status: text<'open' | 'credited'>().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type InternalTransferRow = RowIn<typeof internalTransfers>;
