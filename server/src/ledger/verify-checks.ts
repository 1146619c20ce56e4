/** One check that failed: its kind, the row, and how. */
export interface Problem {
  readonly kind: string;
  readonly id: string;
  /** The account concerned, if any. */
  readonly accountId: string | null;
  /** The journal concerned, if any. */
  readonly journalId: string | null;
  readonly message: string;
}

/**
 * The checks of the books that are queries. Each selects the faulty rows as `id` and `message`, with `account_id` and
 * `journal_id` where they apply. `$1` is an environment, or null for all of them; `$2` is the maximum number of rows.
 */
export interface Check {
  readonly kind: string;
  readonly sql: string;
}

const ofEnvironment = (alias: string): string => `($1::text is null or ${alias}.environment_id = $1)`;

/**
 * The journals that a transaction can have in its status, in alphabetical order: after the number of lanes has changed they may
 * be in two hash chains, whose sequence numbers cannot be compared.
 */
const explainingJournals = `case t.type || ' ' || t.status
  when 'deposit completed' then array['deposit', 'deposit_restore', 'operator_credit', 'operator_exchange']
  when 'deposit payment_submitted' then array['']
  when 'deposit failed' then array['', 'deposit deposit_reversal', 'deposit_restore deposit_reversal',
    'deposit_reversal operator_credit']
  when 'deposit returned' then array['deposit_hold deposit_return']
  when 'transfer completed' then array['transfer_reserve transfer_settle']
  when 'transfer payment_processed' then array['transfer_reserve transfer_settle']
  when 'transfer failed' then array['transfer_release transfer_reserve']
  when 'transfer returned' then array['transfer_reserve', 'transfer_reserve transfer_return transfer_settle']
  when 'transfer refunded' then array['transfer_release transfer_reserve',
    'transfer_release transfer_reserve transfer_return transfer_settle']
  when 'transfer in_review' then array['transfer_reserve']
  when 'transfer funds_received' then array['transfer_reserve']
  when 'transfer payment_submitted' then array['transfer_reserve'] end`;

/** What a transaction has moved by its status: to the wallet, to custody, the bank and other wallets, and as the fee. */
const movedByStatus = `(case when t.type = 'deposit' then coalesce(t.final_minor, 0)
    when t.status in ('failed', 'refunded') then 0 else -t.amount_minor end,
  case when t.status not in ('completed', 'payment_processed') or posted.journals = 'operator_exchange' then 0
    when t.type = 'deposit' then t.amount_minor else -t.final_minor end,
  case when t.status in ('completed', 'payment_processed') then t.fee_minor else 0 end)`;

const journalsOfActions = "'operator_hold', 'operator_return', 'operator_release', 'operator_write_off'";

/** The journals that an operator's action can have in its status, apart from those of the transaction that a credit makes. */
const journalsOfAction = `case
  when t.kind = 'deposit_write_off' and t.status = 'done' and t.booked_minor is not null then array['operator_write_off']
  when t.kind = 'deposit_return' and t.status = 'accepted' and t.booked_minor is not null then array['operator_hold']
  when t.kind = 'deposit_return' and t.status = 'done' and t.booked_minor is not null
    then array['operator_hold operator_return']
  when t.kind = 'deposit_return' and t.status = 'refused' then array['', 'operator_hold operator_release']
  else array[''] end`;

/** What an operator's action keeps in custody, owed to the sender. */
const heldByAction = `case when t.kind = 'deposit_write_off' and t.status = 'done'
    or t.kind = 'deposit_return' and t.status = 'accepted' then coalesce(t.booked_minor, 0) else 0 end`;

export const checks: readonly Check[] = [
  {
    kind: 'journal_unbalanced',
    sql: `select j.id, j.id as journal_id,
        'its ' || p.currency || ' lines sum to ' || sum(p.amount_minor) as message
      from journals j join postings p on p.bucket = j.bucket and p.journal_id = j.id
      where ${ofEnvironment('j')} group by j.bucket, j.id, p.currency having sum(p.amount_minor) <> 0`,
  },
  {
    kind: 'journal_incomplete',
    sql: `select j.id, j.id as journal_id, 'it has fewer than two lines' as message from journals j left join (
        select bucket, journal_id, count(*) as lines from postings group by bucket, journal_id
      ) p on p.bucket = j.bucket and p.journal_id = j.id
      where ${ofEnvironment('j')} and coalesce(p.lines, 0) < 2`,
  },
  {
    kind: 'posting_without_journal',
    sql: `select p.journal_id as id, p.journal_id, p.account_id, 'a line has no journal' as message from postings p
      left join journals j on j.bucket = p.bucket and j.id = p.journal_id
      where $1::text is null and j.id is null`,
  },
  {
    kind: 'posting_without_account',
    sql: `select p.account_id as id, p.account_id, p.journal_id,
        'a line of ' || p.journal_id || ' names no account' as message from postings p
      left join accounts a on a.bucket = p.account_bucket and a.id = p.account_id
      where $1::text is null and (a.id is null or a.currency <> p.currency)`,
  },
  {
    kind: 'account_mismatch',
    sql: `select a.id, a.id as account_id, 'its balance is ' || a.balance_minor || ', its lines sum to '
          || coalesce(s.total, 0) || '; version ' || a.version || ', lines ' || coalesce(s.lines, 0) as message
      from accounts a left join (
        select account_bucket, account_id, sum(amount_minor) as total, count(*) as lines
        from postings group by account_bucket, account_id
      ) s on s.account_bucket = a.bucket and s.account_id = a.id
      where ${ofEnvironment('a')} and (a.version <> coalesce(s.lines, 0)
        or a.balance_minor <> coalesce(s.total, 0) * case a.normal_side when 'debit' then 1 else -1 end)`,
  },
  {
    kind: 'balance_after_mismatch',
    sql: `select r.journal_id as id, r.journal_id, r.account_id,
        'line ' || r.line || ' on ' || r.account_id || ' has the balance ' || r.balance_after_minor
          || ' after it, the sum of the lines is ' || r.running as message
      from (select p.journal_id, p.line, p.account_id, p.balance_after_minor, p.account_version,
          row_number() over w as place,
          sum(p.amount_minor) over w * case a.normal_side when 'debit' then 1 else -1 end as running
        from postings p join accounts a on a.bucket = p.account_bucket and a.id = p.account_id
        where ${ofEnvironment('a')}
        window w as (partition by p.account_bucket, p.account_id order by p.account_version)) r
      where r.running <> r.balance_after_minor or r.place <> r.account_version`,
  },
  {
    kind: 'wallet_negative',
    sql: `select a.id, a.id as account_id, 'its balance is ' || a.balance_minor as message from accounts a
      where ${ofEnvironment('a')} and a.kind like 'wallet_%' and a.balance_minor < 0`,
  },
  {
    kind: 'transaction_unexplained',
    sql: `with moved as (
        select p.bucket, p.journal_id,
          coalesce(sum(-p.amount_minor) filter (where a.kind = 'wallet_available'), 0) as credited,
          coalesce(sum(p.amount_minor) filter (where a.kind in ('custody', 'bank', 'internal_transit')), 0)
            as held,
          coalesce(sum(-p.amount_minor) filter (where a.kind = 'fee_revenue'), 0) as earned
        from postings p join accounts a on a.bucket = p.account_bucket and a.id = p.account_id
        where a.kind in ('wallet_available', 'custody', 'bank', 'internal_transit', 'fee_revenue')
        group by p.bucket, p.journal_id
      ), posted as (
        select j.bucket, j.transaction_id, coalesce(sum(m.credited), 0) as credited, coalesce(sum(m.held), 0) as held,
          coalesce(sum(m.earned), 0) as earned, string_agg(j.kind, ' ' order by j.kind collate "C") as journals
        from journals j left join moved m on m.bucket = j.bucket and m.journal_id = j.id
        group by j.bucket, j.transaction_id
      )
      select t.id, 'its journals do not match those of a ' || t.status || ' ' || t.type as message
      from transactions t left join posted on posted.bucket = t.bucket and posted.transaction_id = t.id
      where ${ofEnvironment('t')} and not coalesce(coalesce(posted.journals, '') = any (${explainingJournals})
        and (coalesce(posted.credited, 0), coalesce(posted.held, 0), coalesce(posted.earned, 0)) = ${movedByStatus}, false)`,
  },
  {
    // What is in transit is what an environment has sent to receivers less what its receivers were credited.
    kind: 'internal_transit_mismatch',
    sql: `with expected as (
        select environment_id, currency, sum(amount) as total from (
          select i.environment_id, i.currency, i.amount_minor as amount from internal_transfers i
          union all
          select i.receiver_environment_id, i.currency, -i.amount_minor from internal_transfers i
            join transactions d on d.id = i.deposit_id
        ) moved group by environment_id, currency
      ), held as (
        select environment_id, currency, sum(balance_minor) as total from accounts
        where kind = 'internal_transit' group by environment_id, currency
      )
      select environment_id || ' ' || currency as id, 'in transit between wallets are ' || coalesce(h.total, 0)
          || ', the internal transfers leave ' || coalesce(e.total, 0) as message
      from expected e full join held h using (environment_id, currency)
      where ($1::text is null or environment_id = $1) and coalesce(e.total, 0) <> coalesce(h.total, 0)`,
  },
  {
    kind: 'internal_transfer_unexplained',
    sql: `select i.id, 'its deposit ' || i.deposit_id || ' is missing, or not what the transfer paid' as message
      from internal_transfers i left join transactions t on t.bucket = i.bucket and t.id = i.id
        left join transactions d on d.id = i.deposit_id
      where ${ofEnvironment('i')} and not coalesce(t.status = 'completed' and t.final_minor = i.amount_minor
        and t.destination_currency = i.currency and ((d.id is null and i.status = 'open')
          or (d.type = 'deposit' and d.status = 'completed' and d.wallet_id = i.receiver_wallet_id
            and d.amount_minor = i.amount_minor and d.source_currency = i.currency)), false)`,
  },
  {
    kind: 'journal_without_transaction',
    sql: `select j.id, j.id as journal_id, 'it names no transaction' as message from journals j
      left join transactions t on t.bucket = j.bucket and t.id = j.transaction_id
      left join operator_actions a on a.bucket = j.bucket and a.id = j.transaction_id
      left join treasury_outflows o on o.bucket = j.bucket and o.id = j.transaction_id
      where ${ofEnvironment('j')} and t.id is null and (a.id is null or j.kind not in (${journalsOfActions}))
        and (o.id is null or j.kind <> 'treasury_outflow')`,
  },
  {
    kind: 'action_unexplained',
    sql: `with posted as (
        select j.bucket, j.transaction_id, string_agg(distinct j.kind, ' ' order by j.kind) as journals,
          coalesce(sum(p.amount_minor) filter (where a.kind = 'custody'), 0) as held,
          coalesce(sum(-p.amount_minor) filter (where a.kind = 'suspense'), 0) as owed
        from journals j join postings p on p.bucket = j.bucket and p.journal_id = j.id
          join accounts a on a.bucket = p.account_bucket and a.id = p.account_id
        where j.kind in (${journalsOfActions}) group by j.bucket, j.transaction_id
      )
      select t.id, 'its journals do not match those of a ' || t.status || ' ' || t.kind as message
      from operator_actions t left join posted on posted.bucket = t.bucket and posted.transaction_id = t.id
      where ${ofEnvironment('t')} and not coalesce(coalesce(posted.journals, '') = any (${journalsOfAction})
        and (coalesce(posted.held, 0), coalesce(posted.owed, 0)) = (${heldByAction}, ${heldByAction}), false)`,
  },
  {
    kind: 'outflow_unexplained',
    sql: `select o.id, 'its journal does not match ' || o.amount_minor || ' ' || o.currency as message
      from treasury_outflows o left join (
        select j.bucket, j.transaction_id, -sum(p.amount_minor) as paid from journals j
          join postings p on p.bucket = j.bucket and p.journal_id = j.id
          join accounts a on a.bucket = p.account_bucket and a.id = p.account_id and a.kind = 'custody'
        where j.kind = 'treasury_outflow' group by j.bucket, j.transaction_id
      ) posted on posted.bucket = o.bucket and posted.transaction_id = o.id
      where ${ofEnvironment('o')} and posted.paid is distinct from o.amount_minor`,
  },
  {
    kind: 'event_missing',
    sql: `select id, 'it has no transaction.created event' as message from (
        select t.id from transactions t where ${ofEnvironment('t')}
        except select e.object_id from events e where e.type = 'transaction.created' and ${ofEnvironment('e')}
      ) untold`,
  },
  {
    kind: 'event_sequence',
    sql: `select h.environment_id as id, 'lane ' || h.bucket || ' is at event ' || h.event_seq || ', but has '
          || coalesce(s.events, 0) || ' events up to ' || coalesce(s.last, 0) as message
      from journal_heads h left join (
        select environment_id, lane, count(*) as events, max(seq) as last from events group by environment_id, lane
      ) s on s.environment_id = h.environment_id and s.lane = h.bucket
      where ${ofEnvironment('h')} and (coalesce(s.events, 0) <> h.event_seq or coalesce(s.last, 0) <> h.event_seq)`,
  },
];
