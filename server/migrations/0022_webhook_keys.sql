-- The API key that made a webhook; null for those that were made before this was written down.
alter table webhooks add column created_by_key_id text collate "C";
create index webhooks_of_key on webhooks (created_by_key_id, id) where created_by_key_id is not null;
