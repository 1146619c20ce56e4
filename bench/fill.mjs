/** Fills a database with transfers of long ago, as fast as PostgreSQL can: by SQL alone, indexes afterwards. */
import { quoted } from './baseline-statement.mjs';
import { connectDatabase } from './database.mjs';

const tables = ['transactions', 'journals', 'postings', 'events'];
const transfersAtOnce = 250_000;

/**
 * Stores completed transfers of these wallets, in turn: their transactions, journals, postings and events, each row as
 * wide as the pattern's. Idempotency keys of transfers so long ago would be gone. No server may run on the database
 * meanwhile.
 *
 * @param pattern what one transfer of the product left: rows by table
 */
export async function fillTransfers(databaseUrl, wallets, count, pattern) {
  const db = await connectDatabase(databaseUrl);
  const environmentId = pattern.transactions.environment_id;
  const { rows } = await db.query('select * from journal_heads where environment_id = $1', [environmentId]);
  const [head] = rows;
  await db.query(
    `create table fill_wallets as select row_number() over () - 1 as n, bucket, id, customer_id
      from wallets where id = any ($1::text[])`,
    [wallets.map((wallet) => wallet.id)],
  );
  await db.query('analyze fill_wallets');
  await Promise.all(
    tables.map((table) => fillTable(databaseUrl, table, pattern, head, wallets.length, count)),
  );
  await db.query('drop table fill_wallets');
  const move = [environmentId, count];
  await db.query(
    'update journal_heads set journal_seq = journal_seq + $2, event_seq = event_seq + $2 where environment_id = $1',
    move,
  );
  await db.query('update fan_out_positions set event_seq = event_seq + $2 where environment_id = $1', move);
  await db.end();
}

/** Each table on a connection of its own, so that all processors work. */
async function fillTable(databaseUrl, table, pattern, head, walletCount, count) {
  const db = await connectDatabase(databaseUrl);
  await db.query(`set maintenance_work_mem = '512MB'`);
  const restore = await dropIndexes(db, table);
  const text = fillText(table, pattern[table], pattern, head, walletCount);
  for (let from = 1; from <= count; from += transfersAtOnce)
    await db.query(text, [from, Math.min(count, from + transfersAtOnce - 1)]);
  await restore();
  await db.query(`vacuum (analyze) ${table}`);
  await db.end();
}

/** An id of the product's form, older than all of theirs: it counts in hexadecimal digits, then names its bucket. */
function idText(prefix) {
  return `'${prefix}_00' || lpad(to_hex(g), 22, '0') || right(w.id, 2)`;
}

function fillText(table, row, pattern, head, walletCount) {
  const own = columnsOf(pattern, head)[table];
  const values = Object.entries(row).map(([column, value]) => own[column] ?? quoted(value));
  const lines = table === 'postings' ? 'cross join (values (1::int2), (2::int2)) as l(line)' : '';
  return `insert into ${table} (${Object.keys(row).join(', ')})
    select ${values.join(', ')} from generate_series($1::int8, $2::int8) as g
    join fill_wallets w on w.n = g % ${walletCount} ${lines}`;
}

/** What differs from row to row: `g` counts the transfers, `w` is its wallet, `l.line` the posting's line. */
function columnsOf(pattern, head) {
  const at = `now() - interval '1 year' + g * interval '1 second'`;
  const steps = ['in_review', 'funds_received', 'payment_submitted', 'completed'];
  const timeline = JSON.stringify(steps.map((status) => ({ status, at: '2025-11-23T11:00:00.000Z' })));
  const amount = `(${pattern.postings.amount_minor})::int8`;
  return {
    transactions: {
      bucket: 'w.bucket',
      id: idText('txn'),
      customer_id: 'w.customer_id',
      wallet_id: 'w.id',
      status: `'completed'`,
      timeline: quoted(timeline),
      next_action_at: 'null',
      created_at: at,
      updated_at: at,
    },
    journals: {
      bucket: 'w.bucket',
      id: idText('jrn'),
      seq: `${head.journal_seq} + g`,
      transaction_id: idText('txn'),
      created_at: at,
    },
    postings: {
      bucket: 'w.bucket',
      journal_id: idText('jrn'),
      line: 'l.line',
      account_bucket: 'w.bucket',
      account_id: `w.id || case l.line when 1 then ':available:usdc' else ':in_transit:usdc' end`,
      account_version: 'g',
      amount_minor: `case l.line when 1 then ${amount} else -${amount} end`,
    },
    events: {
      bucket: 'w.bucket',
      id: idText('evt'),
      seq: `${head.event_seq} + g`,
      object_id: idText('txn'),
      customer_id: 'w.customer_id',
      created_at: at,
    },
  };
}

/** Drops every index and key of a table, and what refers to them. @returns makes them again, as they were */
async function dropIndexes(db, table) {
  const { rows: keys } = await db.query(
    `select conname as name, conrelid::regclass::text as owner, pg_get_constraintdef(oid) as definition
      from pg_constraint where (conrelid = $1::regclass and contype in ('p', 'u')) or confrelid = $1::regclass
      order by contype = 'f'`,
    [table],
  );
  for (const { name, owner } of keys.toReversed())
    await db.query(`alter table ${owner} drop constraint ${name}`);
  const { rows: indexes } = await db.query(
    'select indexname as name, indexdef as definition from pg_indexes where tablename = $1',
    [table],
  );
  for (const { name } of indexes) await db.query(`drop index ${name}`);
  return async () => {
    for (const { definition, name, owner } of keys)
      await db.query(`alter table ${owner} add constraint ${name} ${definition}`);
    for (const { definition } of indexes) await db.query(definition);
  };
}
