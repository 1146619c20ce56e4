-- Every row carries the bucket (0..63) that its customer lies in, and the bucket leads every primary key, so that a
-- distributed engine can keep what one batch writes on one shard. Ids are compared byte by byte (collate "C"):
-- they sort by the time they were made in.

-- rate_limit: writes/reads a second for each of its keys, 'off', or null for the server's own setting.
create table organisations (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  name text not null unique,
  rate_limit text check (rate_limit = 'off' or rate_limit ~ '^[1-9][0-9]{0,6}/[1-9][0-9]{0,6}$'),
  created_at timestamptz not null,
  primary key (bucket, id)
);

create table environments (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  organisation_id text collate "C" not null,
  kind text not null check (kind in ('test', 'live')),
  created_at timestamptz not null,
  primary key (bucket, id),
  unique (bucket, organisation_id, kind),
  foreign key (bucket, organisation_id) references organisations (bucket, id)
);

create table api_keys (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  name text not null,
  prefix text collate "C" not null unique,
  secret_hash bytea not null check (length(secret_hash) = 32),
  created_at timestamptz not null,
  revoked_at timestamptz,
  primary key (bucket, id),
  foreign key (bucket, environment_id) references environments (bucket, id)
);

-- The seed of all deposit addresses, sealed with the master key. There is one for the whole deployment.
create table master_seeds (
  id smallint primary key check (id = 1),
  sealed text not null check (sealed like 'sealed.v1.%'),
  created_at timestamptz not null
);

-- One row a lane; its bucket is the lane's number. Every batch raises seq, so an unchanged seq proves that nobody
-- else has written to the lane.
create table lane_heads (
  bucket smallint primary key check (bucket between 0 and 63),
  lane_count smallint not null check (lane_count between 1 and 64),
  seq bigint not null check (seq >= 0)
);

-- A lane's journal hash chain and event sequence, per environment. Gapless, in commit order.
create table chain_heads (
  bucket smallint not null check (bucket between 0 and 63),
  environment_id text collate "C" not null,
  journal_seq bigint not null check (journal_seq >= 0),
  journal_hash bytea not null check (length(journal_hash) = 32),
  event_seq bigint not null check (event_seq >= 0),
  primary key (bucket, environment_id)
) with (fillfactor = 50);

-- Which batches have been committed: asked when a connection is lost in the middle of a commit.
create table batches (
  bucket smallint not null,
  id text collate "C" not null,
  seq bigint not null,
  created_at timestamptz not null,
  primary key (bucket, id)
);

-- Counts the derivation indexes given out by a lane. Index = counter * 64 + lane, so no two wallets share one.
create table derivation_counters (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  next_counter bigint not null check (next_counter between 0 and 33554432),
  primary key (bucket, id)
);

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

create table customers (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  type text not null check (type in ('individual', 'business')),
  status text not null check (status in ('active', 'suspended', 'rejected')),
  kyc_status text not null
    check (kyc_status in ('not_started', 'under_review', 'incomplete', 'approved', 'rejected')),
  personal text not null check (personal like 'sealed.v1.%'),
  email_index text not null,
  external_id text,
  metadata json not null,
  kyc_rejection_reasons json not null,
  tos_accepted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id)
);
create index customers_list on customers (environment_id, id desc);

create table wallets (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  status text not null check (status in ('active', 'frozen', 'closed')),
  derivation_index bigint not null unique check (derivation_index between 0 and 2147483647),
  created_at timestamptz not null,
  updated_at timestamptz not null,
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
  primary key (bucket, wallet_id, chain),
  unique (chain, address),
  foreign key (bucket, wallet_id) references wallets (bucket, id)
);

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
  primary key (bucket, id)
) with (fillfactor = 80);
create index transactions_list on transactions (environment_id, id desc);
create index transactions_of_customer on transactions (customer_id, id desc);
create index transactions_by_reference on transactions (environment_id, client_reference_id)
  where client_reference_id is not null;
create index transactions_due on transactions (next_action_at) where next_action_at is not null;

-- Balances are kept on the account's normal side. A wallet can never owe us money.
create table accounts (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  kind text not null check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit', 'custody',
    'fee_revenue', 'fx_position')),
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
create index journals_of_transaction on journals (bucket, transaction_id);

-- Debits are positive, credits negative: the lines of a journal sum to zero in each currency.
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
  created_at timestamptz not null,
  primary key (bucket, id),
  unique (environment_id, lane, seq)
);
create index events_list on events (environment_id, id desc);

create table webhooks (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  url text not null,
  events json not null,
  description text,
  status text not null check (status in ('active', 'disabled')),
  secret text not null check (secret like 'sealed.v1.%'),
  deleted_at timestamptz,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id)
);
create index webhooks_list on webhooks (environment_id, id desc);

-- How far a lane's events have been handed out to the webhooks.
create table fan_out_positions (
  bucket smallint not null check (bucket between 0 and 63),
  environment_id text collate "C" not null,
  event_seq bigint not null check (event_seq >= 0),
  primary key (bucket, environment_id)
);

-- One row for each event that a webhook has still to receive. A claim moves next_attempt_at ahead by its lease.
create table delivery_queue (
  bucket smallint not null check (bucket between 0 and 63),
  webhook_id text collate "C" not null,
  event_id text collate "C" not null,
  environment_id text collate "C" not null,
  attempt_number smallint not null check (attempt_number > 0),
  next_attempt_at timestamptz not null,
  primary key (bucket, webhook_id, event_id)
);
create index delivery_queue_due on delivery_queue (next_attempt_at);

-- Every attempt that was made.
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
  response_body text check (response_body like 'sealed.v1.%'),
  next_attempt_at timestamptz,
  created_at timestamptz not null,
  primary key (bucket, id)
);
create index deliveries_of_webhook on deliveries (webhook_id, id desc);

-- What the books say is never changed, only added to. (A superuser can; verify finds it.)
revoke update, delete, truncate on journals, postings from current_user;
revoke update, truncate on events from current_user;
