-- What the signer has signed for the treasury, when it runs inside the server: one book for the whole deployment, hence
-- without a bucket. A signer that runs apart keeps its own, where the server cannot reach it.

-- What each payment is. Under one reference there is one payment: it may be signed again, not changed.
create table signed_payments (
  reference text collate "C" primary key,
  intent text not null,
  nonce text,
  counted json not null,
  signed_at timestamptz not null
);

-- What a day has let out. Native coin is counted in its smallest unit, of which a bigint holds too few.
create table daily_spending (
  chain text not null,
  asset text not null,
  day date not null,
  spent numeric(78, 0) not null check (spent >= 0),
  primary key (chain, asset, day)
);
