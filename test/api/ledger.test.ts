import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ApiClient, createClient } from '../support/client.ts';
import {
  deposit,
  fundedWallet,
  minor,
  newOrganisation,
  newWallet,
  ok,
  transferBody,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

type Line = { accountId: string; side: string; amount: string; currency: string; balanceAfter: string };

let server: TestServer;
let api: ApiClient;
let wallet: { id: string; customerId: string };
let depositId: string;
let transferId: string;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  api = server.api;
  wallet = await newWallet(api);
  depositId = (await deposit(api, wallet.id, '14.40')).id;
  transferId = (await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '10.00' })))).id;
  await ok(api.post(`/v1/sandbox/transactions/${transferId}/advance`, { status: 'completed' }));
});
afterAll(() => server.stop());

const accounts = (query = '') => walk(api, `/v1/ledger/accounts${query}`, 2);
const journals = (query = '') => walk(api, `/v1/ledger/journals${query}`, 2);

describe('verification', () => {
  it('has a trial balance for each currency, by kind, whose sides are equal', async () => {
    const found = await ok(api.get('/v1/ledger/verify'));
    expect(found).toMatchObject({ ok: true, problems: [], checked: { journals: 3, postings: 7 } });
    const line = (kind: string, debit: string, credit: string) => ({ kind, accounts: 1, debit, credit });
    expect(found.trialBalance).toEqual([
      {
        currency: 'usdc',
        lines: [
          line('custody', '4.43', '0.00'),
          line('fee_revenue', '0.00', '0.03'),
          line('wallet_available', '0.00', '4.40'),
          line('wallet_in_transit', '0.00', '0.00'),
        ],
        debit: '4.43',
        credit: '4.43',
        difference: '0.00',
      },
    ]);
  });

  it('runs for a few at a time, and answers everybody', async () => {
    const answers = await Promise.all(Array.from({ length: 24 }, () => api.get('/v1/ledger/verify')));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });
});

describe('accounts', () => {
  it('are those of the wallet and of the house, with their balances', async () => {
    const found = await accounts();
    expect(
      found.map(({ balance, kind, lane, postings, walletId }) => [kind, balance, postings, walletId ?? lane]),
    ).toEqual([
      ['wallet_in_transit', '0.00', '2', wallet.id],
      ['wallet_available', '4.40', '2', wallet.id],
      ['fee_revenue', '0.03', '1', 0],
      ['custody', '4.43', '2', 0],
    ]);
    expect(found.filter(({ chain }) => chain !== undefined).map(({ chain }) => chain)).toEqual(['solana']);
  });

  it('are narrowed by wallet, customer, kind and currency', async () => {
    const other = await fundedWallet(api, '1.00');
    await deposit(api, other.id, '2.00', { chain: 'ethereum', currency: 'eurc' });
    const kinds = async (query: string) =>
      (await accounts(query)).map(({ currency, kind }) => `${kind} ${currency}`);
    expect(await kinds(`?walletId=${wallet.id}`)).toEqual([
      'wallet_in_transit usdc',
      'wallet_available usdc',
    ]);
    const ofCustomer = [`wallet_available usdc`, 'wallet_available eurc'];
    expect(await kinds(`?customerId=${other.customerId}`)).toEqual(ofCustomer);
    expect(await kinds(`?customerId=${other.customerId}&currency=eurc`)).toEqual(['wallet_available eurc']);
    expect(await kinds(`?customerId=${other.customerId}&walletId=${wallet.id}`)).toEqual([]);
    expect(await kinds('?kind=custody')).toEqual(['custody usdc', 'custody eurc']);
    expect(await kinds('?kind=custody&currency=eurc')).toEqual(['custody eurc']);
    expect(await kinds('?walletId=nothing')).toEqual([]);
    expect((await api.get('/v1/ledger/accounts?kind=cash')).status).toBe(400);
  });
});

describe('journals', () => {
  it('contain every posting, and form a hash chain that clients can verify', async () => {
    const found = await journals(`?transactionId=${transferId}`);
    expect(found.map(({ kind }) => kind)).toEqual(['transfer_settle', 'transfer_reserve']);
    const [settle] = found;
    const shown = settle.postings.map(({ accountId, amount, balanceAfter, side }: Line) => [
      accountId.split(':').slice(1).join(' '),
      side,
      amount,
      balanceAfter,
    ]);
    expect(shown).toEqual([
      ['in_transit usdc', 'debit', '10.00', '0.00'],
      ['0 custody solana usdc', 'credit', '9.97', '4.43'],
      ['0 fee_revenue usdc', 'credit', '0.03', '0.03'],
    ]);
  });

  it('can be hashed again from what the list says', async () => {
    const environmentId = (await accounts('?kind=custody'))[0].id.split(':')[0];
    let previous = '0'.repeat(64);
    for (const journal of (await journals()).toSorted((a, b) => Number(a.seq) - Number(b.seq))) {
      const { createdAt, hash, id, kind, lane, postings, seq, transactionId } = journal;
      const said = [previous, id, environmentId, lane, seq, kind, transactionId, createdAt];
      const lines = postings.map((line: Line & { line: number; accountVersion: string }) => [
        line.line,
        line.accountId,
        line.accountVersion,
        line.currency,
        String(line.side === 'debit' ? minor(line.amount) : -minor(line.amount)),
        String(minor(line.balanceAfter)),
      ]);
      expect(
        createHash('sha256')
          .update(JSON.stringify([...said, ...lines]))
          .digest('hex'),
      ).toBe(hash);
      previous = hash;
    }
    const { head } = await ok(api.get('/v1/ledger/verify'));
    expect(head).toEqual([expect.objectContaining({ hash: previous })]);
  });

  it('are narrowed by transaction, account and time', async () => {
    const kinds = async (query: string) => (await journals(query)).map(({ kind }) => kind);
    expect(await kinds(`?transactionId=${depositId}`)).toEqual(['deposit']);
    const ofWallet = (name: string) => `?accountId=${encodeURIComponent(`${wallet.id}:${name}:usdc`)}`;
    expect(await kinds(ofWallet('available'))).toEqual(['transfer_reserve', 'deposit']);
    expect(await kinds(ofWallet('in_transit'))).toEqual(['transfer_settle', 'transfer_reserve']);
    const [fees] = await accounts('?kind=fee_revenue');
    expect(await kinds(`?accountId=${encodeURIComponent(fees.id)}`)).toEqual(['transfer_settle']);
    expect(await kinds('?accountId=nothing')).toEqual([]);
    const [settle, reserve] = await journals(`?transactionId=${transferId}`);
    const query = `?transactionId=${transferId}`;
    expect(await kinds(`${query}&createdAfter=${settle.createdAt}`)).toEqual(['transfer_settle']);
    expect(await kinds(`${query}&createdBefore=${settle.createdAt}`)).toEqual(['transfer_reserve']);
    expect(await kinds(`${query}&createdBefore=${reserve.createdAt}`)).toEqual([]);
  });
});

it('nobody sees the books of another environment or organisation', async () => {
  const stranger = await newOrganisation(server, 'auditors');
  const others = [server.live, stranger.api, stranger.live];
  const [custody] = await accounts('?kind=custody');
  const paths = [
    '/v1/ledger/accounts',
    `/v1/ledger/accounts?walletId=${wallet.id}`,
    `/v1/ledger/accounts?customerId=${wallet.customerId}`,
    '/v1/ledger/journals',
    `/v1/ledger/journals?transactionId=${transferId}`,
    `/v1/ledger/journals?accountId=${encodeURIComponent(`${wallet.id}:available:usdc`)}`,
    `/v1/ledger/journals?accountId=${encodeURIComponent(custody.id)}`,
  ];
  for (const path of paths) {
    expect((await ok(api.get(path))).length, path).toBeGreaterThan(0);
    for (const other of others) expect(await ok(other.get(path)), path).toEqual([]);
  }
  for (const other of others) {
    expect(await ok(other.get('/v1/ledger/verify'))).toMatchObject({ trialBalance: [], head: [] });
  }
});

it('each lane has its accounts and hash chain; the trial balance covers all lanes', async () => {
  const laned = await startServer({ lanes: 4 });
  try {
    const client = await createClient(laned.app.url, laned.testKey);
    for (let index = 0; index < 12; index += 1) await fundedWallet(client, '1.00');
    const found = await ok(client.get('/v1/ledger/verify'));
    expect(found.ok).toBe(true);
    expect(found.trialBalance).toMatchObject([{ debit: '12.00', credit: '12.00' }]);
    const custody = await walk(client, '/v1/ledger/accounts?kind=custody', 3);
    expect(custody.length).toBe(found.head.length);
    expect(custody.length).toBeGreaterThan(1);
    const listed = await walk(client, '/v1/ledger/journals', 5);
    expect(new Set(listed.map(({ id }) => id)).size).toBe(12);
    const lanes = [...new Set(listed.map(({ lane }) => lane))].sort();
    expect(lanes).toEqual(found.head.map(({ lane }: { lane: number }) => lane));
  } finally {
    await laned.stop();
  }
});
