-- What a reconciliation needs beside the books: whose the treasury is, and deposits by their blocks.
alter table chain_cursors add column treasury text collate "C";
create index chain_deposits_by_height on chain_deposits (chain, height) where status in ('confirmed', 'credited');
