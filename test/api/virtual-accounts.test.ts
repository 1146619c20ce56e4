import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBic } from '../../server/src/rails/identifiers/bic.ts';
import { checkBrCode } from '../../server/src/rails/identifiers/br-code.ts';
import { checkClabe } from '../../server/src/rails/identifiers/clabe.ts';
import { checkSepaIban } from '../../server/src/rails/identifiers/iban.ts';
import { checkSortCode, checkUkAccountNumber } from '../../server/src/rails/identifiers/uk-account.ts';
import { checkRoutingNumber, checkUsAccountNumber } from '../../server/src/rails/identifiers/us-account.ts';
import { type Rail, railFacts, railNames } from '../../server/src/rails/rails.ts';
import { traceIdPattern } from '../../server/src/rails/trace-ids.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import {
  allRows,
  approvedCustomer,
  balanceOf,
  decideKyc,
  deposit,
  environmentOf,
  minor,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  suspend,
  walk,
  watchRows,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

const currencies = ['usd', 'eur', 'gbp', 'mxn', 'brl'] as const;
type SourceCurrency = (typeof currencies)[number];

// The beginning of a window of rates: they stay as they are for 30 seconds.
const nowMs = Math.ceil(Date.now() / 30_000) * 30_000;
let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ clock: { now: () => nowMs } });
  api = server.api;
});
afterAll(async () => {
  expect((await ok(api.get('/v1/ledger/verify'))).problems).toEqual([]);
  await server.stop();
});

const open = (customerId: string, sourceCurrency: SourceCurrency, more: object = {}) =>
  ok(api.post('/v1/virtual-accounts', { customerId, sourceCurrency, ...more }));

const pay = (virtualAccountId: string, amount: string | number, more: object = {}) =>
  api.post('/v1/sandbox/fiat-deposits', { virtualAccountId, amount, ...more });

const rate = async (from: string, to: string): Promise<string> =>
  (await ok(api.get(`/v1/rates?from=${from}&to=${to}`))).sellRate;

/** Millionths at a rate, rounded down to millionths. */
function times(millionths: bigint, text: string): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return (millionths * BigInt(whole + fraction)) / 10n ** BigInt(fraction.length);
}

type Instructions = Record<string, string>;

const checks: Record<SourceCurrency, (instructions: Instructions) => { ok: boolean }[]> = {
  usd: (given) => [
    checkUsAccountNumber(given.account_number ?? ''),
    checkRoutingNumber(given.routing_number ?? ''),
  ],
  eur: (given) => [checkSepaIban(given.iban ?? ''), checkBic(given.bic ?? '')],
  gbp: (given) => [checkUkAccountNumber(given.account_number ?? ''), checkSortCode(given.sort_code ?? '')],
  mxn: (given) => [checkClabe(given.clabe ?? '')],
  brl: (given) => [checkBrCode(given.br_code ?? '')],
};

const fields: Record<SourceCurrency, string[]> = {
  usd: [
    'account_holder_name',
    'account_number',
    'bank_address',
    'bank_name',
    'payment_rails',
    'routing_number',
  ],
  eur: ['account_holder_name', 'bank_name', 'bic', 'iban'],
  gbp: ['account_holder_name', 'account_number', 'bank_name', 'sort_code'],
  mxn: ['account_holder_name', 'bank_name', 'clabe'],
  brl: ['account_holder_name', 'br_code'],
};

describe('a virtual account', () => {
  it.each(currencies)(
    'in %s has numbers that pass their checks, and a wallet of its own',
    async (currency) => {
      const customer = await approvedCustomer(api, { firstName: 'José', lastName: 'Ñandú' });
      const account = await open(customer.id, currency);
      expect(account).toMatchObject({
        id: expect.stringMatching(/^va_/),
        customerId: customer.id,
        sourceCurrency: currency,
        status: 'active',
      });
      const { depositInstructions } = account;
      expect(Object.keys(depositInstructions).sort()).toEqual(fields[currency]);
      expect(depositInstructions.account_holder_name).toBe('José Ñandú');
      const results = checks[currency](depositInstructions);
      expect(results.map((result) => result.ok)).toEqual(results.map(() => true));
      const wallet = await ok(api.get(`/v1/crypto-wallets/${account.walletId}`));
      expect(wallet).toMatchObject({ customerId: customer.id, status: 'active' });
      const addresses = await ok(api.get(`/v1/crypto-wallets/${account.walletId}/crypto-deposit-addresses`));
      expect(addresses).toHaveLength(8);
      expect(await ok(api.get(`/v1/virtual-accounts/${account.id}`))).toEqual(account);
      const events = await api.get(`/v1/events?limit=4`);
      const told = events.data.filter(({ data }: { data: { id: string } }) => data.id === account.id);
      expect(told).toEqual([expect.objectContaining({ type: 'virtual_account.created', data: account })]);
    },
  );

  it('names the business, where the customer is one', async () => {
    const business = await approvedCustomer(api, {
      type: 'business',
      businessName: 'Analytical Engines Ltd',
    });
    const { depositInstructions } = await open(business.id, 'gbp');
    expect(depositInstructions.account_holder_name).toBe('Analytical Engines Ltd');
  });

  it('settles into a wallet that there is, and several may share it', async () => {
    const wallet = await newWallet(api);
    const accounts = await Promise.all(
      currencies.map((currency) => open(wallet.customerId, currency, { walletId: wallet.id })),
    );
    expect(accounts.map(({ walletId }) => walletId)).toEqual(currencies.map(() => wallet.id));
    expect(await ok(api.get(`/v1/crypto-wallets?customerId=${wallet.customerId}`))).toHaveLength(1);
    let expected = 0n;
    for (const account of accounts) expected += minor((await ok(pay(account.id, '1000.00'))).finalAmount);
    expect(minor(await balanceOf(api, wallet.id))).toBe(expected);
  });

  it('has numbers of its own, also when many are opened concurrently', async () => {
    const { id } = await approvedCustomer(api);
    const accounts = await Promise.all(Array.from({ length: 40 }, () => open(id, 'mxn')));
    expect(new Set(accounts.map((account) => account.depositInstructions.clabe)).size).toBe(40);
    expect(new Set(accounts.map((account) => account.walletId)).size).toBe(40);
  });

  it('is listed newest first, and found by customer and currency', async () => {
    const customer = await approvedCustomer(api);
    const made = [];
    for (const currency of ['usd', 'eur', 'usd'] as const) made.push(await open(customer.id, currency));
    const [first, second, third] = made;
    const list = async (query: string) =>
      (await walk(api, `/v1/virtual-accounts?customerId=${customer.id}${query}`, 2)) as unknown[];
    expect(await list('')).toEqual([third, second, first]);
    expect(await list('&sourceCurrency=usd')).toEqual([third, first]);
    expect(await list('&sourceCurrency=brl')).toEqual([]);
    expect((await api.get('/v1/virtual-accounts?sourceCurrency=kes')).status).toBe(400);
    expect(await ok(server.live.get('/v1/virtual-accounts'))).toEqual([]);
  });
});

describe('opening one is refused, and nothing is written', () => {
  async function expectRefused(body: object, status: number, reason: string, ...paths: string[]) {
    const changes = await watchRows(server.app);
    const { error, status: answered } = await api.post('/v1/virtual-accounts', body);
    expect([answered, error.reason, ...(error.details ?? []).map(({ path }) => path)]).toEqual([
      status,
      reason,
      ...paths,
    ]);
    expect((await changes()).filter((table) => table !== 'derivation_counters')).toEqual([]);
  }

  it('to whom is not verified, does not exist, or is suspended', async () => {
    const unverified = await newCustomer(api);
    const body = { customerId: unverified.id, sourceCurrency: 'usd' };
    const missing = ['/customerId', '/customerId'];
    await expectRefused(body, 409, 'kyc_required', ...missing);
    const nobody = { ...body, customerId: missingLike(unverified.id) };
    await expectRefused(nobody, 400, 'customer_not_found', '/customerId');
    const wallet = await newWallet(api);
    await suspend(server.app, await environmentOf(server, server.testKey), wallet.customerId);
    for (const more of [{}, { walletId: wallet.id }]) {
      const suspended = { customerId: wallet.customerId, sourceCurrency: 'usd', ...more };
      await expectRefused(suspended, 409, 'kyc_required', '/customerId');
    }
  });

  it("into no wallet, another customer's, and a closed one", async () => {
    const wallet = await newWallet(api);
    const other = await newWallet(api);
    const body = { customerId: wallet.customerId, sourceCurrency: 'usd' };
    for (const walletId of [other.id, missingLike(wallet.id), 'wal_x', wallet.customerId]) {
      await expectRefused({ ...body, walletId }, 400, 'wallet_not_found', '/walletId');
    }
    await ok(api.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'closed' }));
    await expectRefused({ ...body, walletId: wallet.id }, 409, 'wallet_closed');
  });

  it('in another currency, with fields that there are not, and with a live key', async () => {
    const { id: customerId } = await approvedCustomer(api);
    await expectRefused({ customerId, sourceCurrency: 'ngn' }, 400, 'validation_failed', '/sourceCurrency');
    await expectRefused({ customerId }, 400, 'validation_failed', '/sourceCurrency');
    const misspelt = { customerId, sourceCurrency: 'usd', walletID: 'wal_1' };
    await expectRefused(misspelt, 400, 'validation_failed', '/walletID');
    const live = await server.live.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'usd' });
    expect([live.status, live.error.reason]).toEqual([400, 'rail_not_configured']);
  });
});

const everyWayIn = currencies.flatMap((currency) =>
  railNames
    .filter((rail) => railFacts(rail).currencies.includes(currency))
    .map((rail): [SourceCurrency, Rail] => [currency, rail]),
);

describe('a fiat deposit', () => {
  it.each(everyWayIn)('in %s by %s is converted at the rate shown, less the fee', async (currency, rail) => {
    const account = await open((await approvedCustomer(api)).id, currency);
    const arrived = await ok(pay(account.id, '1000.01', { paymentRail: rail }));
    const shown = currency === 'usd' ? '1' : await rate(currency, 'usd');
    expect(arrived).toMatchObject({
      type: 'deposit',
      status: 'completed',
      amount: '1000.01',
      fee: '30.01',
      netAmount: '970.00',
      sourceCurrency: currency,
      destinationCurrency: 'usdc',
      sourcePaymentRail: rail,
      virtualAccountId: account.id,
      walletId: account.walletId,
      returnReason: null,
      exchangeRate: currency === 'usd' ? null : shown,
    });
    expect(arrived.traceId).toMatch(traceIdPattern(rail));
    expect(minor(arrived.finalAmount)).toBe(times(minor('970.00'), shown));
    expect(await balanceOf(api, account.walletId)).toBe(arrived.finalAmount);
    if (currency === 'usd') expect(arrived.exchangeFee).toBe('0.00');
    else expect(Number(arrived.exchangeFee)).toBeGreaterThan(4.8);
    const foreign =
      'destinationPaymentRail destinationAddress payoutAccountId returnCode sourceTxHash gasFee';
    for (const name of foreign.split(' ')) expect(arrived).not.toHaveProperty(name);
    expect(await ok(api.get(`/v1/transactions/${arrived.id}`))).toEqual(arrived);
    const events = await api.get('/v1/events?limit=2');
    expect(events.data.map(({ type }: { type: string }) => type)).toEqual([
      'transaction.completed',
      'transaction.created',
    ]);
    for (const { data } of events.data) expect(data).toEqual(arrived);
  });

  it('so small that its fee eats it is refused, and the least that is left is credited', async () => {
    const account = await open((await approvedCustomer(api)).id, 'usd');
    const changes = await watchRows(server.app);
    for (const [amount, reason] of [
      ['0.01', 'amount_too_small'],
      ['0.00', 'invalid_amount'],
      ['0.001', 'invalid_amount'],
      ['9999999999999.99', 'amount_too_large'],
    ] as const) {
      const refused = await pay(account.id, amount);
      expect([refused.status, refused.error.reason]).toEqual([400, reason]);
      expect(refused.error.details?.map(({ path }) => path)).toEqual(['/amount']);
    }
    const rail = await pay(account.id, '1.00', { paymentRail: 'sepa' });
    expect([rail.status, rail.error.reason]).toEqual([400, 'unsupported_rail']);
    expect(rail.error.message).toMatch(/ach, ach_same_day, wire/);
    const none = await pay(missingLike(account.id), '1.00');
    expect([none.status, none.error.reason]).toEqual([400, 'virtual_account_not_found']);
    expect(await changes()).toEqual([]);
    const least = await ok(pay(account.id, 0.02));
    expect(least).toMatchObject({ amount: '0.02', fee: '0.01', netAmount: '0.01', finalAmount: '0.01' });
  });

  it('goes back whole from a deactivated account, a closed wallet, and to a customer who may not have it', async () => {
    const customer = await approvedCustomer(api);
    const account = await open(customer.id, 'eur');
    const expectReturned = async (why: RegExp) => {
      const returned = await ok(pay(account.id, '10.00'));
      expect(returned).toMatchObject({
        status: 'returned',
        amount: '10.00',
        fee: '0.00',
        netAmount: '10.00',
        finalAmount: null,
        exchangeFee: null,
        exchangeRate: null,
        returnReason: expect.stringMatching(why),
      });
      const events = await api.get('/v1/events?limit=2');
      expect(events.data.map(({ type }: { type: string }) => type)).toEqual([
        'transaction.completed',
        'transaction.created',
      ]);
    };
    await ok(api.post(`/v1/virtual-accounts/${account.id}/deactivate`));
    await expectReturned(/deactivated/);
    await ok(api.post(`/v1/virtual-accounts/${account.id}/reactivate`));
    await decideKyc(api, customer.id, 'rejected');
    await expectReturned(/rejected/);
    await decideKyc(api, customer.id, 'approved');
    await ok(api.patch(`/v1/crypto-wallets/${account.walletId}`, { status: 'closed' }));
    await expectReturned(/closed/);
    expect(await balanceOf(api, account.walletId)).toBe('0.00');
  });

  it('that races a deactivation is credited or goes back, never both', async () => {
    const other = await createClient((await server.second()).url, server.testKey);
    const account = await open((await approvedCustomer(api)).id, 'usd');
    const paid: { status: string; finalAmount: string | null }[] = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const work = Array.from({ length: 10 }, async (_, index) => {
        const client = index % 2 === 0 ? api : other;
        const body = { virtualAccountId: account.id, amount: '1.00' };
        paid.push(await ok(client.post('/v1/sandbox/fiat-deposits', body)));
      });
      await Promise.all([...work, other.post(`/v1/virtual-accounts/${account.id}/deactivate`)]);
      await ok(api.post(`/v1/virtual-accounts/${account.id}/reactivate`));
    }
    const credited = paid.filter(({ status }) => status === 'completed');
    const returned = paid.filter(({ status }) => status === 'returned');
    expect(credited.length + returned.length).toBe(50);
    expect(credited.every(({ finalAmount }) => finalAmount === '0.97')).toBe(true);
    expect(returned.every(({ finalAmount }) => finalAmount === null)).toBe(true);
    expect(minor(await balanceOf(api, account.walletId))).toBe(BigInt(credited.length) * minor('0.97'));
  });
});

describe('the balance', () => {
  it.each(currencies)('in %s is what the wallet is worth at the rates of now', async (currency) => {
    const account = await open((await approvedCustomer(api)).id, currency);
    const read = () => ok(api.get(`/v1/virtual-accounts/${account.id}/balance`));
    const shown = currency === 'usd' ? null : await rate('usd', currency);
    expect(await read()).toEqual({
      virtualAccountId: account.id,
      balance: '0.00',
      currency,
      exchangeRate: shown,
    });
    await deposit(api, account.walletId, '123.456789');
    const cents = times(minor('123.456789'), shown ?? '1') / 10_000n;
    const { balance } = await read();
    expect(minor(balance)).toBe(cents * 10_000n);
    // PYUSD and EURC that the wallet holds count too, each at its own rate.
    await deposit(api, account.walletId, '10.00', { chain: 'base', currency: 'eurc' });
    const added = Number((await read()).balance) - Number(balance);
    const euros = Number(await rate('eurc', 'usd')) * Number(shown ?? '1') * 10;
    expect(Math.abs(added - euros)).toBeLessThan(0.02);
  });

  it('leaves out what is under way', async () => {
    const account = await open((await approvedCustomer(api)).id, 'usd');
    await deposit(api, account.walletId, '10.00');
    const body = {
      customerId: account.customerId,
      walletId: account.walletId,
      amount: '4.00',
      destinationCurrency: 'usdc',
      destinationPaymentRail: 'solana',
      destinationAddress: '9WzDXwBbmkg8ZTbNMqUxvQRAyrZzDsGYdLVL9zYtAWWM',
    };
    await ok(api.post('/v1/transfers', body));
    expect((await ok(api.get(`/v1/virtual-accounts/${account.id}/balance`))).balance).toBe('6.00');
  });
});

describe('the history', () => {
  it('has every deposit to the account once, newest first, with its sender', async () => {
    const wallet = await newWallet(api);
    const [account, sibling] = [
      await open(wallet.customerId, 'usd', { walletId: wallet.id }),
      await open(wallet.customerId, 'usd', { walletId: wallet.id }),
    ];
    const made: string[] = [];
    for (let index = 1; index <= 7; index += 1) {
      const senderName = index % 2 === 0 ? `Sender ${index}` : undefined;
      made.unshift((await ok(pay(account.id, `${index}.00`, senderName ? { senderName } : {}))).id);
    }
    await ok(pay(sibling.id, '99.00'));
    await deposit(api, wallet.id, '1.00');
    const path = `/v1/virtual-accounts/${account.id}/history`;
    const entries = await walk(api, path, 3, () => pay(account.id, '50.00'));
    expect(entries.map(({ id }: { id: string }) => id)).toEqual(made);
    expect(entries.map(({ senderName }: { senderName: string | null }) => senderName)).toEqual([
      null,
      'Sender 6',
      null,
      'Sender 4',
      null,
      'Sender 2',
      null,
    ]);
    const filtered = await walk(api, `/v1/transactions?virtualAccountId=${account.id}`, 4);
    expect(filtered).toHaveLength(10);
    for (const entry of filtered) expect(entry).not.toHaveProperty('senderName');
    expect(await ok(api.get(`/v1/virtual-accounts/${sibling.id}/history`))).toHaveLength(1);
    for (const query of ['limit=0', 'limit=201', 'cursor=x', 'status=completed']) {
      expect((await api.get(`${path}?${query}`)).status).toBe(400);
    }
    expect((await api.get(`/v1/virtual-accounts/${missingLike(account.id)}/history`)).status).toBe(404);
  });
});

describe('deactivating and reactivating', () => {
  it('can be done again, and only a change is told of', async () => {
    const account = await open((await approvedCustomer(api)).id, 'gbp');
    const set = (verb: string) => ok(api.post(`/v1/virtual-accounts/${account.id}/${verb}`));
    expect(await set('reactivate')).toEqual(account);
    const deactivated = await set('deactivate');
    expect(deactivated).toEqual({ ...account, status: 'deactivated', updatedAt: deactivated.updatedAt });
    expect(await set('deactivate')).toEqual(deactivated);
    expect((await set('reactivate')).status).toBe('active');
    const { data } = await api.get('/v1/events?type=virtual_account.updated');
    const told = data.filter((event: { data: { id: string } }) => event.data.id === account.id);
    expect(told.map((event: { data: { status: string } }) => event.data.status)).toEqual([
      'active',
      'deactivated',
    ]);
    for (const verb of ['deactivate', 'reactivate']) {
      const missing = await api.post(`/v1/virtual-accounts/${missingLike(account.id)}/${verb}`);
      expect([missing.status, missing.error.reason]).toEqual([404, 'virtual_account_not_found']);
      expect((await server.live.post(`/v1/virtual-accounts/${account.id}/${verb}`)).status).toBe(404);
    }
  });
});

it('names and numbers lie sealed at rest', async () => {
  const customer = await approvedCustomer(api, { firstName: 'Zebulon', lastName: 'Quatermass' });
  const key = { 'idempotency-key': 'sealed' };
  const body = { customerId: customer.id, sourceCurrency: 'usd' };
  const account = await ok(api.post('/v1/virtual-accounts', body, key));
  await ok(
    api.post(
      '/v1/sandbox/fiat-deposits',
      { virtualAccountId: account.id, amount: '10.00', senderName: 'Bernard Quatermain' },
      { 'idempotency-key': 'sealed too' },
    ),
  );
  await ok(
    api.post(`/v1/virtual-accounts/${account.id}/deactivate`, undefined, { 'idempotency-key': 'third' }),
  );
  const text = [...(await allRows(server.app)).values()].flat().join('\n');
  expect(text).toContain(account.id);
  for (const secret of [
    'Zebulon',
    'Quatermass',
    'Quatermain',
    account.depositInstructions.account_number,
    account.depositInstructions.account_number.slice(-8),
  ]) {
    expect(text).not.toContain(secret);
  }
});
