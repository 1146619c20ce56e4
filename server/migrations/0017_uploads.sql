-- The bytes of documents in sealed chunks, by the id of the document. `number` counts from 0; it and `is_last` are part of
-- what each chunk is sealed for, so that chunks that are missing, exchanged or of another document are found. Documents of
-- earlier versions stay whole in identity_document_contents.
create table identity_document_chunks (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  number integer not null check (number >= 0),
  is_last boolean not null,
  content text not null check (content like 'sealed.v1.%'),
  primary key (bucket, id, number)
);

-- Sealed bytes do not get smaller: PostgreSQL need not try.
alter table identity_document_chunks alter column content set storage external;

-- Uploads under way, by the id of the document that they are going to be: one for each case. A chunk is kept only while its
-- upload is here and has not expired. What expires is swept with its chunks, unless the document has been added.
create table identity_uploads (
  bucket smallint not null check (bucket between 0 and 63),
  id text collate "C" not null,
  case_id text collate "C" not null,
  expires_at timestamptz not null,
  primary key (bucket, id),
  unique (bucket, case_id)
);
create index identity_uploads_expires_at on identity_uploads (expires_at);

-- How often a customer's links have been revoked; links say which generation they are of.
alter table customers add column link_generation integer not null default 0 check (link_generation >= 0);
