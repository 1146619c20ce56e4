-- The signer signs one reference once, and a further transaction only after the last one has expired.

-- Unsigned transactions that are with the signer. They are stored before it is asked: after a lost answer or a crash the same
-- bytes are asked for again. Deleted when the signed transaction is stored, or when the signer has refused the bytes.
create table chain_drafts (
  payment_id text collate "C" not null references chain_payments (id),
  number smallint not null check (number > 0),
  unsigned text not null,
  terms text not null,
  created_at timestamptz not null,
  mac text,
  primary key (payment_id, number)
);

-- The last transaction that was signed under a reference: its bytes, the caller's description of them, the chain's id, and on
-- chains without nonces which blocks can contain it. Null in records from before, of which only the time is known.
alter table signed_payments
  add column unsigned text,
  add column terms text,
  add column transaction_id text,
  add column validity json;

-- How many entries the record of a separate signer has, as it last reported. A signer with fewer was restored from an old copy.
create table signer_records (
  id smallint primary key check (id = 1),
  entries bigint not null check (entries >= 0)
);
