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
