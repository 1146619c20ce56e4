/**
 * What the product is measured against: the same rows as a transfer leaves behind, written by one prepared statement,
 * one transfer a commit, from Node through `pg`. It validates nothing, makes no JSON and no hash, and has no chain and
 * no events in sequence to keep: it is what a plain service could reach at best.
 */
import {
  baselineEnvironment,
  manyTransfersText,
  oneTransferText,
  parameterNames,
} from './baseline-statement.mjs';
import { connectDatabase } from './database.mjs';

const alphabet = '0123456789abcdefghjkmnpqrstvwxyz';
let counter = 0;

/** An id of the product's form: it sorts by time, as theirs do, so that it lands in the same place of an index. */
function newId(prefix, bucket) {
  counter += 1;
  let text = '';
  for (let left = Date.now() * 2 ** 12 + (counter & 0xfff), at = 0; at < 13; at += 1) {
    text = alphabet[left % 32] + text;
    left = Math.floor(left / 32);
  }
  const random = Math.random()
    .toString(36)
    .slice(2, 13)
    .padEnd(11, '0')
    .replace(/[ilou]/g, '7');
  return `${prefix}_${text}${random}${alphabet[bucket >> 5]}${alphabet[bucket & 31]}`;
}

/**
 * Makes the baseline's wallets, copies of the product's under other ids, and what the statements need.
 *
 * @param fixture see fixture.mjs; its first wallet makes a transfer, whose rows are the pattern
 * @param pattern what the transfer of the product left: rows by table
 */
export async function prepareBaseline({ db, wallets, server }, pattern) {
  const ids = wallets.map((wallet) => wallet.id);
  // The pattern's wallet has both accounts; the others are given the second one by their first transfer.
  await db.query(
    `insert into accounts (bucket, id, environment_id, kind, normal_side, currency, wallet_id, chain, balance_minor, version, created_at, updated_at)
      select w.bucket, 'wbl' || substr(w.id, 4) || ':' || k.name || ':usdc', $2, 'wallet_' || k.name, 'credit', 'usdc',
        'wbl' || substr(w.id, 4), null, 1000000000000000, 1, now(), now()
      from wallets w, (values ('available'), ('in_transit')) as k(name) where w.id = any ($1::text[])
      on conflict do nothing`,
    [ids, baselineEnvironment(pattern.transactions.environment_id)],
  );
  await db.query('vacuum analyze accounts');
  const owners = wallets.map((wallet) => ({
    customerId: wallet.customerId,
    walletId: `wbl${wallet.id.slice(3)}`,
    bucket: bucketOf(wallet.id),
  }));
  return { databaseUrl: server.ownerUrl, owners, pattern };
}

function bucketOf(id) {
  return (alphabet.indexOf(id.at(-2)) * 32 + alphabet.indexOf(id.at(-1))) % 64;
}

/**
 * The rows that one transfer of the product has left.
 *
 * @param transactionId of a transfer made with an idempotency key
 */
export async function readPattern(db, transactionId, key) {
  const row = async (text, value) => {
    const { rows } = await db.query({
      text,
      values: [value],
      types: { getTypeParser: () => (value) => value },
    });
    if (rows.length === 0) throw new Error(`The pattern is not whole: ${text}`);
    return rows[0];
  };
  const journals = await row('select * from journals where transaction_id = $1', transactionId);
  return {
    idempotency_keys: await row('select * from idempotency_keys where key = $1', key),
    transactions: await row('select * from transactions where id = $1', transactionId),
    journals,
    postings: await row('select * from postings where journal_id = $1 and line = 1', journals.id),
    events: await row('select * from events where object_id = $1', transactionId),
  };
}

let lastSeq = 0;

/** Makes the values of transfers, of these owners in turn, in the order of the statement's parameters. */
function valueSource(pattern, owners) {
  const requestHash = bytesOf(pattern.idempotency_keys.request_hash);
  const hash = bytesOf(pattern.journals.hash);
  let sent = 0;
  return () => {
    const { bucket, customerId, walletId } = owners[sent++ % owners.length];
    lastSeq += 1;
    const values = {
      bucket,
      now: new Date().toISOString(),
      key: `baseline-${lastSeq}`,
      requestHash,
      body: pattern.idempotency_keys.body,
      transactionId: newId('txn', bucket),
      customerId,
      walletId,
      timeline: pattern.transactions.timeline,
      journalId: newId('jrn', bucket),
      hash,
      seq: lastSeq,
      eventId: newId('evt', bucket),
      data: pattern.events.data,
      available: `${walletId}:available:usdc`,
      inTransit: `${walletId}:in_transit:usdc`,
    };
    return parameterNames.map((name) => values[name]);
  };
}

function bytesOf(text) {
  return Buffer.from(text.slice('\\x'.length), 'hex');
}

async function connect(databaseUrl) {
  const client = await connectDatabase(databaseUrl);
  await client.query('set plan_cache_mode = force_generic_plan');
  return client;
}

/** Runs `step` on every connection again and again. @returns how much was done, in how long */
async function runFor(seconds, clients, step) {
  const started = performance.now();
  const endMs = started + seconds * 1000;
  let count = 0;
  const work = async (client) => {
    while (performance.now() < endMs) {
      // Not `count += await …`: that would read the sum before it waits.
      const done = await step(client);
      count += done;
    }
  };
  await Promise.all(clients.map(work));
  return { count, seconds: (performance.now() - started) / 1000 };
}

/**
 * Opens the connections of one side of the comparison.
 *
 * @param owners whose transfers they are
 * @returns `run(seconds)` makes transfers on all connections, each waiting for its commit
 */
export async function openBaseline({ databaseUrl, pattern }, owners, connectionCount) {
  const clients = [];
  while (clients.length < connectionCount) clients.push(await connect(databaseUrl));
  const statement = { name: 'baseline_transfer', text: oneTransferText(pattern) };
  const next = valueSource(pattern, owners);
  const step = async (client) => {
    const { rows } = await client.query({ ...statement, values: next() });
    if (rows[0].postings !== 2) throw new Error('A transfer of the baseline was not written whole');
    return 1;
  };
  return {
    run: (seconds) => runFor(seconds, clients, step),
    close: () => Promise.all(clients.map((client) => client.end())),
  };
}

/**
 * Opens one connection that writes many transfers a statement, each of another wallet.
 *
 * @param transfers how many a statement
 */
export async function openBatches({ databaseUrl, owners, pattern }, transfers) {
  const client = await connect(databaseUrl);
  const statement = { name: 'baseline_batch', text: manyTransfersText(pattern) };
  const next = valueSource(pattern, owners);
  const size = Math.min(transfers, owners.length);
  const step = async () => {
    const all = Array.from({ length: size }, next);
    const values = parameterNames.map((_, index) => all.map((row) => row[index]));
    const { rows } = await client.query({ ...statement, values });
    if (rows[0].postings !== 2 * size) throw new Error('A batch was not written whole');
    return size;
  };
  return { run: (seconds) => runFor(seconds, [client], step), close: () => client.end() };
}
