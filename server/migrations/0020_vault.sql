-- What is sealed may be sealed.v2: each check of sealed.v1 allows both.
do $$
declare
  found record;
begin
  for found in
    select c.conrelid::regclass as relation, c.conname, a.attname
    from pg_constraint c join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
    where c.contype = 'c' and c.connamespace = current_schema::regnamespace and cardinality(c.conkey) = 1
      and pg_get_constraintdef(c.oid) like '%''sealed.v1.\%''%'
  loop
    execute format('alter table %s drop constraint %I, add constraint %I check (%I like ''sealed.v1.%%'' or %I like ''sealed.v2.%%'')',
      found.relation, found.conname, found.conname, found.attname, found.attname);
  end loop;
end $$;

-- What a customer's key is derived from, with the master key. Whoever destroys it destroys what the key has sealed. The
-- default gives a salt to customers that are there, and to those that servers of the release before create.
alter table customers
  add column key_salt bytea default decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')
    check (length(key_salt) = 32),
  add column erased_at timestamptz,
  add constraint customers_erased check ((key_salt is null) = (erased_at is not null));

-- Who had a customer erased, and why. Its id is the customer's. scrubbed_at: when the sealed values, which nobody can
-- open any more, were overwritten too.
create table customer_erasures (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  erased_by text not null,
  reason text,
  forced boolean not null,
  retained_until timestamptz,
  erased_at timestamptz not null,
  scrubbed_at timestamptz,
  primary key (bucket, id),
  foreign key (bucket, id) references customers (bucket, id),
  constraint customer_erasures_forced check (not forced or reason is not null)
);
create index customer_erasures_open on customer_erasures (id) where scrubbed_at is null;

-- Sealed anew when keys change, and overwritten when their customer is erased: these columns, and no other.
grant update (data, previous_attributes) on events to current_user;
grant update (evidence) on terms_acceptances to current_user;
