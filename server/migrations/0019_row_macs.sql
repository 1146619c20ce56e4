-- Rows that give rights or direct money carry a message authentication code under a key of the vault, over the fields that
-- store/authenticated-rows.ts names, the table and the primary key. A row without one is not ours. Rows from before this file
-- get theirs when the first server starts after it, or by `openledger authenticate-rows` (decision 0034).
alter table organisations add column mac text;
alter table environments add column mac text;
alter table api_keys add column mac text;
alter table customers add column mac text;
alter table identity_cases add column mac text;
alter table terms_acceptances add column mac text;
alter table counterparties add column mac text;
alter table wallets add column mac text;
alter table deposit_addresses add column mac text;
alter table transactions add column mac text;
alter table chain_deposits add column mac text;
alter table screenings add column mac text;
alter table virtual_accounts add column mac text;
alter table webhooks add column mac text;
alter table webhook_replays add column mac text;
alter table chain_payments add column mac text;
alter table chain_attempts add column mac text;

-- That a key was revoked, beside the key's own row: the old row with its old code, written back, opens nothing.
create table api_key_revocations (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  revoked_at timestamptz not null,
  mac text,
  primary key (bucket, id),
  foreign key (bucket, id) references api_keys (bucket, id)
);
insert into api_key_revocations (bucket, id, environment_id, revoked_at)
  select bucket, id, environment_id, revoked_at from api_keys where revoked_at is not null;
revoke update, delete, truncate on api_key_revocations from current_user;
-- Nothing else of these rows ever changes. Rows from before get their codes by this.
grant update (mac) on terms_acceptances, api_key_revocations to current_user;
