-- What `GET /v1/events` is narrowed by. Most events are about transactions: a list of those finds enough of them wherever
-- it looks, so only the rarer types have an index of their own.

create index events_object on events (object_id, id desc);
create index events_customer on events (customer_id, id desc) where customer_id is not null;
create index events_rare_type on events (environment_id, type, id desc)
  where type <> 'transaction.created' and type <> 'transaction.updated' and type <> 'transaction.completed';
create index events_created on events using brin (created_at);
