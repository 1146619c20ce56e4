-- What is known of the real chains. Deposits belong to a customer and are written by the writer; everything else here is
-- the chains' own bookkeeping: it belongs to the whole deployment, has no bucket, and is written by the chain workers.

-- How far a chain has been read. Up to confirmed_height everything has been credited; between it and scanned_height
-- deposits are shown as pending. The lease owner is the process that works on the chain now.
create table chain_cursors (
  chain text primary key,
  network text not null,
  scanned_height bigint not null,
  confirmed_height bigint not null check (confirmed_height >= -1),
  -- What the treasury held of each token, by currency, before the first block that was read; null when no node could say.
  opening_balances json,
  lease_owner text,
  lease_expires_at timestamptz,
  updated_at timestamptz not null,
  constraint chain_cursors_in_order check (confirmed_height <= scanned_height)
);

-- The status of a chain in the last turn of the process that follows it. Nodes are named by their hosts.
create table chain_statuses (
  chain text primary key,
  network text not null,
  head_height bigint,
  fault text,
  nodes json not null,
  checked_at timestamptz not null
);

-- The ends of the ranges that were read last: a block of another id at one of these heights tells of a reorganisation.
create table chain_blocks (
  chain text not null,
  height bigint not null,
  block_id text not null,
  primary key (chain, height)
);

-- One row for each transfer of a listed token to a live wallet's address; its id is chain:transaction:ordinal.
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
  primary key (bucket, id),
  foreign key (bucket, wallet_id) references wallets (bucket, id),
  foreign key (bucket, transaction_id) references transactions (bucket, id)
);
create index chain_deposits_open on chain_deposits (chain, height) where status in ('pending', 'confirmed');
create index chain_deposits_of_wallet on chain_deposits (bucket, wallet_id);

-- Transfers to watched addresses that were not credited, for the operator.
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
  -- The received amount of a configured token.
  received text not null check (received ~ '^[0-9]+$'),
  currency text,
  seen_at timestamptz not null,
  primary key (chain, id)
);
create index uncredited_deposits_listed on uncredited_deposits (chain, currency) where currency is not null;
create index uncredited_deposits_by_time on uncredited_deposits (seen_at desc);

-- Every live transfer on a chain that waits for its next step: those of the sandbox have a time of their own for it.
create index transactions_open_on_chain on transactions (destination_payment_rail, id)
  where type = 'transfer' and payout_account_id is null and next_action_at is null
    and status in ('in_review', 'funds_received');
