-- What lets the signer pay a live transfer on a chain: a message authentication code by the process that has accepted it, over
-- where it goes and how much of it at most. Null for every other transaction, and for what was accepted before this column.
alter table transactions add column transfer_proof text check (transfer_proof like 'proof.v1.%');
