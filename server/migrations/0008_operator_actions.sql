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
