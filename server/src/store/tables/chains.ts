import {
  date,
  int2,
  int4,
  int8,
  json,
  numeric,
  owned,
  type RowIn,
  table,
  text,
  timestamptz,
} from './table.ts';

/**
 * What the server knows of blockchains. A deposit belongs to a wallet and is written by the writer; the other tables belong
 * to the whole deployment, have no bucket, and are written by the workers of the chains.
 */

export const chainDeposits = table('chain_deposits', {
  ...owned,
  wallet_id: text(),
  chain: text(),
  tx_hash: text(),
  height: int8().mutable(),
  block_id: text().mutable(),
  currency: text(),
  amount_minor: int8().mutable(),
  status: text<'pending' | 'confirmed' | 'credited' | 'orphaned'>().mutable(),
  transaction_id: text().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
  lost_minor: int8().nullable().mutable(),
});
export type ChainDepositRow = RowIn<typeof chainDeposits>;

export const chainCursors = table(
  'chain_cursors',
  {
    chain: text(),
    network: text(),
    scanned_height: int8().mutable(),
    confirmed_height: int8().mutable(),
    opening_balances: json().nullable(),
    updated_at: timestamptz().mutable(),
    treasury: text().nullable().mutable(),
    timeline: text().nullable().mutable(),
    unsettled_height: int8().nullable().mutable(),
    first_height: int8().nullable(),
    reorganisations: int4().mutable(),
    reread_height: int8().nullable().mutable(),
    unlisted_height: int8().nullable().mutable(),
  },
  'chain',
);

export const chainLeases = table(
  'chain_leases',
  {
    chain: text(),
    work: text<'reading' | 'payments' | 'sweeps'>(),
    owner: text().mutable(),
    expires_at: timestamptz().mutable(),
  },
  'chain',
);

export const chainStatuses = table(
  'chain_statuses',
  {
    chain: text(),
    network: text().mutable(),
    head_height: int8().nullable().mutable(),
    fault: text().nullable().mutable(),
    nodes: json().mutable(),
    checked_at: timestamptz().mutable(),
    rate_fault: text().nullable().mutable(),
  },
  'chain',
);

export const chainRescans = table('chain_rescans', {
  chain: text(),
  reason: text<'requested' | 'over_limit' | 'not_measured'>(),
  from_height: int8(),
  to_height: int8(),
  next_height: int8().mutable(),
  waiting: int8().mutable(),
  found: int8().mutable(),
  tries: int4().mutable(),
  fault: text().nullable().mutable(),
  created_at: timestamptz(),
  next_try_at: timestamptz().mutable(),
  finished_at: timestamptz().nullable().mutable(),
});
export type ChainRescanRow = RowIn<typeof chainRescans>;

export const chainBlocks = table('chain_blocks', {
  chain: text(),
  height: int8(),
  block_id: text().mutable(),
});

export const chainReorganisations = table('chain_reorganisations', {
  chain: text(),
  number: int4(),
  fork_height: int8(),
  confirmed_height: int8(),
  former_block_id: text(),
  block_id: text(),
  deposits_reversed: int4().mutable(),
  payments_reopened: int4().mutable(),
  detected_at: timestamptz(),
  checked_at: timestamptz().nullable().mutable(),
});

export const uncreditedDeposits = table('uncredited_deposits', {
  chain: text(),
  id: text(),
  tx_hash: text(),
  height: int8(),
  reason: text(),
  token: text(),
  address: text(),
  amount: text(),
  received: text(),
  currency: text().nullable(),
  seen_at: timestamptz(),
});

export const chainSequences = table('chain_sequences', {
  chain: text(),
  sender: text(),
  next_sequence: int8().mutable(),
});

/** Why a payment waits for an operator (server/migrations/0002_real_chains.sql). */
export type PaymentAttention = 'unclear' | 'nonce_taken' | 'transfer_ended';

export const chainPayments = table('chain_payments', {
  chain: text(),
  id: text(),
  kind: text<'transfer' | 'sweep' | 'authorised_sweep' | 'top_up' | 'nonce_fill' | 'deposit_return'>(),
  sender: text(),
  sequence: int8().nullable().mutable(),
  currency: text().nullable(),
  address: text(),
  wallet_index: int4().nullable(),
  amount: numeric(),
  status: text<'open' | 'completed' | 'failed' | 'withdrawn'>().mutable(),
  tx_hash: text().nullable().mutable(),
  height: int8().nullable().mutable(),
  fee_native: numeric().nullable().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
  token: text().nullable(),
  attention: text<PaymentAttention>().nullable().mutable(),
  attention_detail: text().nullable().mutable(),
  reopened_at: timestamptz().nullable().mutable(),
});

export type ChainPaymentRow = RowIn<typeof chainPayments>;

export const chainAttempts = table('chain_attempts', {
  payment_id: text(),
  number: int2(),
  tx_hash: text(),
  raw: text(),
  terms: text(),
  signed_at: timestamptz(),
});

export const voidAttempts = table('void_attempts', {
  payment_id: text(),
  number: int2(),
  tx_hash: text(),
  raw: text(),
  terms: text(),
  signed_at: timestamptz(),
});

export const paymentWaits = table('payment_waits', {
  chain: text(),
  id: text(),
  reason: text().mutable(),
  since: timestamptz().mutable(),
});

/** What operators ordered about payments and deposits. Written by the writer, carried out by the worker of the chain. */
export const operatorActions = table('operator_actions', {
  ...owned,
  chain: text(),
  kind: text<
    | 'payment_bump'
    | 'payment_cancel'
    | 'payment_resolve'
    | 'deposit_credit'
    | 'deposit_return'
    | 'deposit_write_off'
    | 'nonce_fill'
  >(),
  subject: text(),
  number: int4(),
  parameters: json(),
  reason: text(),
  requested_by: text(),
  status: text<'requested' | 'accepted' | 'done' | 'refused'>().mutable(),
  result: text().nullable().mutable(),
  currency: text().nullable().mutable(),
  booked_minor: int8().nullable().mutable(),
  created_at: timestamptz(),
  updated_at: timestamptz().mutable(),
});
export type OperatorActionRow = RowIn<typeof operatorActions>;

export const chainDrafts = table('chain_drafts', {
  payment_id: text(),
  number: int2(),
  unsigned: text(),
  terms: text(),
  created_at: timestamptz(),
});

/** A hold of a chain. */
export const chainHolds = table('chain_holds', {
  id: text(),
  chain: text(),
  kind: text(),
  detail: text().mutable(),
  figures: json().nullable().mutable(),
  opened_at: timestamptz(),
  opened_by: text().nullable(),
  released_at: timestamptz().nullable().mutable(),
  released_by: text().nullable().mutable(),
  release_reason: text().nullable().mutable(),
});
export type ChainHoldRow = RowIn<typeof chainHolds>;

export const chainWatches = table('chain_watches', {
  chain: text(),
  owner: text(),
  watched_at: timestamptz().mutable(),
});

/** What left our addresses without a payment of the books. */
export const chainOutflows = table('chain_outflows', {
  chain: text(),
  id: text(),
  sender: text(),
  sequence: int8().nullable(),
  tx_hash: text().nullable(),
  height: int8().nullable(),
  currency: text().nullable(),
  address: text().nullable(),
  amount: numeric().nullable(),
  seen_at: timestamptz(),
  resolution: text<'payment' | 'outflow' | 'no_outflow' | 'vanished'>().nullable().mutable(),
  reference: text().nullable().mutable(),
  reason: text().nullable().mutable(),
  resolved_by: text().nullable().mutable(),
  resolved_at: timestamptz().nullable().mutable(),
});
export type ChainOutflowRow = RowIn<typeof chainOutflows>;

/** Written by the writer, with the journal of each. */
export const treasuryOutflows = table('treasury_outflows', {
  ...owned,
  chain: text(),
  tx_hash: text(),
  currency: text(),
  amount_minor: int8(),
  address: text(),
  reason: text(),
  booked_by: text(),
  created_at: timestamptz(),
});
export type TreasuryOutflowRow = RowIn<typeof treasuryOutflows>;

export const sweepCandidates = table('sweep_candidates', {
  chain: text(),
  address: text(),
  currency: text(),
  wallet_index: int4(),
  height: int8().mutable(),
  checked_at: timestamptz().nullable().mutable(),
});

export const signedPayments = table(
  'signed_payments',
  {
    reference: text(),
    intent: text(),
    nonce: text().nullable(),
    counted: json().mutable(),
    signed_at: timestamptz().mutable(),
    unsigned: text().nullable().mutable(),
    terms: text().nullable().mutable(),
    transaction_id: text().nullable().mutable(),
    validity: json().nullable().mutable(),
  },
  'reference',
);

export const signerRecords = table(
  'signer_records',
  {
    id: int2(),
    entries: int8().mutable(),
  },
  'id',
);

export const dailySpending = table('daily_spending', {
  chain: text(),
  asset: text(),
  day: date(),
  spent: numeric().mutable(),
});
