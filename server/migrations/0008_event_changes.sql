-- The former values of what an event's change has changed, sealed where its data is. Null in events that tell of no change.
alter table events add column previous_attributes text;

-- Where each lane's events were when a webhook was created, as {"<lane>": "<number>"}: it receives what came after. Clocks of
-- servers differ, numbers do not. A lane that is not named had none; webhooks from before this file get what was not handed
-- out yet.
alter table webhooks add column event_positions json not null default '{}';
