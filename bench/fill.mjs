/** Fills a database with transfers of long ago, as fast as PostgreSQL can: by SQL alone, indexes afterwards. */
import { quoted } from './baseline-statement.mjs';

const tables = ['transactions', 'journals', 'postings', 'events', 'idempotency_keys'];
const transfersAtOnce = 250_000;

/**
 * Stores completed transfers of these wallets, in turn: their transactions, journals, postings, events and idempotency
 * keys, each row as wide as the pattern's. No server may run on the database meanwhile.
 *
 * @param pattern what one transfer of the product left: rows by table
 */
export async function fillTransfers(db, wallets, count, pattern) {
  await db.query(`set maintenance_work_mem = '1GB'`);
  const environmentId = pattern.transactions.environment_id;
  const { rows: heads } = await db.query('select * from chain_heads where environment_id = $1', [
    environmentId,
  ]);
  const [head] = heads;
  await db.query('create temporary table fill_wallets (n int8, bucket int2, id text, customer_id text)');
  await db.query(
    `insert into fill_wallets select row_number() over () - 1, w.bucket, w.id, w.customer_id
      from wallets w where w.id = any ($1::text[])`,
    [wallets.map((wallet) => wallet.id)],
  );
  const restore = await dropIndexes(db);
  const texts = tables.map((table) => fillText(table, pattern[table], pattern, head, wallets.length));
  for (let from = 1; from <= count; from += transfersAtOnce) {
    const range = [from, Math.min(count, from + transfersAtOnce - 1)];
    for (const text of texts) await db.query(text, range);
  }
  await restore();
  await db.query(
    `update chain_heads set journal_seq = journal_seq + $2, event_seq = event_seq + $2 where environment_id = $1`,
    [environmentId, count],
  );
  await db.query('update fan_out_positions set event_seq = event_seq + $2 where environment_id = $1', [
    environmentId,
    count,
  ]);
  await db.query(`vacuum (analyze) ${tables.join(', ')}`);
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
    // Clients draw their keys by chance: new ones land anywhere in the index.
    idempotency_keys: { bucket: 'w.bucket', key: 'gen_random_uuid()::text', created_at: at },
  };
}

/** Drops every index and key of the tables. @returns makes them again, as they were */
async function dropIndexes(db) {
  const { rows: keys } = await db.query(
    `select conrelid::regclass as table, conname as name, pg_get_constraintdef(oid) as definition
      from pg_constraint where conrelid = any ($1::regclass[]) and contype in ('p', 'u')`,
    [tables],
  );
  for (const { name, table } of keys) await db.query(`alter table ${table} drop constraint ${name}`);
  const { rows: indexes } = await db.query(
    `select indexname as name, indexdef as definition from pg_indexes where tablename = any ($1::text[])`,
    [tables],
  );
  for (const { name } of indexes) await db.query(`drop index ${name}`);
  return async () => {
    for (const { definition, name, table } of keys)
      await db.query(`alter table ${table} add constraint ${name} ${definition}`);
    for (const { definition } of indexes) await db.query(definition);
  };
}
