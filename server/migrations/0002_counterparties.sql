-- External accounts that money is paid out to. `account` holds everything that is personal or a number of the account:
-- the owner's names and address, the bank, the identifiers. What is left is what transfers and lists choose by.
create table counterparties (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  account_type text not null check (account_type in ('us_bank', 'iban', 'gb_bank', 'clabe', 'pix', 'mobile_money',
    'ghipss', 'nip', 'swift')),
  currency text not null check (currency ~ '^[a-z]{3}$'),
  status text not null check (status in ('active', 'inactive')),
  account text not null check (account like 'sealed.v1.%'),
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id),
  foreign key (bucket, customer_id) references customers (bucket, id)
);
create index counterparties_list on counterparties (environment_id, id desc);
create index counterparties_of_customer on counterparties (customer_id, id desc);
