-- What is sent on the real chains. The signed transaction is stored before anybody is told of it: whatever happens then,
-- it is these bytes that are sent again, or others in the same place of the sender's order, of which the chain takes one.

-- The next nonce (EVM) or slot in the send queue (Solana, Tron) of each sender.
create table chain_sequences (
  chain text not null,
  sender text not null,
  next_sequence bigint not null check (next_sequence >= 0),
  primary key (chain, sender)
);

-- One payment for each transfer, whose id it has: never two. Beside transfers there are those that bring deposits into
-- the treasury (sweep, authorised_sweep), and native coin for what the former cost (top_up). Its nonce or slot is
-- reserved before it is signed, and released only while nothing is. A withdrawn payment is never reserved: its transfer fails.
create table chain_payments (
  chain text not null,
  id text collate "C" not null,
  kind text not null check (kind in ('transfer', 'sweep', 'authorised_sweep', 'top_up')),
  sender text not null,
  sequence bigint check (sequence >= 0),
  currency text check ((currency is null) = (kind = 'top_up')),
  -- Where it goes, or for sweeps the deposit address that it comes from.
  address text not null,
  wallet_index int check ((wallet_index is null) = (kind = 'transfer')),
  amount numeric(78, 0) not null check (amount > 0),
  status text not null check (status in ('open', 'completed', 'failed', 'withdrawn')),
  tx_hash text,
  height bigint,
  fee_native numeric(78, 0) check (fee_native >= 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (id),
  unique (chain, sender, sequence),
  constraint chain_payments_reserved check ((status = 'withdrawn') = (sequence is null)),
  constraint chain_payments_ended check ((status in ('completed', 'failed')) = (tx_hash is not null))
);
create index chain_payments_open on chain_payments (chain, sequence) where status = 'open';
create unique index chain_payments_one_treasury_operation on chain_payments (chain, address, coalesce(currency, ''))
  where status = 'open' and kind <> 'transfer';
create index chain_payments_ended on chain_payments (chain, height) where status = 'completed';

-- Every signed transaction of a payment: the first one, and those with higher fees that may take its place.
create table chain_attempts (
  payment_id text collate "C" not null references chain_payments (id),
  number smallint not null check (number > 0),
  tx_hash text not null unique,
  raw text not null,
  terms text not null,
  signed_at timestamptz not null,
  primary key (payment_id, number)
);

-- Deposit addresses that may hold tokens for the treasury: added when a deposit is final, removed when the balance is too
-- small. The height is that of the newest deposit.
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

-- What was found about a live transfer before it may be sent, and who decided about those that had to be looked at.
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
  primary key (bucket, id),
  foreign key (bucket, id) references transactions (bucket, id),
  constraint screenings_decided check (num_nulls(decision, decision_reason, decided_by, decided_at) in (0, 4)),
  constraint screenings_decided_after_review check (decision is null or verdict = 'review')
);
create index screenings_waiting on screenings (id) where verdict = 'review' and decision is null;
