-- Customers are looked up by their e-mail address (a keyed fingerprint) and by the client's own id for them.
create index customers_by_email on customers (environment_id, email_index, id desc);
create index customers_by_external_id on customers (environment_id, external_id, id desc)
  where external_id is not null;
