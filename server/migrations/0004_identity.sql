-- Customers are looked up by their e-mail address (a keyed fingerprint) and by the client's own id for them.
create index customers_by_email on customers (environment_id, email_index, id desc);
create index customers_by_external_id on customers (environment_id, external_id, id desc)
  where external_id is not null;

-- The identity of a customer: what they have filled in, and what was decided. One for each customer; its id is made of
-- theirs. `form` holds everything that is personal.
create table identity_cases (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  status text not null check (status in ('draft', 'under_review', 'incomplete', 'approved', 'rejected')),
  form text not null check (form like 'sealed.v1.%'),
  version integer not null check (version > 0),
  submitted_at timestamptz,
  decided_at timestamptz,
  decided_by text check (decided_by in ('sandbox', 'operator')),
  reasons json not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  primary key (bucket, id),
  unique (bucket, customer_id),
  foreign key (bucket, customer_id) references customers (bucket, id),
  constraint identity_cases_decided check ((decided_at is null) = (decided_by is null))
);
create index identity_cases_waiting on identity_cases (submitted_at) where status = 'under_review';

-- What was uploaded.
create table identity_documents (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  case_id text collate "C" not null,
  kind text not null,
  content_type text not null check (content_type in ('image/jpeg', 'image/png', 'application/pdf')),
  byte_size integer not null check (byte_size > 0),
  sha256 bytea not null check (length(sha256) = 32),
  created_at timestamptz not null,
  removed_at timestamptz,
  primary key (bucket, id),
  foreign key (bucket, case_id) references identity_cases (bucket, id)
);
create index identity_documents_of_case on identity_documents (case_id, id);
create index identity_documents_removed on identity_documents (removed_at) where removed_at is not null;

-- The bytes, by the id of the document. They are written before its row, beside the write path, so that money never
-- waits for megabytes: bytes without a row count for nothing. A document that was taken back loses them.
create table identity_document_contents (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  content text not null check (content like 'sealed.v1.%'),
  created_at timestamptz not null,
  primary key (bucket, id)
);
create index identity_document_contents_created_at on identity_document_contents using brin (created_at);

-- Sealed bytes do not get smaller: PostgreSQL need not try.
alter table identity_document_contents alter column content set storage external;

-- Which words a customer accepted, and when; `evidence` has the address and the browser that it came from.
create table terms_acceptances (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  environment_id text collate "C" not null,
  customer_id text collate "C" not null,
  version text not null,
  text_sha256 bytea not null check (length(text_sha256) = 32),
  evidence text not null check (evidence like 'sealed.v1.%'),
  accepted_at timestamptz not null,
  primary key (bucket, id),
  foreign key (bucket, customer_id) references customers (bucket, id)
);
create index terms_acceptances_of_customer on terms_acceptances (customer_id, id);
revoke update on terms_acceptances from current_user;

-- Where clients reach the servers of this database: the command line tool makes links to the same place.
create table public_urls (
  id smallint primary key check (id = 1),
  url text not null,
  updated_at timestamptz not null
);
