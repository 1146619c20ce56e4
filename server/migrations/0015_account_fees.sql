-- What the sender of a live transfer on Solana is charged for the receiver's token account, as a part of fee_minor: 0 if the account
-- exists. Null for every other transaction, and for transfers of earlier releases, which were not charged.
alter table transactions
  add column account_fee_minor bigint check (account_fee_minor between 0 and fee_minor);
