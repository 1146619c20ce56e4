import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fundedWallet, newPayee, ok, transferBody, usBank } from '../../../test/support/factories.ts';
import { startServer, type TestServer } from '../../../test/support/server.ts';
import { verifyLedger } from './verify.ts';

/** Verification of payouts and fiat deposits in each of their statuses. */

let server: TestServer;
/** A transaction in each status, by name. */
const ids = new Map<string, string>();

beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  const { api } = server;
  const wallet = await fundedWallet(api, '1000.00');
  const { id: payeeId } = await newPayee(api, wallet.customerId, usBank());
  const account = await ok(
    api.post('/v1/virtual-accounts', { customerId: wallet.customerId, sourceCurrency: 'eur' }),
  );
  const bank = { destinationCurrency: 'usd', destinationPaymentRail: 'ach', destinationAddress: payeeId };
  const make = async (name: string, more: object, ...steps: object[]): Promise<void> => {
    const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '10.00', ...more })));
    for (const step of steps) await ok(api.post(`/v1/sandbox/transactions/${id}/advance`, step));
    ids.set(name, id);
  };
  await make('in_review', {});
  await make('completed', {}, { status: 'completed' });
  await make('funds_received', bank);
  await make('payment_submitted', bank, { status: 'payment_submitted' });
  await make('payment_processed', bank, { status: 'payment_processed' });
  await make('failed', bank, { status: 'failed' });
  await make('returned early', bank, { returnCode: 'R02' });
  await make('returned late', bank, { status: 'payment_processed' }, { returnCode: 'R02' });
  await make('refunded early', bank, { status: 'refunded' });
  await make('refunded late', bank, { status: 'payment_processed' }, { status: 'refunded' });
  const pay = async (name: string): Promise<void> => {
    const body = { virtualAccountId: account.id, amount: '10.00' };
    ids.set(name, (await ok(api.post('/v1/sandbox/fiat-deposits', body))).id);
  };
  await pay('deposit');
  await ok(api.post(`/v1/virtual-accounts/${account.id}/deactivate`));
  await pay('returned deposit');
});
afterAll(() => server.stop());

/** Changes the books outside the writer, returns the transactions that verify names, and undoes the change. */
async function unexplainedAfter(sql: string): Promise<string[]> {
  const { ownerPool: pool } = server;
  await pool.query('create table kept_transactions as table transactions');
  try {
    expect((await pool.query(sql)).rowCount).toBe(1);
    const { problems } = await verifyLedger(pool);
    return problems.filter(({ kind }) => kind === 'transaction_unexplained').map(({ id }) => id);
  } finally {
    await pool.query('truncate transactions cascade');
    await pool.query('insert into transactions select * from kept_transactions');
    await pool.query('drop table kept_transactions');
  }
}

const named = (name: string): string => {
  const id = ids.get(name);
  if (id === undefined) throw new Error(`There is no transaction ${name}`);
  return id;
};

const change = (name: string, to: string) => `update transactions set ${to} where id = '${named(name)}'`;

describe('verify', () => {
  it('explains every status by its journals', async () => {
    const found = await verifyLedger(server.app.pool);
    expect(found.problems).toEqual([]);
    expect(found.checked.transactions).toBe(ids.size + 1);
  });

  it.each([
    ['in_review', 'completed'],
    ['in_review', 'failed'],
    ['completed', 'in_review'],
    ['completed', 'failed'],
    ['funds_received', 'payment_processed'],
    ['funds_received', 'refunded'],
    ['payment_submitted', 'payment_processed'],
    ['payment_submitted', 'refunded'],
    ['payment_processed', 'payment_submitted'],
    ['payment_processed', 'returned'],
    ['payment_processed', 'refunded'],
    ['failed', 'payment_processed'],
    ['failed', 'returned'],
    ['returned early', 'refunded'],
    ['returned early', 'payment_processed'],
    ['returned late', 'refunded'],
    ['returned late', 'payment_processed'],
    ['refunded early', 'returned'],
    ['refunded late', 'returned'],
    ['refunded late', 'payment_processed'],
    ['deposit', 'returned'],
    ['returned deposit', 'completed'],
  ])('finds a %s one that says it is %s', async (name, status) => {
    expect(await unexplainedAfter(change(name, `status = '${status}'`))).toEqual([named(name)]);
  });

  it.each(['completed', 'payment_processed', 'deposit'])(
    'finds another final amount of a %s one',
    async (name) => {
      expect(await unexplainedAfter(change(name, 'final_minor = final_minor + 1'))).toEqual([named(name)]);
      expect(await unexplainedAfter(change(name, 'final_minor = null'))).toEqual([named(name)]);
    },
  );

  it.each(['completed', 'payment_processed', 'deposit'])('finds another fee of a %s one', async (name) => {
    const fee = 'fee_minor = fee_minor + 1, net_minor = net_minor - 1';
    expect(await unexplainedAfter(change(name, fee))).toEqual([named(name)]);
  });

  it.each(['in_review', 'funds_received', 'payment_submitted', 'payment_processed', 'deposit'])(
    'finds another amount of a %s one',
    async (name) => {
      const amount = 'amount_minor = amount_minor + 1, net_minor = net_minor + 1';
      expect(await unexplainedAfter(change(name, amount))).toEqual([named(name)]);
    },
  );

  it.each([
    ['deposit', 'deposit'],
    ['returned deposit', 'deposit_hold'],
    ['returned deposit', 'deposit_return'],
    ['payment_processed', 'transfer_settle'],
    ['returned late', 'transfer_return'],
    ['refunded late', 'transfer_release'],
    ['funds_received', 'transfer_reserve'],
  ])('finds a %s one without its journal %s, and the gap in the hash chain', async (name, kind) => {
    const { ownerPool: pool } = server;
    await pool.query('create table kept_journals as table journals');
    await pool.query('grant delete, truncate on journals to current_user');
    try {
      const sql = `delete from journals where transaction_id = '${named(name)}' and kind = '${kind}'`;
      expect((await pool.query(sql)).rowCount).toBe(1);
      const { problems } = await verifyLedger(pool);
      expect(problems).toContainEqual(
        expect.objectContaining({ kind: 'transaction_unexplained', id: named(name) }),
      );
      expect(problems.map((problem) => problem.kind)).toContain('chain_broken');
    } finally {
      await pool.query('truncate journals');
      await pool.query('insert into journals select * from kept_journals');
      await pool.query('drop table kept_journals');
      await pool.query('revoke delete, truncate on journals from current_user');
    }
  });
});

it('a transfer with journals in two lanes, after the number of lanes was changed, is explained', async () => {
  const first = await startServer({ sandboxStepMs: 3_600_000, lanes: 1 });
  const wallets = await Promise.all(Array.from({ length: 4 }, () => fundedWallet(first.api, '10.00')));
  const sent = await Promise.all(
    wallets.map((wallet) => ok(first.api.post('/v1/transfers', transferBody(wallet)))),
  );
  await first.app.stop();
  const second = await first.second({ lanes: 4, sandboxStepMs: 20 });
  const headers = { authorization: `Bearer ${first.testKey}`, 'content-type': 'application/json' };
  for (const { id } of sent) {
    const path = `${second.url}/v1/sandbox/transactions/${id}/advance`;
    const answer = await fetch(path, { method: 'POST', headers, body: '{"status":"completed"}' });
    expect(answer.status).toBe(200);
  }
  expect((await verifyLedger(second.pool)).problems).toEqual([]);
  await first.stop();
});
