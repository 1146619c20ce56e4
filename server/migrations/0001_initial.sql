-- The schema of OpenLedger.
--
-- Conventions:
--
-- * Every row of a customer carries its bucket (0..63), derived from its id. The bucket leads the primary key, so that a
--   distributed database can keep all rows that one batch writes on one shard.
-- * Ids are compared byte by byte (collate "C"), so that they sort by creation time.
-- * Amounts are integers in minor units of their currency (columns named _minor).
-- * Sealed columns hold ciphertext of the server's vault: 'sealed.v1.' under one key of the master key, 'sealed.v2.' with the
--   id of the master key, under the key of the customer, the environment or the deployment that the data belongs to.
-- * mac holds a message authentication code of the row under a key of the vault. It covers the table, the primary key and the
--   fields listed in store/authenticated-rows.ts. The server uses no row of such a table whose code does not match.

-- ---------------------------------------------------------------------------------------------------------------------
-- Access: organisations, their environments, and API keys
-- ---------------------------------------------------------------------------------------------------------------------

create table organisations (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  name text not null unique,
  -- Writes/reads per second for each API key, 'off', or null for the server's setting.
  rate_limit text check (rate_limit = 'off' or rate_limit ~ '^[1-9][0-9]{0,6}/[1-9][0-9]{0,6}$'),
  created_at timestamptz not null,
  mac text,
  primary key (bucket, id)
);

-- Each organisation has a live environment and a sandbox (test). Rows of an environment carry its current_id: resetting the
-- sandbox gives it a new one, so that all earlier rows become unreachable. The sandbox's clock may be moved ahead of the
-- server's by clock_offset_ms.
create table environments (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  organisation_id text collate "C" not null,
  kind text not null check (kind in ('test', 'live')),
  created_at timestamptz not null,
  current_id text collate "C" not null,
  clock_offset_ms bigint not null default 0,
  mac text,
  primary key (bucket, id),
  unique (bucket, organisation_id, kind),
  foreign key (bucket, organisation_id) references organisations (bucket, id),
  constraint environments_clock check (clock_offset_ms >= 0 and (kind = 'test' or clock_offset_ms = 0)),
  constraint environments_reset check (kind = 'test' or current_id = id)
);
create unique index environments_current on environments (current_id);

-- The secret of a key is stored as its SHA-256 hash only.
create table api_keys (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  name text not null,
  prefix text collate "C" not null unique,
  secret_hash bytea not null check (length(secret_hash) = 32),
  created_at timestamptz not null,
  revoked_at timestamptz,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, environment_id) references environments (bucket, id)
);

-- Revoked keys. Append-only, and separate from the key's row: restoring an old version of that row, whose code is valid, does
-- not make a revoked key valid again.
create table api_key_revocations (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  revoked_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, id) references api_keys (bucket, id)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Deployment: single rows
-- ---------------------------------------------------------------------------------------------------------------------

-- The seed of all deposit addresses, sealed with the master key.
create table master_seeds (
  id smallint primary key check (id = 1),
  sealed text not null check (sealed like 'sealed.v1.%' or sealed like 'sealed.v2.%'),
  created_at timestamptz not null
);

-- The base URL that clients reach the servers by. The command line makes links with it.
create table public_urls (
  id smallint primary key check (id = 1),
  url text not null,
  updated_at timestamptz not null
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Lanes: the state of the writer
-- ---------------------------------------------------------------------------------------------------------------------

-- One row per lane; its bucket is the number of the lane. Every batch increments seq and writes its own id: a server whose
-- expected seq and batch_id still match knows that no other server has written to the lane. seq alone does not suffice, as
-- batches are sent while the one before is still being committed (decision 0026).
create table lane_heads (
  bucket smallint primary key check (bucket between 0 and 63),
  lane_count smallint not null check (lane_count between 1 and 64),
  seq bigint not null check (seq >= 0),
  batch_id text collate "C" not null default ''
);

-- The batches that were committed. Read after a connection was lost during a commit.
create table batches (
  bucket smallint not null,
  id text collate "C" not null,
  seq bigint not null,
  created_at timestamptz not null,
  primary key (bucket, id)
);

-- The end of a lane's hash chain of journals and of its sequence of events, per environment. Both sequences are gapless and
-- in commit order. Each batch updates these rows: the free space lets PostgreSQL keep the new version on the same page.
create table journal_heads (
  bucket smallint not null check (bucket between 0 and 63),
  environment_id text collate "C" not null,
  journal_seq bigint not null check (journal_seq >= 0),
  journal_hash bytea not null check (length(journal_hash) = 32),
  event_seq bigint not null check (event_seq >= 0),
  primary key (bucket, environment_id)
) with (fillfactor = 50);

-- The next derivation index of a lane. Index = counter * 64 + lane, so that no two wallets share an index.
create table derivation_counters (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  next_counter bigint not null check (next_counter between 0 and 33554432),
  primary key (bucket, id)
);

-- The response of each request that had an Idempotency-Key, to be repeated. The body is sealed if it holds personal data.
create table idempotency_keys (
  bucket smallint not null check (bucket between 0 and 63),
  environment_id text collate "C" not null,
  key text collate "C" not null,
  route text not null,
  request_hash bytea not null check (length(request_hash) = 32),
  status smallint not null check (status in (200, 400, 404, 409)),
  body text not null,
  created_at timestamptz not null,
  constraint idempotency_keys_one_effect unique (environment_id, key)
);
create index idempotency_keys_created_at on idempotency_keys using brin (created_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Customers: personal data, identity checks, terms of service, erasure
-- ---------------------------------------------------------------------------------------------------------------------

-- email_index is a keyed fingerprint of the e-mail address. key_salt: the customer's key is derived from it and the master
-- key; erasing a customer sets it to null, which makes everything sealed with the key unreadable. link_generation counts how
-- many times the customer's links have been revoked; a link is valid for one generation.
create table customers (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  type text not null check (type in ('individual', 'business')),
  status text not null check (status in ('active', 'suspended', 'rejected')),
  kyc_status text not null
    check (kyc_status in ('not_started', 'under_review', 'incomplete', 'approved', 'rejected')),
  personal text not null check (personal like 'sealed.v1.%' or personal like 'sealed.v2.%'),
  email_index text not null,
  external_id text,
  metadata json not null,
  kyc_rejection_reasons json not null,
  tos_accepted_at timestamptz,
  link_generation integer not null default 0 check (link_generation >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  key_salt bytea default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    check (length(key_salt) = 32),
  erased_at timestamptz,
  mac text,
  primary key (bucket, id),
  constraint customers_erased check ((key_salt is null) = (erased_at is not null))
);
create index customers_list on customers (environment_id, id desc);
create index customers_by_email on customers (environment_id, email_index, id desc);
create index customers_by_external_id on customers (environment_id, external_id, id desc)
  where external_id is not null;

-- Who had a customer erased, and why. Its id is the customer's. scrubbed_at: when the sealed values, which are unreadable since
-- the erasure, were overwritten.
create table customer_erasures (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  erased_by text not null,
  reason text,
  forced boolean not null,
  retained_until timestamptz,
  erased_at timestamptz not null,
  scrubbed_at timestamptz,
  primary key (bucket, id),
  foreign key (bucket, id) references customers (bucket, id),
  constraint customer_erasures_forced check (not forced or reason is not null)
);
create index customer_erasures_open on customer_erasures (id) where scrubbed_at is null;

-- The identity check of a customer: one per customer, whose id is derived from the customer's. form holds all personal data.
create table identity_cases (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  status text not null check (status in ('draft', 'under_review', 'incomplete', 'approved', 'rejected')),
  form text not null check (form like 'sealed.v1.%' or form like 'sealed.v2.%'),
  version integer not null check (version > 0),
  submitted_at timestamptz,
  decided_at timestamptz,
  decided_by text check (decided_by in ('sandbox', 'operator')),
  reasons json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  unique (bucket, customer_id),
  foreign key (bucket, customer_id) references customers (bucket, id),
  constraint identity_cases_decided check ((decided_at is null) = (decided_by is null))
);
create index identity_cases_waiting on identity_cases (submitted_at) where status = 'under_review';

-- Uploaded documents. Their contents are in identity_document_chunks.
create table identity_documents (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  case_id text collate "C" not null,
  kind text not null,
  content_type text not null check (content_type in ('image/jpeg', 'image/png', 'application/pdf')),
  byte_size integer not null check (byte_size > 0),
  sha256 bytea not null check (length(sha256) = 32),
  created_at timestamptz not null,
  removed_at timestamptz,
  primary key (bucket, id),
  foreign key (bucket, case_id) references identity_cases (bucket, id)
);
create index identity_documents_of_case on identity_documents (case_id, id);
create index identity_documents_removed on identity_documents (removed_at) where removed_at is not null;

-- The bytes of a document in sealed chunks, by the document's id. The server writes them before the document's row and outside
-- the write path, so that no money command waits for megabytes. Chunks without a document have no meaning and are deleted.
-- number counts from 0; number and is_last are part of the sealing context, so that a missing or exchanged chunk is detected.
create table identity_document_chunks (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  number integer not null check (number >= 0),
  is_last boolean not null,
  content text not null check (content like 'sealed.v1.%' or content like 'sealed.v2.%'),
  primary key (bucket, id, number)
);

-- The bytes of a document in one sealed piece. Read, but no longer written.
create table identity_document_contents (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  content text not null check (content like 'sealed.v1.%' or content like 'sealed.v2.%'),
  created_at timestamptz not null,
  primary key (bucket, id)
);
create index identity_document_contents_created_at on identity_document_contents using brin (created_at);

-- Ciphertext does not compress.
alter table identity_document_chunks alter column content set storage external;
alter table identity_document_contents alter column content set storage external;

-- Uploads in progress, by the id of the document that they will become; at most one per case. Chunks are accepted only while
-- their upload is here and has not expired. Retention deletes expired uploads with their chunks, unless the document exists.
create table identity_uploads (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  case_id text collate "C" not null,
  expires_at timestamptz not null,
  primary key (bucket, id),
  unique (bucket, case_id)
);
create index identity_uploads_expires_at on identity_uploads (expires_at);

-- Which text of the terms of service a customer accepted, and when. evidence holds the IP address and the browser.
create table terms_acceptances (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  version text not null,
  text_sha256 bytea not null check (length(text_sha256) = 32),
  evidence text not null check (evidence like 'sealed.v1.%' or evidence like 'sealed.v2.%'),
  accepted_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, customer_id) references customers (bucket, id)
);
create index terms_acceptances_of_customer on terms_acceptances (customer_id, id);

-- External accounts that money is paid out to. account holds the owner's names and address, the bank and all account numbers;
-- the other columns are what transfers and lists select by.
create table counterparties (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  account_type text not null check (account_type in ('us_bank', 'iban', 'gb_bank', 'clabe', 'pix', 'mobile_money',
    'ghipss', 'nip', 'swift')),
  currency text not null check (currency ~ '^[a-z]{3}$'),
  status text not null check (status in ('active', 'inactive')),
  account text not null check (account like 'sealed.v1.%' or account like 'sealed.v2.%'),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, customer_id) references customers (bucket, id)
);
create index counterparties_list on counterparties (environment_id, id desc);
create index counterparties_of_customer on counterparties (customer_id, id desc);

-- ---------------------------------------------------------------------------------------------------------------------
-- Wallets, and where money for them arrives
-- ---------------------------------------------------------------------------------------------------------------------

-- derivation_index derives the deposit addresses from the seed.
create table wallets (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  status text not null check (status in ('active', 'frozen', 'closed')),
  derivation_index bigint not null unique check (derivation_index between 0 and 2147483647),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, customer_id) references customers (bucket, id)
);
create index wallets_list on wallets (environment_id, id desc);
create index wallets_of_customer on wallets (customer_id, id desc);

create table deposit_addresses (
  bucket smallint not null check (bucket between 0 and 63),
  wallet_id text collate "C" not null,
  chain text not null,
  address text collate "C" not null,
  mac text,
  primary key (bucket, wallet_id, chain),
  unique (chain, address),
  foreign key (bucket, wallet_id) references wallets (bucket, id)
);

-- Bank accounts whose deposits are credited to a wallet. account_key is a keyed fingerprint of the account's number, by which
-- incoming money is matched. deposit_instructions are sealed, because they name the customer. Account numbers are drawn at
-- random: violations of virtual_accounts_drawn_number are retried with another number.
create table virtual_accounts (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  wallet_id text collate "C" not null,
  source_currency text not null check (source_currency in ('usd', 'eur', 'gbp', 'mxn', 'brl')),
  status text not null check (status in ('active', 'deactivated')),
  deposit_instructions text not null
    check (deposit_instructions like 'sealed.v1.%' or deposit_instructions like 'sealed.v2.%'),
  account_key text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  constraint virtual_accounts_drawn_number unique (environment_id, source_currency, account_key),
  foreign key (bucket, customer_id) references customers (bucket, id),
  foreign key (bucket, wallet_id) references wallets (bucket, id)
);
create index virtual_accounts_list on virtual_accounts (environment_id, id desc);
create index virtual_accounts_of_customer on virtual_accounts (customer_id, id desc);

-- ---------------------------------------------------------------------------------------------------------------------
-- Transactions: transfers and deposits
-- ---------------------------------------------------------------------------------------------------------------------

-- sandbox_outcome is what the sandbox simulator does with a transfer, selected by a test value: fail, hold_review,
-- hold_payment, or the code that the transfer is returned with. transfer_proof authorises the signer to pay a live transfer on
-- a chain: a code of the process that accepted the transfer, over its destination and its maximum amount; null for every
-- other transaction.
create table transactions (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  wallet_id text collate "C" not null,
  type text not null check (type in ('transfer', 'deposit')),
  status text not null check (status in ('in_review', 'funds_received', 'payment_submitted', 'payment_processed',
    'completed', 'failed', 'returned', 'refunded')),
  amount_minor bigint not null check (amount_minor > 0),
  source_currency text not null,
  destination_currency text not null,
  fee_minor bigint not null check (fee_minor >= 0 and fee_minor < amount_minor),
  net_minor bigint not null check (net_minor = amount_minor - fee_minor),
  source_payment_rail text,
  source_tx_hash text,
  destination_payment_rail text,
  destination_address text,
  destination_tx_hash text,
  final_minor bigint check (final_minor >= 0),
  gas_fee_minor bigint check (gas_fee_minor >= 0),
  exchange_fee_minor bigint check (exchange_fee_minor >= 0),
  exchange_rate text,
  reference text,
  client_reference_id text,
  metadata json not null,
  timeline json not null,
  next_action_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  virtual_account_id text collate "C",
  sender_name text check (sender_name like 'sealed.v1.%' or sender_name like 'sealed.v2.%'),
  payout_account_id text collate "C",
  trace_id text,
  return_code text,
  return_reason text,
  estimated_arrival_at timestamptz,
  sandbox_outcome text check (sandbox_outcome ~ '^(fail|hold_review|hold_payment|return:[A-Z0-9]{2,4})$'),
  transfer_proof text check (transfer_proof like 'proof.v1.%'),
  mac text,
  primary key (bucket, id),
  constraint transactions_one_destination check (destination_address is null or payout_account_id is null)
) with (fillfactor = 80);
create index transactions_list on transactions (environment_id, id desc);
create index transactions_of_customer on transactions (customer_id, id desc);
create index transactions_by_reference on transactions (environment_id, client_reference_id)
  where client_reference_id is not null;
create index transactions_of_virtual_account on transactions (virtual_account_id, id desc)
  where virtual_account_id is not null;
-- What the sandbox simulator has to move on.
create index transactions_due on transactions (next_action_at) where next_action_at is not null;
-- Live transfers on a chain that are waiting for their next step. Those of a sandbox have next_action_at.
create index transactions_open_on_chain on transactions (destination_payment_rail, id)
  where type = 'transfer' and payout_account_id is null and next_action_at is null
    and status in ('in_review', 'funds_received');

-- What screening found about a live transfer before it may be sent, and the decision of an operator on those that have to be
-- reviewed. Its id is the transfer's.
create table screenings (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  verdict text not null check (verdict in ('allow', 'review', 'reject')),
  reason text not null,
  decision text check (decision in ('approved', 'rejected')),
  decision_reason text,
  decided_by text,
  decided_at timestamptz,
  created_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, id) references transactions (bucket, id),
  constraint screenings_decided check (num_nulls(decision, decision_reason, decided_by, decided_at) in (0, 4)),
  constraint screenings_decided_after_review check (decision is null or verdict = 'review')
);
create index screenings_waiting on screenings (id) where verdict = 'review' and decision is null;

-- ---------------------------------------------------------------------------------------------------------------------
-- The ledger
-- ---------------------------------------------------------------------------------------------------------------------

-- balance_minor is on the account's normal side. A wallet can never owe money.
create table accounts (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  kind text not null check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit', 'custody', 'bank',
    'suspense', 'fee_revenue', 'fx_position')),
  normal_side text not null check (normal_side in ('debit', 'credit')),
  currency text not null,
  wallet_id text collate "C",
  chain text,
  balance_minor bigint not null,
  version bigint not null check (version >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id),
  constraint accounts_wallet_never_negative
    check (kind not in ('wallet_available', 'wallet_pending', 'wallet_in_transit') or balance_minor >= 0),
  constraint accounts_wallet_named check ((wallet_id is not null) = (kind like 'wallet_%')),
  constraint accounts_chain_named check ((chain is not null) = (kind = 'custody'))
) with (fillfactor = 50);
create index accounts_list on accounts (environment_id, id desc);

-- seq and hash make the hash chain of a lane and an environment. journals_once: a transaction has at most one journal of each
-- kind, so that no money is reserved, settled, returned or released twice.
create table journals (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  lane smallint not null,
  seq bigint not null check (seq > 0),
  kind text not null,
  transaction_id text collate "C" not null,
  hash bytea not null check (length(hash) = 32),
  created_at timestamptz not null,
  primary key (bucket, id),
  unique (environment_id, lane, seq)
);
create index journals_list on journals (environment_id, id desc);
create unique index journals_once on journals (bucket, transaction_id, kind);

-- The lines of journals. Debits are positive, credits negative: the lines of a journal sum to zero in each currency.
create table postings (
  bucket smallint not null check (bucket between 0 and 63),
  journal_id text collate "C" not null,
  line smallint not null check (line > 0),
  account_bucket smallint not null,
  account_id text collate "C" not null,
  account_version bigint not null check (account_version > 0),
  currency text not null,
  amount_minor bigint not null check (amount_minor <> 0),
  balance_after_minor bigint not null,
  primary key (bucket, journal_id, line)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Events and webhooks
-- ---------------------------------------------------------------------------------------------------------------------

-- data is the JSON text of the object after the change; previous_attributes holds the former values of the changed fields, or
-- null for an event that is not about a change. Both are sealed if the object holds personal data.
create table events (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  lane smallint not null,
  seq bigint not null check (seq > 0),
  type text not null,
  object_id text collate "C" not null,
  customer_id text collate "C",
  data text not null,
  previous_attributes text,
  created_at timestamptz not null,
  primary key (bucket, id),
  unique (environment_id, lane, seq)
);
create index events_list on events (environment_id, id desc);
create index events_object on events (object_id, id desc);
create index events_customer on events (customer_id, id desc) where customer_id is not null;
create index events_created on events using brin (created_at);
-- Most events are about transactions, and events_list finds them quickly. Only the rarer types need an index.
create index events_rare_type on events (environment_id, type, id desc)
  where type <> 'transaction.created' and type <> 'transaction.updated' and type <> 'transaction.completed';

-- previous_secrets are replaced secrets that are still valid, as JSON [{ secret, expiresAt }], sealed as a whole;
-- previous_secret_expires_at is when the last of them expires. These times and enabled_at, disabled_at are by the clock of the
-- environment. max_concurrency and max_per_second apply to each server process; null is the server's default.
-- event_positions is the end of each lane's events when the webhook was created, {"<lane>": "<seq>"}: the webhook receives what
-- comes after. It holds sequence numbers because clocks of servers differ. A lane that is not in it had no events.
-- created_by_key_id is the API key that created the webhook, where it is known.
create table webhooks (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  url text not null,
  events json not null,
  description text,
  status text not null check (status in ('active', 'disabled')),
  secret text not null check (secret like 'sealed.v1.%' or secret like 'sealed.v2.%'),
  deleted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  previous_secrets text check (previous_secrets like 'sealed.v1.%' or previous_secrets like 'sealed.v2.%'),
  previous_secret_expires_at timestamptz,
  enabled_at timestamptz,
  disabled_at timestamptz,
  disabled_reason text check (disabled_reason in ('requested', 'gone', 'failing')),
  max_concurrency smallint check (max_concurrency > 0),
  max_per_second smallint check (max_per_second > 0),
  event_positions json not null default '{}',
  created_by_key_id text collate "C",
  mac text,
  primary key (bucket, id)
);
create index webhooks_list on webhooks (environment_id, id desc);
create index webhooks_of_key on webhooks (created_by_key_id, id) where created_by_key_id is not null;

-- How many webhooks an environment has ever had. The row is in the environment's bucket, in whose lane all its webhooks are
-- created, so that concurrent requests cannot exceed the limit. Deleted webhooks are subtracted from it.
create table webhook_counters (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  created bigint not null check (created >= 0),
  primary key (bucket, id)
);

-- Since when all deliveries to a webhook have failed, by the environment's clock; null after a success.
create table webhook_states (
  bucket smallint not null check (bucket between 0 and 63),
  webhook_id text collate "C" not null,
  failing_since timestamptz,
  last_failure_at timestamptz not null,
  primary key (bucket, webhook_id)
);

-- Events to be delivered to a webhook again: those named by event_ids, or those of a time span. position is the last event
-- that was processed, queued the number of events that were put into the queue.
create table webhook_replays (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  webhook_id text collate "C" not null,
  event_ids json,
  created_after timestamptz,
  created_before timestamptz,
  status text not null check (status in ('running', 'completed')),
  position text collate "C",
  queued integer not null check (queued >= 0),
  created_at timestamptz not null,
  completed_at timestamptz,
  mac text,
  primary key (bucket, id),
  constraint webhook_replays_what
    check ((event_ids is null) = (created_after is not null and created_before is not null))
);
create index webhook_replays_of_webhook on webhook_replays (webhook_id, id desc);
create index webhook_replays_running on webhook_replays (id) where status = 'running';

-- How far the events of a lane have been handed out to webhooks.
create table fan_out_positions (
  bucket smallint not null check (bucket between 0 and 63),
  environment_id text collate "C" not null,
  event_seq bigint not null check (event_seq >= 0),
  primary key (bucket, environment_id)
);

-- One row for each event that a webhook has yet to receive. next_attempt_at is by the environment's clock, claimed_until by the
-- server's. Each webhook's part is read separately, so that a long queue delays no other webhook. Nearly every row is updated
-- and deleted: free space in the pages keeps updates out of the indexes, and vacuum has to run early.
create table delivery_queue (
  bucket smallint not null check (bucket between 0 and 63),
  webhook_id text collate "C" not null,
  event_id text collate "C" not null,
  environment_id text collate "C" not null,
  attempt_number smallint not null check (attempt_number > 0),
  next_attempt_at timestamptz not null,
  claimed_until timestamptz,
  primary key (bucket, webhook_id, event_id)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0.05);
create index delivery_queue_due on delivery_queue (webhook_id, next_attempt_at);

-- Every attempt to deliver an event. response_body is the beginning of the receiver's response.
create table deliveries (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  webhook_id text collate "C" not null,
  event_id text collate "C" not null,
  event_type text not null,
  attempt_number smallint not null,
  http_status smallint,
  success boolean not null,
  duration_ms integer not null,
  error text,
  response_body text check (response_body like 'sealed.v1.%' or response_body like 'sealed.v2.%'),
  next_attempt_at timestamptz,
  created_at timestamptz not null,
  primary key (bucket, id)
);
create index deliveries_of_webhook on deliveries (webhook_id, id desc);
create index deliveries_created_at on deliveries using brin (created_at);

-- ---------------------------------------------------------------------------------------------------------------------
-- Blockchains. Deposits belong to a wallet and are written by the writer. All other tables belong to the whole deployment,
-- have no bucket, and are written by the workers of the chains.
-- ---------------------------------------------------------------------------------------------------------------------

-- How far a chain has been read. Deposits up to confirmed_height are credited; those between confirmed_height and
-- scanned_height are shown as pending. lease_owner is the process that works on the chain, until lease_expires_at.
-- opening_balances: what the treasury held of each token, by currency, before the first block that was read; null if no node
-- could tell. treasury is the address of the treasury.
create table chain_cursors (
  chain text primary key,
  network text not null,
  scanned_height bigint not null,
  confirmed_height bigint not null check (confirmed_height >= -1),
  opening_balances json,
  lease_owner text,
  lease_expires_at timestamptz,
  updated_at timestamptz not null,
  treasury text collate "C",
  constraint chain_cursors_in_order check (confirmed_height <= scanned_height)
);

-- The status of a chain when the process that follows it last checked it, for the operator. Nodes are listed by their hosts.
create table chain_statuses (
  chain text primary key,
  network text not null,
  head_height bigint,
  fault text,
  nodes json not null,
  checked_at timestamptz not null
);

-- The last blocks of the ranges that were read most recently. Another block at one of these heights means a reorg.
create table chain_blocks (
  chain text not null,
  height bigint not null,
  block_id text not null,
  primary key (chain, height)
);

-- One row for each transfer of a listed token to the address of a live wallet. Its id is chain:transaction:ordinal.
create table chain_deposits (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  wallet_id text collate "C" not null,
  chain text not null,
  tx_hash text not null,
  height bigint not null,
  block_id text not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  status text not null check (status in ('pending', 'confirmed', 'credited', 'orphaned')),
  transaction_id text collate "C" not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, wallet_id) references wallets (bucket, id),
  foreign key (bucket, transaction_id) references transactions (bucket, id)
);
create index chain_deposits_open on chain_deposits (chain, height) where status in ('pending', 'confirmed');
create index chain_deposits_of_wallet on chain_deposits (bucket, wallet_id);
-- For reconciliation.
create index chain_deposits_by_height on chain_deposits (chain, height) where status in ('confirmed', 'credited');

-- Tokens that arrived and were not credited, for the operator. received is how much of a listed token actually arrived.
create table uncredited_deposits (
  chain text not null,
  id text collate "C" not null,
  tx_hash text not null,
  height bigint not null,
  reason text not null
    check (reason in ('unlisted_token', 'below_minimum', 'not_received', 'partly_received', 'zero_value', 'too_large',
      'treasury_funding')),
  token text not null,
  address text not null,
  amount text not null check (amount ~ '^[0-9]+$'),
  received text not null check (received ~ '^[0-9]+$'),
  currency text,
  seen_at timestamptz not null,
  primary key (chain, id)
);
create index uncredited_deposits_listed on uncredited_deposits (chain, currency) where currency is not null;
create index uncredited_deposits_by_time on uncredited_deposits (seen_at desc);

-- The next free nonce of a sender on an EVM chain, or slot in its send queue on other chains.
create table chain_sequences (
  chain text not null,
  sender text not null,
  next_sequence bigint not null check (next_sequence >= 0),
  primary key (chain, sender)
);

-- Payments on chains. A transfer has at most one payment, with the transfer's id. The other kinds are treasury operations: a
-- sweep moves a deposit into the treasury (authorised_sweep: by a signed authorisation of the deposit address), a top_up sends
-- native coin to a deposit address to pay the fee of its sweep. address is the destination, or for a sweep the deposit address
-- that it moves from.
--
-- The nonce (sequence) is reserved before the payment is signed, and released only while no signature exists. The signed
-- transaction is stored before it is broadcast, so that after a crash the same bytes are sent again, or others with the same
-- nonce, of which the chain accepts one. A withdrawn payment is never sent: its transfer fails.
create table chain_payments (
  chain text not null,
  id text collate "C" not null,
  kind text not null check (kind in ('transfer', 'sweep', 'authorised_sweep', 'top_up')),
  sender text not null,
  sequence bigint check (sequence >= 0),
  currency text check ((currency is null) = (kind = 'top_up')),
  address text not null,
  wallet_index int check ((wallet_index is null) = (kind = 'transfer')),
  amount numeric(78, 0) not null check (amount > 0),
  status text not null check (status in ('open', 'completed', 'failed', 'withdrawn')),
  tx_hash text,
  height bigint,
  fee_native numeric(78, 0) check (fee_native >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (id),
  unique (chain, sender, sequence),
  constraint chain_payments_reserved check ((status = 'withdrawn') = (sequence is null)),
  constraint chain_payments_ended check ((status in ('completed', 'failed')) = (tx_hash is not null))
);
create index chain_payments_open on chain_payments (chain, sequence) where status = 'open';
create index chain_payments_ended on chain_payments (chain, height) where status = 'completed';
-- At most one open treasury operation per address and currency.
create unique index chain_payments_one_treasury_operation on chain_payments (chain, address, coalesce(currency, ''))
  where status = 'open' and kind <> 'transfer';

-- Every signed transaction of a payment: the first, and its replacements with higher fees.
create table chain_attempts (
  payment_id text collate "C" not null references chain_payments (id),
  number smallint not null check (number > 0),
  tx_hash text not null unique,
  raw text not null,
  terms text not null,
  signed_at timestamptz not null,
  mac text,
  primary key (payment_id, number)
);

-- Deposit addresses that may hold something to sweep: inserted when a deposit is credited, deleted when the balance turns out
-- to be too small. height is that of the newest deposit.
create table sweep_candidates (
  chain text not null,
  address text collate "C" not null,
  currency text not null,
  wallet_index int not null,
  height bigint not null,
  checked_at timestamptz,
  primary key (chain, address, currency)
);
create index sweep_candidates_next on sweep_candidates (chain, checked_at nulls first);

-- What the signer has signed for the treasury while it runs inside the server. A separate signer keeps its own record, which
-- the server cannot reach.

-- The intent of each signed payment, by its reference: it may be signed again, but not changed.
create table signed_payments (
  reference text collate "C" primary key,
  intent text not null,
  nonce text,
  counted json not null,
  signed_at timestamptz not null
);

-- What was signed away per day. Native coin is counted in its smallest unit, which exceeds a bigint.
create table daily_spending (
  chain text not null,
  asset text not null,
  day date not null,
  spent numeric(78, 0) not null check (spent >= 0),
  primary key (chain, asset, day)
);

-- ---------------------------------------------------------------------------------------------------------------------
-- Append-only tables. These privileges bind the owner too; only a superuser can change the rows, and `verify` detects it.
-- ---------------------------------------------------------------------------------------------------------------------

revoke update, delete, truncate on journals, postings, api_key_revocations from current_user;
revoke update, truncate on events from current_user;
revoke update on terms_acceptances from current_user;

-- Codes are computed again when the master key rotates.
grant update (mac) on terms_acceptances, api_key_revocations to current_user;
-- Sealed values are sealed again when keys rotate, and overwritten when their customer is erased.
grant update (data, previous_attributes) on events to current_user;
grant update (evidence) on terms_acceptances to current_user;
