/** The statements of the baseline: the rows of one transfer, or of many, as the product would leave them behind. */

/** What differs from transfer to transfer; every other column has the pattern's own value, written into the statement. */
const parameters = {
  bucket: 'int2',
  now: 'timestamptz',
  key: 'text',
  requestHash: 'bytea',
  body: 'text',
  transactionId: 'text',
  customerId: 'text',
  walletId: 'text',
  timeline: 'json',
  journalId: 'text',
  hash: 'bytea',
  seq: 'int8',
  eventId: 'text',
  data: 'text',
  available: 'text',
  inTransit: 'text',
};
export const parameterNames = Object.keys(parameters);

/** The baseline's rows lie in the product's tables, under an environment of their own. */
export function baselineEnvironment(environmentId) {
  return `${environmentId.slice(0, -4)}base`;
}

/** One transfer; refuses (by writing no postings) what the wallet has not got. */
export function oneTransferText(pattern) {
  const types = Object.values(parameters);
  const at = Object.fromEntries(
    parameterNames.map((name, index) => [name, `$${index + 1}::${types[index]}`]),
  );
  return statementText(pattern, at, { parts: [], from: '', atLeast: true });
}

/** Many transfers, each of another wallet, from arrays. */
export function manyTransfersText(pattern) {
  const arrays = Object.values(parameters).map((type, index) => `$${index + 1}::${type}[]`);
  const columns = parameterNames.map((_, index) => `p${index}`);
  const at = Object.fromEntries(parameterNames.map((name, index) => [name, `t.${columns[index]}`]));
  const given = `given as materialized (select * from unnest(${arrays.join(', ')}) as u(${columns.join(', ')}))`;
  return statementText(pattern, at, { parts: [given], from: 'from given t', atLeast: false });
}

function statementText(pattern, at, { atLeast, from, parts }) {
  const amount = `${pattern.transactions.amount_minor}::int8`;
  const account = (name, change, id) =>
    `${name} as (update accounts a
      set balance_minor = a.balance_minor ${change}, version = a.version + 1, updated_at = ${at.now} ${from}
      where a.bucket = ${at.bucket} and a.id = ${id} ${atLeast ? `and a.balance_minor ${change} >= 0` : ''}
      returning a.bucket, a.id, a.version, a.balance_minor, ${at.journalId} as journal_id)`;
  const posting = (name, account, line, amountMinor) =>
    `${name} as (insert into postings (bucket, journal_id, line, account_bucket, account_id, account_version, currency,
        amount_minor, balance_after_minor)
      select bucket, journal_id, ${line}, bucket, id, version, 'usdc', ${amountMinor}, balance_minor from ${account}
      returning 1)`;
  const all = [
    ...parts,
    account('available', `- ${amount}`, at.available),
    account('in_transit', `+ ${amount}`, at.inTransit),
    posting('first', 'available', 1, amount),
    posting('second', 'in_transit', 2, `-${amount}`),
    ...Object.entries(varying(at)).map(([table, own]) => insertText(table, pattern[table], own, from)),
  ];
  return `with ${all.join(',\n')}
    select (select count(*)::int4 from first) + (select count(*)::int4 from second) as postings`;
}

function varying(at) {
  return {
    idempotency_keys: {
      bucket: at.bucket,
      key: at.key,
      request_hash: at.requestHash,
      body: at.body,
      created_at: at.now,
    },
    transactions: {
      bucket: at.bucket,
      id: at.transactionId,
      customer_id: at.customerId,
      wallet_id: at.walletId,
      timeline: at.timeline,
      created_at: at.now,
      updated_at: at.now,
      next_action_at: `${at.now} + interval '1 hour'`,
    },
    journals: {
      bucket: at.bucket,
      id: at.journalId,
      seq: at.seq,
      transaction_id: at.transactionId,
      hash: at.hash,
      created_at: at.now,
    },
    events: {
      bucket: at.bucket,
      id: at.eventId,
      seq: at.seq,
      object_id: at.transactionId,
      customer_id: at.customerId,
      data: at.data,
      created_at: at.now,
    },
  };
}

function insertText(table, row, own, from) {
  const values = Object.entries(row).map(([column, value]) => {
    if (column === 'environment_id') return quoted(baselineEnvironment(value));
    return own[column] ?? quoted(value);
  });
  return `${table}_row as (insert into ${table} (${Object.keys(row).join(', ')}) select ${values.join(', ')} ${from})`;
}

/** A value of a pattern, as an SQL literal that takes on its column's type. */
export function quoted(value) {
  return value === null ? 'null' : `'${String(value).replaceAll("'", "''")}'`;
}
