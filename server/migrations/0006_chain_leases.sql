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
