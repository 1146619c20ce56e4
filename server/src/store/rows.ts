/**
 * The rows of the database as they are read and written: column names as in the migrations, `int8` as `bigint`,
 * times as ISO 8601 texts, JSON columns as texts.
 */

export interface OrganisationRow {
  bucket: number;
  id: string;
  name: string;
  rate_limit: string | null;
  created_at: string;
}

export interface EnvironmentRow {
  bucket: number;
  id: string;
  organisation_id: string;
  kind: 'test' | 'live';
  created_at: string;
  current_id: string;
  clock_offset_ms: bigint;
}

export interface ApiKeyRow {
  bucket: number;
  id: string;
  environment_id: string;
  name: string;
  prefix: string;
  secret_hash: Buffer;
  created_at: string;
  revoked_at: string | null;
}

/** That a key was revoked: nothing takes it back. */
export interface ApiKeyRevocationRow {
  bucket: number;
  /** The key's. */
  id: string;
  environment_id: string;
  revoked_at: string;
}

export interface LaneHeadRow {
  bucket: number;
  lane_count: number;
  seq: bigint;
  batch_id: string;
}

export interface ChainHeadRow {
  bucket: number;
  environment_id: string;
  journal_seq: bigint;
  journal_hash: Buffer;
  event_seq: bigint;
}

export interface DerivationCounterRow {
  bucket: number;
  id: string;
  next_counter: bigint;
}

export interface IdempotencyKeyRow {
  bucket: number;
  environment_id: string;
  key: string;
  route: string;
  request_hash: Buffer;
  status: number;
  body: string;
  created_at: string;
}

export interface CustomerRow {
  bucket: number;
  id: string;
  environment_id: string;
  type: 'individual' | 'business';
  status: 'active' | 'suspended' | 'rejected';
  kyc_status: 'not_started' | 'under_review' | 'incomplete' | 'approved' | 'rejected';
  personal: string;
  email_index: string;
  external_id: string | null;
  metadata: string;
  kyc_rejection_reasons: string;
  tos_accepted_at: string | null;
  /** How often the customer's links have been revoked. */
  link_generation: number;
  created_at: string;
  updated_at: string;
  /** 32 bytes that the customer's key is derived from; null once they are erased. */
  key_salt: Buffer | null;
  erased_at: string | null;
}

/** Who had a customer erased, and why. Its id is the customer's. */
export interface CustomerErasureRow {
  bucket: number;
  id: string;
  environment_id: string;
  /** The id of an API key, or the operating system's name of whoever gave the command. */
  erased_by: string;
  reason: string | null;
  forced: boolean;
  /** Until when the data had to be kept; null when there was no such duty. */
  retained_until: string | null;
  erased_at: string;
  scrubbed_at: string | null;
}

export interface IdentityCaseRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  status: 'draft' | 'under_review' | 'incomplete' | 'approved' | 'rejected';
  form: string;
  version: number;
  submitted_at: string | null;
  decided_at: string | null;
  decided_by: 'sandbox' | 'operator' | null;
  reasons: string;
  created_at: string;
  updated_at: string;
}

export interface IdentityDocumentRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  case_id: string;
  kind: string;
  content_type: 'image/jpeg' | 'image/png' | 'application/pdf';
  byte_size: number;
  sha256: Buffer;
  created_at: string;
  removed_at: string | null;
}

export interface TermsAcceptanceRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  version: string;
  text_sha256: Buffer;
  evidence: string;
  accepted_at: string;
}

export interface CounterpartyRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  account_type:
    | 'us_bank'
    | 'iban'
    | 'gb_bank'
    | 'clabe'
    | 'pix'
    | 'mobile_money'
    | 'ghipss'
    | 'nip'
    | 'swift';
  currency: string;
  status: 'active' | 'inactive';
  account: string;
  created_at: string;
  updated_at: string;
}

export interface WalletRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  status: 'active' | 'frozen' | 'closed';
  derivation_index: bigint;
  created_at: string;
  updated_at: string;
}

export interface DepositAddressRow {
  bucket: number;
  wallet_id: string;
  chain: string;
  address: string;
}

export type TransactionStatus =
  | 'in_review'
  | 'funds_received'
  | 'payment_submitted'
  | 'payment_processed'
  | 'completed'
  | 'failed'
  | 'returned'
  | 'refunded';

export interface TransactionRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  wallet_id: string;
  type: 'transfer' | 'deposit';
  status: TransactionStatus;
  amount_minor: bigint;
  source_currency: string;
  destination_currency: string;
  fee_minor: bigint;
  net_minor: bigint;
  source_payment_rail: string | null;
  source_tx_hash: string | null;
  destination_payment_rail: string | null;
  destination_address: string | null;
  destination_tx_hash: string | null;
  final_minor: bigint | null;
  gas_fee_minor: bigint | null;
  exchange_fee_minor: bigint | null;
  exchange_rate: string | null;
  reference: string | null;
  client_reference_id: string | null;
  metadata: string;
  timeline: string;
  next_action_at: string | null;
  created_at: string;
  updated_at: string;
  virtual_account_id: string | null;
  sender_name: string | null;
  payout_account_id: string | null;
  trace_id: string | null;
  return_code: string | null;
  return_reason: string | null;
  estimated_arrival_at: string | null;
  sandbox_outcome: string | null;
  /** For the signer (custody/transfer-proof.ts). */
  transfer_proof: string | null;
}

export interface ChainDepositRow {
  bucket: number;
  id: string;
  environment_id: string;
  wallet_id: string;
  chain: string;
  tx_hash: string;
  height: bigint;
  block_id: string;
  currency: string;
  amount_minor: bigint;
  status: 'pending' | 'confirmed' | 'credited' | 'orphaned';
  transaction_id: string;
  created_at: string;
  updated_at: string;
}

/** What was found about a live transfer, whose id it has. */
export interface ScreeningRow {
  bucket: number;
  id: string;
  environment_id: string;
  verdict: 'allow' | 'review' | 'reject';
  reason: string;
  decision: 'approved' | 'rejected' | null;
  decision_reason: string | null;
  /** The operating system's name of whoever gave the command. */
  decided_by: string | null;
  decided_at: string | null;
  created_at: string;
}

export interface VirtualAccountRow {
  bucket: number;
  id: string;
  environment_id: string;
  customer_id: string;
  wallet_id: string;
  source_currency: 'usd' | 'eur' | 'gbp' | 'mxn' | 'brl';
  status: 'active' | 'deactivated';
  deposit_instructions: string;
  account_key: string;
  created_at: string;
  updated_at: string;
}

export type AccountKind =
  | 'wallet_available'
  | 'wallet_pending'
  | 'wallet_in_transit'
  | 'custody'
  | 'bank'
  | 'suspense'
  | 'fee_revenue'
  | 'fx_position';

export interface AccountRow {
  bucket: number;
  id: string;
  environment_id: string;
  kind: AccountKind;
  normal_side: 'debit' | 'credit';
  currency: string;
  wallet_id: string | null;
  chain: string | null;
  balance_minor: bigint;
  version: bigint;
  created_at: string;
  updated_at: string;
}

export interface JournalRow {
  bucket: number;
  id: string;
  environment_id: string;
  lane: number;
  seq: bigint;
  kind: string;
  transaction_id: string;
  hash: Buffer;
  created_at: string;
}

export interface PostingRow {
  bucket: number;
  journal_id: string;
  line: number;
  account_bucket: number;
  account_id: string;
  account_version: bigint;
  currency: string;
  amount_minor: bigint;
  balance_after_minor: bigint;
}

export interface EventRow {
  bucket: number;
  id: string;
  environment_id: string;
  lane: number;
  seq: bigint;
  type: string;
  object_id: string;
  customer_id: string | null;
  data: string;
  previous_attributes: string | null;
  created_at: string;
}

export interface WebhookRow {
  bucket: number;
  id: string;
  environment_id: string;
  url: string;
  events: string;
  description: string | null;
  status: 'active' | 'disabled';
  secret: string;
  deleted_at: string | null;
  created_at: string;
  updated_at: string;
  previous_secrets: string | null;
  previous_secret_expires_at: string | null;
  enabled_at: string | null;
  disabled_at: string | null;
  disabled_reason: 'requested' | 'gone' | 'failing' | null;
  max_concurrency: number | null;
  max_per_second: number | null;
  event_positions: string;
  created_by_key_id: string | null;
}

export interface WebhookCounterRow {
  bucket: number;
  id: string;
  created: bigint;
}

export interface WebhookReplayRow {
  bucket: number;
  id: string;
  environment_id: string;
  webhook_id: string;
  event_ids: string | null;
  created_after: string | null;
  created_before: string | null;
  status: 'running' | 'completed';
  position: string | null;
  queued: number;
  created_at: string;
  completed_at: string | null;
}

export interface FanOutPositionRow {
  bucket: number;
  environment_id: string;
  event_seq: bigint;
}

export interface DeliveryQueueRow {
  bucket: number;
  webhook_id: string;
  event_id: string;
  environment_id: string;
  attempt_number: number;
  next_attempt_at: string;
  claimed_until: string | null;
}

export interface DeliveryRow {
  bucket: number;
  id: string;
  environment_id: string;
  webhook_id: string;
  event_id: string;
  event_type: string;
  attempt_number: number;
  http_status: number | null;
  success: boolean;
  duration_ms: number;
  error: string | null;
  response_body: string | null;
  next_attempt_at: string | null;
  created_at: string;
}
