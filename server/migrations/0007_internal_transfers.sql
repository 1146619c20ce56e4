-- Transfers to a deposit address of this deployment are booked, not sent on their chain.

-- Between the two wallets of an internal transfer: what has left the one and not reached the other.
alter table accounts drop constraint accounts_kind_check;
alter table accounts add constraint accounts_kind_check check (kind in ('wallet_available', 'wallet_pending',
  'wallet_in_transit', 'custody', 'bank', 'suspense', 'fee_revenue', 'fx_position', 'chain_loss', 'internal_transit'));

-- One row for each internal transfer, in the bucket of the sender; its id is the transfer's. It is written with the settlement of
-- the transfer. deposit_id is the transaction that credits the receiver: written by the same statement if both wallets are in
-- one lane and environment, and otherwise by a later one while the row is open. amount_minor is what the receiver gets, in
-- currency, before a conversion.
create table internal_transfers (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  receiver_environment_id text collate "C" not null,
  receiver_wallet_id text collate "C" not null,
  deposit_id text collate "C" not null,
  chain text not null,
  currency text not null,
  amount_minor bigint not null check (amount_minor > 0),
  status text not null check (status in ('open', 'credited')),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, id) references transactions (bucket, id)
);
create index internal_transfers_open on internal_transfers (id) where status = 'open';
create index internal_transfers_of_environment on internal_transfers (environment_id, id);
