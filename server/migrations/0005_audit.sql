-- The books can be listed: accounts by their id, journals newest first.
create index accounts_list on accounts (environment_id, id desc);
create index journals_list on journals (environment_id, id desc);
