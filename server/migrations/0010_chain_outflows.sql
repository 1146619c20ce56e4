-- What left our own addresses on a chain and no payment of the books explains: a nonce that the chain has used (sequence), or a
-- movement of tokens (tx_hash). While one has no resolution, the chain is held.
--
-- resolution: payment, it paid the transfer or is the payment that reference names; outflow, the outflow that reference names was
-- booked; no_outflow, nothing left our addresses with it; vanished, the transaction was never mined and is not pending any more.
create table chain_outflows (
  chain text not null,
  id text collate "C" not null,
  sender text not null,
  sequence bigint check (sequence >= 0),
  tx_hash text,
  height bigint,
  currency text,
  address text,
  amount numeric(78, 0) check (amount > 0),
  seen_at timestamptz not null,
  resolution text check (resolution in ('payment', 'outflow', 'no_outflow', 'vanished')),
  reference text,
  reason text,
  resolved_by text,
  resolved_at timestamptz,
  mac text,
  primary key (chain, id),
  constraint chain_outflows_named check (sequence is not null or tx_hash is not null),
  constraint chain_outflows_resolved check ((resolution is null) = (resolved_at is null))
);
create index chain_outflows_by_transaction on chain_outflows (chain, tx_hash) where tx_hash is not null;
create index chain_outflows_unknown on chain_outflows (chain, seen_at) where resolution is null;

-- Outflows of the treasury that paid no transfer, each booked by an operator with one journal of kind treasury_outflow: a loss.
create table treasury_outflows (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  chain text not null,
  tx_hash text not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  address text not null,
  reason text not null,
  booked_by text not null,
  created_at timestamptz not null,
  mac text,
  primary key (bucket, id)
);

-- When each process last checked what leaves a chain, by the clock of the database. After a gap, or if the mark of a process is not the
-- one that it left, the database may be older than the chain.
create table chain_watches (
  chain text not null,
  owner text not null,
  watched_at timestamptz not null,
  primary key (chain, owner)
);

-- timeline: that of the database when the chain was last checked; on another one it may be older than the chain, too.
-- unsettled_height: the newest block when the database may have been older; nothing is signed until every transaction that was signed
-- before has expired. Null if there was no such moment.
alter table chain_cursors
  add column timeline text,
  add column unsettled_height bigint;

-- chain_loss: what the house has lost on chains, an expense.
do $$ begin
  if not exists (select from pg_constraint where conname = 'accounts_kind_check'
      and pg_get_constraintdef(oid) like '%chain_loss%') then
    alter table accounts drop constraint accounts_kind_check;
    alter table accounts add constraint accounts_kind_check check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit',
      'custody', 'bank', 'suspense', 'fee_revenue', 'fx_position', 'chain_loss'));
  end if;
end $$;
