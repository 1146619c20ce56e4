-- Reorganisations deeper than the blocks that count as final, and payments that wait for an operator.

-- first_height: the first block that was read; null for a chain that was followed before this migration. reorganisations counts the
-- deep ones: a payment that was judged before one of them is judged again.
alter table chain_cursors
  add column first_height bigint,
  add column reorganisations integer not null default 0 check (reorganisations >= 0);

-- The ids of confirmed blocks are kept in chain_blocks too, for a window of heights. Another block at one of these heights is a deep
-- reorganisation, and the newest height with the same block is where the chain forked.

-- The deep reorganisations of a chain, for the operator. Blocks after fork_height were replaced; deposits had been credited up to
-- confirmed_height. former_block_id and block_id are the blocks at the lowest kept height that differs. checked_at: when the
-- credited deposits above the fork had been compared with the new branch.
create table chain_reorganisations (
  chain text not null,
  number integer not null check (number > 0),
  fork_height bigint not null,
  confirmed_height bigint not null,
  former_block_id text not null,
  block_id text not null,
  deposits_reversed integer not null default 0 check (deposits_reversed >= 0),
  payments_reopened integer not null default 0 check (payments_reopened >= 0),
  detected_at timestamptz not null,
  checked_at timestamptz,
  primary key (chain, number)
);
create index chain_reorganisations_unchecked on chain_reorganisations (chain) where checked_at is null;

-- lost_minor: what could not be taken back from the customer when the deposit's block vanished, in the credited currency. The deposit
-- pays it back if its transaction is in a block again.
alter table chain_deposits add column lost_minor bigint check (lost_minor > 0);

-- attention: why the payment waits for an operator; null while it needs none.
-- unclear: a transaction of it succeeded without its movement of tokens. nonce_taken: a transaction that was not signed for it has used
-- its nonce. transfer_ended: its transfer has failed, and a transaction of it may still be mined, or has been.
-- reopened_at: when a payment that had ended was opened again because its block vanished.
alter table chain_payments
  add column attention text check (attention in ('unclear', 'nonce_taken', 'transfer_ended')),
  add column attention_detail text,
  add column reopened_at timestamptz,
  add constraint chain_payments_attention check ((attention is null) = (attention_detail is null));
drop index chain_payments_ended;
create index chain_payments_ended on chain_payments (chain, height) where status in ('completed', 'failed');
-- At most one open treasury operation per address and currency, beside those whose block vanished.
drop index chain_payments_one_treasury_operation;
create unique index chain_payments_one_treasury_operation on chain_payments (chain, address, coalesce(currency, ''))
  where status = 'open' and kind <> 'transfer' and reopened_at is null;

-- chain_loss: what the house has lost on chains, an expense.
alter table accounts drop constraint accounts_kind_check;
alter table accounts add constraint accounts_kind_check check (kind in ('wallet_available', 'wallet_pending', 'wallet_in_transit',
  'custody', 'bank', 'suspense', 'fee_revenue', 'fx_position', 'chain_loss'));
