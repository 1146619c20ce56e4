-- Secrets that were replaced and are still valid: [{ secret, expiresAt }] as JSON, sealed as a whole, and when the last of
-- them expires. These times, and when and why a webhook was disabled, are by the environment's clock.
-- max_concurrency and max_per_second hold in each process; null is the server's own choice.
alter table webhooks
  add column previous_secrets text check (previous_secrets like 'sealed.v1.%'),
  add column previous_secret_expires_at timestamptz,
  add column enabled_at timestamptz,
  add column disabled_at timestamptz,
  add column disabled_reason text check (disabled_reason in ('requested', 'gone', 'failing')),
  add column max_concurrency smallint check (max_concurrency > 0),
  add column max_per_second smallint check (max_per_second > 0);
update webhooks set disabled_at = updated_at, disabled_reason = 'requested' where status = 'disabled';

-- How many webhooks an environment has ever had, in its own bucket: all of them are created in that lane, so the limit
-- holds whoever races. How many it has is this less those that were deleted, whose number only grows.
create table webhook_counters (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  created bigint not null check (created >= 0),
  primary key (bucket, id)
);
insert into webhook_counters (bucket, id, created)
  select e.bucket, e.current_id, count(*) from environments e
  join webhooks w on w.environment_id = e.current_id group by e.bucket, e.current_id;

-- Since when nothing but failure has come of a webhook's deliveries, by the environment's clock.
create table webhook_states (
  bucket smallint not null check (bucket between 0 and 63),
  webhook_id text collate "C" not null,
  failing_since timestamptz,
  last_failure_at timestamptz not null,
  primary key (bucket, webhook_id)
);

-- Events that are to be sent to a webhook again: those named, or those of a time span. `position` is the last event
-- looked at; the worker moves it, and counts what it has queued.
create table webhook_replays (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  webhook_id text collate "C" not null,
  event_ids json,
  created_after timestamptz,
  created_before timestamptz,
  status text not null check (status in ('running', 'completed')),
  position text collate "C",
  queued integer not null check (queued >= 0),
  created_at timestamptz not null,
  completed_at timestamptz,
  primary key (bucket, id),
  constraint webhook_replays_what check ((event_ids is null) = (created_after is not null and created_before is not null))
);
create index webhook_replays_of_webhook on webhook_replays (webhook_id, id desc);
create index webhook_replays_running on webhook_replays (id) where status = 'running';

-- Each webhook's part of the queue is read by itself, so that one with a long queue delays no other. Nearly every row is
-- updated and deleted: room in its page keeps the update off the indexes, and vacuum must come early.
drop index delivery_queue_due;
create index delivery_queue_due on delivery_queue (webhook_id, next_attempt_at);
alter table delivery_queue set (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02,
  autovacuum_vacuum_threshold = 1000, autovacuum_analyze_scale_factor = 0.05);
create index deliveries_created_at on deliveries using brin (created_at);
