-- A sandbox can be emptied and its clock moved forward: what its keys open is named by `current_id`, another one after
-- each reset, and its time is ahead of ours by the offset.
alter table environments
  add column current_id text collate "C",
  add column clock_offset_ms bigint not null default 0;
update environments set current_id = id;
alter table environments
  alter column current_id set not null,
  add constraint environments_clock check (clock_offset_ms >= 0 and (kind = 'test' or clock_offset_ms = 0)),
  add constraint environments_reset check (kind = 'test' or current_id = id);
create unique index environments_current on environments (current_id);

-- next_attempt_at is a time of the environment's clock, claimed_until one of ours.
alter table delivery_queue add column claimed_until timestamptz;

-- Fiat accounts that pay into a wallet. account_key is the one number that money finds it by, as a keyed fingerprint;
-- deposit_instructions are sealed, for they name the customer.
create table virtual_accounts (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  wallet_id text collate "C" not null,
  source_currency text not null check (source_currency in ('usd', 'eur', 'gbp', 'mxn', 'brl')),
  status text not null check (status in ('active', 'deactivated')),
  deposit_instructions text not null check (deposit_instructions like 'sealed.v1.%'),
  account_key text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id),
  constraint virtual_accounts_drawn_number unique (environment_id, source_currency, account_key),
  foreign key (bucket, customer_id) references customers (bucket, id),
  foreign key (bucket, wallet_id) references wallets (bucket, id)
);
create index virtual_accounts_list on virtual_accounts (environment_id, id desc);
create index virtual_accounts_of_customer on virtual_accounts (customer_id, id desc);

-- sandbox_outcome is what the simulated rail will do with a transfer, chosen by a magic value: `fail`, `hold_review`,
-- `hold_payment`, or the code that it will be returned with.
alter table transactions
  add column virtual_account_id text collate "C",
  add column sender_name text check (sender_name like 'sealed.v1.%'),
  add column payout_account_id text collate "C",
  add column trace_id text,
  add column return_code text,
  add column return_reason text,
  add column estimated_arrival_at timestamptz,
  add column sandbox_outcome text
    check (sandbox_outcome ~ '^(fail|hold_review|hold_payment|return:[A-Z0-9]{2,4})$'),
  add constraint transactions_one_destination
    check (destination_address is null or payout_account_id is null);
create index transactions_of_virtual_account on transactions (virtual_account_id, id desc)
  where virtual_account_id is not null;

-- Whatever happens to a transaction happens to its money once: reserved, settled, returned, released.
drop index journals_of_transaction;
create unique index journals_once on journals (bucket, transaction_id, kind);

-- Money at our bank, and money that arrived for nobody and goes back.
alter table accounts
  drop constraint accounts_kind_check,
  add constraint accounts_kind_check check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit',
    'custody', 'bank', 'suspense', 'fee_revenue', 'fx_position'));
