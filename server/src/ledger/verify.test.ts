import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { verifyLedger } from './verify.ts';
import { checks, type Problem } from './verify-checks.ts';

let server: TestServer;
let transferId: string;
let walletId: string;

beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  const { api } = server;
  const person = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
  const customerId = (await api.post('/v1/customers', person)).data.id;
  await api.post(`/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
  walletId = (await api.post('/v1/crypto-wallets', { customerId })).data.id;
  for (const currency of ['usdc', 'usdt']) {
    await api.post('/v1/sandbox/crypto-deposits', { walletId, chain: 'solana', currency, amount: '14.40' });
  }
  const transfer = await api.post('/v1/transfers', {
    customerId,
    walletId,
    amount: '10.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'tron',
    destinationAddress: 'TDvr6Jpwfp1wDiV7PhaB19YMsMHRSXmY7p',
  });
  expect(transfer.status).toBe(400);
  transferId = (
    await api.post('/v1/transfers', {
      customerId,
      walletId,
      amount: '10.00',
      destinationCurrency: 'usdc',
      destinationPaymentRail: 'solana',
      destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
    })
  ).data.id;
});
afterAll(() => server.stop());

/** Changes the books outside the writer, verifies them, and undoes the change. */
async function problemsAfter(...tampering: string[]): Promise<readonly Problem[]> {
  const { ownerPool: pool } = server;
  const tables = [
    'operator_actions',
    'accounts',
    'journals',
    'postings',
    'transactions',
    'internal_transfers',
    'events',
    'journal_heads',
    'treasury_outflows',
  ];
  for (const table of tables) await pool.query(`create table kept_${table} as table ${table}`);
  await pool.query('grant update, delete, truncate on journals, postings, events to current_user');
  await pool.query('alter table accounts drop constraint accounts_wallet_never_negative');
  try {
    for (const sql of tampering) expect((await pool.query(sql)).rowCount).toBeGreaterThan(0);
    return (await verifyLedger(pool)).problems;
  } finally {
    for (const table of tables) {
      await pool.query(`truncate ${table} cascade`);
      await pool.query(`insert into ${table} select * from kept_${table}`);
      await pool.query(`drop table kept_${table}`);
    }
    await pool.query(`alter table accounts add constraint accounts_wallet_never_negative check
      (kind not in ('wallet_available', 'wallet_pending', 'wallet_in_transit') or balance_minor >= 0)`);
    await pool.query('revoke update, delete, truncate on journals, postings from current_user');
    await pool.query('revoke update, truncate on events from current_user');
  }
}

/** An internal transfer that the books know nothing of. */
const internalTransfer =
  () => `insert into internal_transfers (bucket, id, environment_id, receiver_environment_id,
    receiver_wallet_id, deposit_id, chain, currency, amount_minor, status, created_at, updated_at)
  select bucket, id, environment_id, environment_id, wallet_id, 'txn_missing', 'solana', 'usdc', 5, 'credited', now(), now()
  from transactions where id = '${transferId}'`;

/** Faults: what they are, the kind of problem that they are reported as, and the statements that plant them. */
const plants: readonly (readonly [string, string, () => string[]])[] = [
  [
    'a balance',
    'account_mismatch',
    () => [`update accounts set balance_minor = balance_minor + 1 where kind = 'custody'`],
  ],
  [
    'money from nowhere',
    'trial_balance',
    () => [`update accounts set balance_minor = balance_minor + 1 where kind = 'custody'`],
  ],
  [
    'a negative wallet',
    'wallet_negative',
    () => [`update accounts set balance_minor = -1 where kind = 'wallet_available'`],
  ],
  [
    'one line',
    'journal_unbalanced',
    () => [`update postings set amount_minor = amount_minor + 1 where line = 1`],
  ],
  [
    'a balance after',
    'balance_after_mismatch',
    () => [`update postings set balance_after_minor = 7 where line = 2`],
  ],
  ['both lines of a journal', 'chain_broken', () => [`update postings set amount_minor = amount_minor * 2`]],
  [
    'an order that booked nothing',
    'action_unexplained',
    () => [
      `insert into operator_actions (bucket, id, environment_id, chain, kind, subject, number, parameters, reason,
          requested_by, status, created_at, updated_at, currency, booked_minor)
        select 0, 'order:1', current_id, 'base', 'deposit_write_off', 'order', 1, '{}', 'x', 'ada', 'done', now(), now(),
          'usdc', 5 from environments where kind = 'test' limit 1`,
    ],
  ],
  ['a missing line', 'journal_incomplete', () => [`delete from postings where line = 2`]],
  ['a missing journal', 'chain_broken', () => [`delete from journals where kind = 'transfer_reserve'`]],
  ['lines without their journal', 'posting_without_journal', () => [`delete from journals where seq = 3`]],
  [
    'a line on no account',
    'posting_without_account',
    () => [`delete from accounts where kind = 'custody' and currency = 'usdt'`],
  ],
  [
    "a transaction's amount",
    'transaction_unexplained',
    () => [
      `update transactions set amount_minor = amount_minor + 1, net_minor = net_minor + 1 where id = '${transferId}'`,
    ],
  ],
  [
    "a transfer's status",
    'transaction_unexplained',
    () => [`update transactions set status = 'completed' where id = '${transferId}'`],
  ],
  [
    'a deleted transaction',
    'journal_without_transaction',
    () => [`delete from transactions where id = '${transferId}'`],
  ],
  [
    'an outflow that was never posted',
    'outflow_unexplained',
    () => [
      `insert into treasury_outflows (bucket, id, environment_id, chain, tx_hash, currency, amount_minor, address, reason, booked_by,
          created_at)
        select bucket, 'out_1', environment_id, 'base', '0x1', 'usdc', 5, '0xto', 'lost', 'alice', now()
        from transactions where id = '${transferId}'`,
    ],
  ],
  [
    'a deleted event',
    'event_missing',
    () => [`delete from events where type = 'transaction.created' and object_id = '${transferId}'`],
  ],
  ['an internal transfer that was not paid', 'internal_transfer_unexplained', () => [internalTransfer()]],
  ['an internal transfer that is not in transit', 'internal_transit_mismatch', () => [internalTransfer()]],
  ['a gap in the events', 'event_sequence', () => [`delete from events where seq = 2`]],
  [
    'the end of a hash chain',
    'chain_broken',
    () => [`update journal_heads set journal_seq = journal_seq + 1`],
  ],
  ['the hash of a journal', 'chain_broken', () => [`update journals set hash = sha256('x') where seq = 2`]],
];

/** Kinds of problems that name an account or a journal. */
const namesAccount = [
  'account_mismatch',
  'balance_after_mismatch',
  'posting_without_account',
  'posting_without_journal',
  'wallet_negative',
];
const namesJournal = [
  'balance_after_mismatch',
  'journal_incomplete',
  'journal_unbalanced',
  'journal_without_transaction',
  'posting_without_account',
  'posting_without_journal',
];

describe('verify', () => {
  it('finds no problem in correct books, and returns what it checked', async () => {
    const found = await verifyLedger(server.app.pool);
    expect(found).toMatchObject({ ok: true, problems: [], checked: { journals: 3, transactions: 3 } });
    expect(found.head).toHaveLength(1);
    expect((await server.api.get('/v1/ledger/verify')).data).toMatchObject({ ok: true, problems: [] });
    expect((await server.live.get('/v1/ledger/verify')).data).toMatchObject({ ok: true, head: [] });
  });

  it.each(plants)('finds %s', async (_what, kind, tampering) => {
    const found = (await problemsAfter(...tampering())).filter((problem) => problem.kind === kind);
    expect(found.length).toBeGreaterThan(0);
    for (const problem of found) {
      expect(problem.id).not.toBe('');
      expect(problem.message).not.toBe('');
      if (namesAccount.includes(kind)) expect(problem.accountId).toMatch(/^(wal|env)_\w+:/);
      if (namesJournal.includes(kind)) expect(problem.journalId).toMatch(/^jrn_/);
    }
    expect((await verifyLedger(server.app.pool)).ok).toBe(true);
  });

  it('is tested with a fault of each kind of problem', () => {
    const known = [...checks.map(({ kind }) => kind), 'trial_balance', 'chain_broken'];
    expect([...new Set(plants.map(([, kind]) => kind))].sort()).toEqual(known.sort());
  });

  it('names the account and the journal of a problem, and shows the imbalance', async () => {
    const account = `${walletId}:available:usdc`;
    const { rows } = await server.app.pool.query<{ id: string }>(
      `select id from journals where transaction_id = '${transferId}' and kind = 'transfer_reserve'`,
    );
    const journal = rows[0]?.id;
    const found = await problemsAfter(
      `update postings set balance_after_minor = 7 where journal_id = '${journal}' and line = 1`,
      `update accounts set balance_minor = balance_minor + 2500000 where id = '${account}'`,
    );
    expect(found).toMatchObject([
      { kind: 'account_mismatch', id: account, accountId: account, journalId: null },
      { kind: 'balance_after_mismatch', id: journal, accountId: account, journalId: journal },
      { kind: 'trial_balance', id: 'usdc', message: 'debits and credits differ by -2.50' },
      { kind: 'chain_broken', id: journal, accountId: null, journalId: journal },
    ]);
  });
});

describe('the database itself', () => {
  it.each(['journals', 'postings'])('refuses to change or delete %s', async (table) => {
    const { app, ownerPool } = server;
    for (const pool of [app.pool, ownerPool]) {
      await expect(pool.query(`update ${table} set bucket = bucket`)).rejects.toMatchObject({
        code: '42501',
      });
      await expect(pool.query(`delete from ${table}`)).rejects.toMatchObject({ code: '42501' });
      await expect(pool.query(`truncate ${table}`)).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('keeps wallets at or above zero', async () => {
    const overdraw = `update accounts set balance_minor = -1 where wallet_id = '${walletId}'`;
    await expect(server.app.pool.query(overdraw)).rejects.toMatchObject({
      code: '23514',
      constraint: 'accounts_wallet_never_negative',
    });
  });
});
