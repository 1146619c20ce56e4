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
