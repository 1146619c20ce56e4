-- Real chains: holds, deep reorganisations, one signature for a reference, leases, internal transfers, orders of operators.

-- Holds. While a chain has an open hold, nothing of it is signed: accepted transfers wait, and what is signed is followed on. An
-- operator opens a hold of kind paused; the server opens the others. A hold is released by an operator only. figures is what the
-- hold is about by currency, in minor units, for kinds that compare it later.
create table chain_holds (
  id text collate "C" primary key,
  chain text not null,
  kind text not null check (kind ~ '^[a-z_]{1,40}$'),
  detail text not null,
  figures json,
  opened_at timestamptz not null,
  opened_by text,
  released_at timestamptz,
  released_by text,
  release_reason text,
  mac text,
  constraint chain_holds_released check ((released_at is null) = (released_by is null)
    and (released_at is null) = (release_reason is null))
);
-- At most one open hold of a kind for each chain.
create unique index chain_holds_open on chain_holds (chain, kind) where released_at is null;
create index chain_holds_by_time on chain_holds (chain, opened_at desc);

-- The signer signs one reference once, and a further transaction only after the last one has expired.

-- Unsigned transactions that are with the signer. They are stored before it is asked: after a lost answer or a crash the same
-- bytes are asked for again. Deleted when the signed transaction is stored, or when the signer has refused the bytes.
create table chain_drafts (
  payment_id text collate "C" not null references chain_payments (id),
  number smallint not null check (number > 0),
  unsigned text not null,
  terms text not null,
  created_at timestamptz not null,
  mac text,
  primary key (payment_id, number)
);

-- The last transaction that was signed under a reference: its bytes, the caller's description of them, the chain's id, and on
-- chains without nonces which blocks can contain it. Null in records from before, of which only the time is known.
alter table signed_payments
  add column unsigned text,
  add column terms text,
  add column transaction_id text,
  add column validity json;

-- How many entries the record of a separate signer has, as it last reported. A signer with fewer was restored from an old copy.
create table signer_records (
  id smallint primary key check (id = 1),
  entries bigint not null check (entries >= 0)
);

-- Reorganisations deeper than the blocks that count as final, and payments that wait for an operator.

-- first_height: the first block that was read; null for a chain that was followed before this migration. reorganisations counts the
-- deep ones: a payment that was judged before one of them is judged again.
alter table chain_cursors
  add column first_height bigint,
  add column reorganisations integer not null default 0 check (reorganisations >= 0);

-- The ids of confirmed blocks are kept in chain_blocks too, for a window of heights. Another block at one of these heights is a deep
-- reorganisation, and the newest height with the same block is where the chain forked.

-- The deep reorganisations of a chain, for the operator. Blocks after fork_height were replaced; deposits had been credited up to
-- confirmed_height. former_block_id and block_id are the blocks at the lowest kept height that differs. checked_at: when the
-- credited deposits above the fork had been compared with the new branch.
create table chain_reorganisations (
  chain text not null,
  number integer not null check (number > 0),
  fork_height bigint not null,
  confirmed_height bigint not null,
  former_block_id text not null,
  block_id text not null,
  deposits_reversed integer not null default 0 check (deposits_reversed >= 0),
  payments_reopened integer not null default 0 check (payments_reopened >= 0),
  detected_at timestamptz not null,
  checked_at timestamptz,
  primary key (chain, number)
);
create index chain_reorganisations_unchecked on chain_reorganisations (chain) where checked_at is null;

-- lost_minor: what could not be taken back from the customer when the deposit's block vanished, in the credited currency. The deposit
-- pays it back if its transaction is in a block again.
alter table chain_deposits add column lost_minor bigint check (lost_minor > 0);

-- attention: why the payment waits for an operator; null while it needs none.
-- unclear: a transaction of it succeeded without its movement of tokens. nonce_taken: a transaction that was not signed for it has used
-- its nonce. transfer_ended: its transfer has failed, and a transaction of it may still be mined, or has been.
-- reopened_at: when a payment that had ended was opened again because its block vanished.
alter table chain_payments
  add column attention text check (attention in ('unclear', 'nonce_taken', 'transfer_ended')),
  add column attention_detail text,
  add column reopened_at timestamptz,
  add constraint chain_payments_attention check ((attention is null) = (attention_detail is null));
drop index chain_payments_ended;
create index chain_payments_ended on chain_payments (chain, height) where status in ('completed', 'failed');
-- At most one open treasury operation per address and currency, beside those whose block vanished.
drop index chain_payments_one_treasury_operation;
create unique index chain_payments_one_treasury_operation on chain_payments (chain, address, coalesce(currency, ''))
  where status = 'open' and kind <> 'transfer' and reopened_at is null;

-- chain_loss: what the house has lost on chains, an expense.
alter table accounts drop constraint accounts_kind_check;
alter table accounts add constraint accounts_kind_check check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit',
  'custody', 'bank', 'suspense', 'fee_revenue', 'fx_position', 'chain_loss'));

-- created_tx is the transaction that stored the address. Address books load what later transactions stored: clocks of processes
-- differ, and hide nothing. Null in rows from before, which are loaded at every start.
alter table deposit_addresses add column created_tx xid8;
alter table deposit_addresses alter column created_tx set default pg_current_xact_id();
create index deposit_addresses_new on deposit_addresses (chain, created_tx) where created_tx is not null;

-- Up to reread_height the final blocks were read a second time. Up to unlisted_height tokens that are not configured were read,
-- where that is a read of its own. Null until the first such read.
alter table chain_cursors add column reread_height bigint;
alter table chain_cursors add column unlisted_height bigint;

-- Why deposits that need a conversion wait, for the operator; null if there is a rate or none is needed.
alter table chain_statuses add column rate_fault text;

-- Final blocks that are read again, for what is not recorded yet: a range that an operator asked for (requested), or a block
-- of which only a part was recorded because it holds more than a turn records (over_limit), or because no node could measure
-- what was received (not_measured). Blocks before next_height are done. waiting is how many transfers of it were left; found
-- how many were recorded for the first time.
create table chain_rescans (
  chain text not null,
  reason text not null check (reason in ('requested', 'over_limit', 'not_measured')),
  from_height bigint not null check (from_height >= 0),
  to_height bigint not null,
  next_height bigint not null,
  waiting bigint not null check (waiting >= 0),
  found bigint not null check (found >= 0),
  tries int not null check (tries >= 0),
  fault text,
  created_at timestamptz not null,
  next_try_at timestamptz not null,
  finished_at timestamptz,
  primary key (chain, reason, from_height, to_height),
  constraint chain_rescans_in_order check (from_height <= to_height and next_height between from_height and to_height + 1)
);
create index chain_rescans_open on chain_rescans (chain, next_try_at) where finished_at is null;

-- Which process does which work on a chain, until expires_at. Reading it, paying and sweeping have leases of their own, so that
-- none of them waits for another.
create table chain_leases (
  chain text not null,
  work text not null check (work in ('reading', 'payments', 'sweeps')),
  owner text not null,
  expires_at timestamptz not null,
  primary key (chain, work)
);

-- A lease lasts for seconds: the processes take new ones.
alter table chain_cursors drop column lease_owner, drop column lease_expires_at;

-- What treasury operations have cost on a day.
create index chain_payments_treasury_operations on chain_payments (chain, created_at) where kind <> 'transfer';

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

-- What operators have ordered about payments and deposits on chains, and what became of it. The worker of the chain carries an
-- action out. subject is a payment (of a transfer: the transfer's id), an uncredited deposit, or a sender of transactions. The
-- actions of a subject are numbered; only the last can be open, and it is changed until it has ended.
--
-- booked_minor is how much of an uncredited deposit the action has taken into custody on the books.
create table operator_actions (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  chain text not null,
  kind text not null check (kind in ('payment_bump', 'payment_cancel', 'payment_resolve', 'deposit_credit',
    'deposit_return', 'deposit_write_off', 'nonce_fill')),
  subject text collate "C" not null,
  number int not null check (number > 0),
  parameters json not null,
  reason text not null check (reason <> ''),
  requested_by text not null check (requested_by <> ''),
  status text not null check (status in ('requested', 'accepted', 'done', 'refused')),
  result text,
  currency text,
  booked_minor bigint check (booked_minor > 0),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  unique (subject, number),
  constraint operator_actions_booked check (booked_minor is null or currency is not null)
);
create index operator_actions_open on operator_actions (chain, created_at) where status in ('requested', 'accepted');
create index operator_actions_list on operator_actions (created_at desc, id);
-- One transaction on a chain is the evidence of one payment.
create unique index operator_actions_evidence on operator_actions (chain, (parameters ->> 'txHash'))
  where kind = 'payment_resolve' and status in ('accepted', 'done') and parameters ->> 'txHash' is not null;
create index operator_actions_booked on operator_actions (chain, currency) where booked_minor is not null;

-- Transactions that use the nonce of a payment which an operator has cancelled: transfers of nothing from the sender to itself.
-- The chain accepts at most one transaction with the nonce: once it is one of these, the payment can never land.
create table void_attempts (
  payment_id text collate "C" not null references chain_payments (id),
  number smallint not null check (number > 0),
  tx_hash text not null unique,
  raw text not null,
  terms text not null,
  signed_at timestamptz not null,
  mac text,
  primary key (payment_id, number)
);

-- nonce_fill: a transfer of nothing from a sender to itself, which uses a nonce that nothing else uses. deposit_return: an
-- uncredited deposit goes to an address that the operator named, from the deposit address or, without an index, from the treasury;
-- token is its contract or mint.
alter table chain_payments add column token text;
alter table chain_payments
  drop constraint chain_payments_kind_check,
  drop constraint chain_payments_check,
  drop constraint chain_payments_check1,
  drop constraint chain_payments_amount_check,
  add constraint chain_payments_kind_check
    check (kind in ('transfer', 'sweep', 'authorised_sweep', 'top_up', 'nonce_fill', 'deposit_return')),
  add constraint chain_payments_currency check ((currency is null) = (kind in ('top_up', 'nonce_fill'))
    or kind = 'deposit_return'),
  add constraint chain_payments_index check ((wallet_index is null) = (kind = 'transfer')
    or kind in ('nonce_fill', 'deposit_return')),
  add constraint chain_payments_token check ((token is not null) = (kind = 'deposit_return')),
  add constraint chain_payments_amount_check check (amount > 0 or (kind = 'nonce_fill' and amount = 0));

-- Why a payment waits, as the worker of its chain sees it: for the operator. Rewritten when that changes.
create table payment_waits (
  chain text not null,
  id text collate "C" not null,
  reason text not null,
  since timestamptz not null,
  primary key (chain, id)
);

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

-- What the sender of a live transfer on Solana is charged for the receiver's token account, as a part of fee_minor: 0 if the account
-- exists. Null for every other transaction, and for transfers of earlier releases, which were not charged.
alter table transactions
  add column account_fee_minor bigint check (account_fee_minor between 0 and fee_minor);
