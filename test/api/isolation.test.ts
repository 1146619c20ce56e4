import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decideCustomerKyc } from '../../server/src/resources/customers/commands.ts';
import { createTransfer } from '../../server/src/resources/transfers/commands.ts';
import { createVirtualAccount } from '../../server/src/resources/virtual-accounts/commands.ts';
import { createCryptoDeposit } from '../../server/src/simulator/crypto-deposits.ts';
import type { ApiAnswer, ApiClient } from '../support/client.ts';
import {
  address,
  environmentOf,
  missingLike,
  newCustomer,
  newOrganisation,
  newWallet,
  ok,
  transferBody,
  walk,
  watchRows,
} from '../support/factories.ts';
import { startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** One environment and one of everything in it. */
interface Tenant {
  readonly api: ApiClient;
  readonly customer: { id: string };
  readonly wallet: { id: string; customerId: string };
  readonly counterparty: { id: string };
  readonly virtual_account: { id: string };
  readonly transfer: { id: string };
  readonly transaction: { id: string };
  readonly webhook: { id: string };
  readonly event: { id: string };
}

let server: TestServer;
let own: Tenant;
let strangers: Record<string, Tenant>;

beforeAll(async () => {
  server = await startServer();
  const other = await newOrganisation(server, 'somebody else');
  own = await settle(server.api, server.testKey);
  strangers = {
    'the live environment': await settle(server.live, server.liveKey),
    'another organisation': await settle(other.api, other.testKey),
    'the live environment of another organisation': await settle(other.live, other.liveKey),
  };
});
afterAll(() => server.stop());

/** Makes one of everything. What only the sandbox's routes can do is done by their commands, also for live. */
async function settle(api: ApiClient, key: string): Promise<Tenant> {
  const environment = await environmentOf(server, key);
  const { writer } = server.app;
  const customer = await newCustomer(api);
  await writer.submit(decideCustomerKyc(environment, customer.id, 'approved', []));
  const wallet = await newWallet(api, customer.id);
  const terms = {
    chain: 'solana',
    sourceCurrency: 'usdc',
    sourceMinor: 100_000_000n,
    creditedCurrency: 'usdc',
    creditedMinor: 100_000_000n,
    exchangeRate: null,
  } as const;
  await writer.submit(createCryptoDeposit(environment, wallet.id, terms));
  const counterparty = await ok(api.post('/v1/counterparties', counterpartyBody(customer)));
  const [transaction] = await ok(api.get('/v1/transactions'));
  const account = { customerId: customer.id, sourceCurrency: 'eur' } as const;
  await writer.submit(createVirtualAccount(environment, account, { walletId: wallet.id }));
  const [virtualAccount] = await ok(api.get('/v1/virtual-accounts'));
  const sent = { kind: 'chain', chain: 'solana', address: address.solana, sentCurrency: 'usdc' } as const;
  const amounts = { amountMinor: 66_170_000n, feeMinor: 1n, mostMinor: 66_169_999n };
  const money = { ...sent, ...amounts, currency: 'usdc' } as const;
  await writer.submit(createTransfer(environment, transferBody(wallet), money, 1000));
  const [transfer] = await ok(api.get('/v1/transfers'));
  const webhook = await ok(
    api.post('/v1/webhooks', { url: 'https://example.com/', events: ['webhook.test'] }),
  );
  const [event] = await ok(api.get('/v1/events?type=customer.created'));
  return {
    api,
    customer,
    wallet,
    counterparty,
    virtual_account: virtualAccount,
    transfer,
    transaction,
    webhook,
    event,
  };
}

function counterpartyBody(customer: { id: string }) {
  return {
    customerId: customer.id,
    currency: 'usd',
    accountType: 'us_bank',
    accountOwnerName: 'Ada Lovelace',
    account: { account_number: '123456789', routing_number: '021000021' },
  };
}

const strangerNames = [
  'the live environment',
  'another organisation',
  'the live environment of another organisation',
] as const;

const kyc = { kycStatus: 'rejected' };

/** Every operation with an id in its path. */
const byId: [method: string, path: string, of: keyof Omit<Tenant, 'api'>, body?: object][] = [
  ['GET', '/v1/customers/{customerId}', 'customer'],
  ['GET', '/v1/crypto-wallets/{walletId}', 'wallet'],
  ['GET', '/v1/crypto-wallets/{walletId}/balance', 'wallet'],
  ['GET', '/v1/crypto-wallets/{walletId}/crypto-deposit-addresses', 'wallet'],
  ['GET', '/v1/counterparties/{counterpartyId}', 'counterparty'],
  ['GET', '/v1/virtual-accounts/{virtualAccountId}', 'virtual_account'],
  ['GET', '/v1/virtual-accounts/{virtualAccountId}/balance', 'virtual_account'],
  ['GET', '/v1/virtual-accounts/{virtualAccountId}/history', 'virtual_account'],
  ['GET', '/v1/transfers/{transferId}', 'transfer'],
  ['GET', '/v1/transactions/{transactionId}', 'transaction'],
  ['GET', '/v1/webhooks/{webhookId}', 'webhook'],
  ['GET', '/v1/webhooks/{webhookId}/deliveries', 'webhook'],
  ['GET', '/v1/events/{eventId}', 'event'],
  ['PATCH', '/v1/customers/{customerId}', 'customer', { status: 'suspended' }],
  ['POST', '/v1/customers/{customerId}/erase', 'customer'],
  ['PATCH', '/v1/crypto-wallets/{walletId}', 'wallet', { status: 'frozen' }],
  ['PATCH', '/v1/webhooks/{webhookId}', 'webhook', { status: 'disabled' }],
  ['DELETE', '/v1/webhooks/{webhookId}', 'webhook'],
  ['POST', '/v1/customers/{customerId}/links/revoke', 'customer'],
  ['POST', '/v1/counterparties/{counterpartyId}/deactivate', 'counterparty'],
  ['POST', '/v1/virtual-accounts/{virtualAccountId}/deactivate', 'virtual_account'],
  ['POST', '/v1/virtual-accounts/{virtualAccountId}/reactivate', 'virtual_account'],
  ['POST', '/v1/transfers/{transferId}/cancel', 'transfer'],
  ['POST', '/v1/webhooks/{webhookId}/test', 'webhook', {}],
  ['POST', '/v1/webhooks/{webhookId}/rotate-secret', 'webhook', {}],
  ['POST', '/v1/webhooks/{webhookId}/replay', 'webhook', { createdAfter: '2025-01-15T11:00:00.000Z' }],
  ['GET', '/v1/webhooks/{webhookId}/replays', 'webhook'],
  ['POST', '/v1/webhooks/{webhookId}/deliveries/{deliveryId}/resend', 'webhook'],
  ['POST', '/v1/sandbox/transactions/{transactionId}/advance', 'transaction', { status: 'failed' }],
  ['POST', '/v1/sandbox/customers/{customerId}/kyc', 'customer', kyc],
];

function call(api: ApiClient, method: string, path: string, id: string, body?: object): Promise<ApiAnswer> {
  const target = path.replace(/\{\w+\}/, id);
  return body === undefined
    ? api.raw(method, target, '')
    : api.raw(method, target, JSON.stringify(body), { 'content-type': 'application/json' });
}

/** All of a refusal but the id of the one request. */
function refusalOf({ error, status }: ApiAnswer): object {
  expect(error).toHaveProperty('requestId');
  return { status, ...error, requestId: undefined };
}

describe('an id in the path', () => {
  it('is looked at here for every operation that has one', async () => {
    const document = (await (await fetch(`${server.app.url}/openapi.json`)).json()) as {
      paths: Record<string, object>;
    };
    const operations = Object.entries(document.paths)
      // What is of the whole deployment is for named keys only (treasury.test.ts).
      .filter(([path]) => path.includes('{') && !path.startsWith('/v1/treasury/'))
      .flatMap(([path, methods]) => Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`));
    expect(operations.sort()).toEqual(byId.map(([method, path]) => `${method} ${path}`).sort());
  });

  describe.each(strangerNames)('of %s', (name) => {
    it.each(byId)('is answered like a missing one: %s %s', async (method, path, of, body) => {
      const { id } = (strangers[name] as Tenant)[of];
      const changedTables = await watchRows(server.app);
      const foreign = await call(own.api, method, path, id, body);
      expect(refusalOf(foreign)).toEqual(refusalOf(await call(own.api, method, path, missingLike(id), body)));
      expect([foreign.status, foreign.error.reason]).toEqual([404, `${of}_not_found`]);
      expect(await changedTables()).toEqual([]);
    });
  });

  it.each(byId.filter(([, path]) => !path.includes('/sandbox/')))(
    'of test data is answered like a missing one to a live key: %s %s',
    async (method, path, of, body) => {
      const { id } = own[of];
      const foreign = await call(server.live, method, path, id, body);
      expect(refusalOf(foreign)).toEqual(
        refusalOf(await call(server.live, method, path, missingLike(id), body)),
      );
      expect(foreign.status).toBe(404);
    },
  );

  it.each(byId.filter(([method]) => method === 'GET'))(
    'of our own is found: %s %s',
    async (method, path, of) => {
      expect((await call(own.api, method, path, own[of].id)).status).toBe(200);
    },
  );

  it('of another kind of thing is answered like a missing one', async () => {
    const swapped = await own.api.get(`/v1/customers/${own.wallet.id}`);
    const missing = await own.api.get(`/v1/customers/${missingLike(own.wallet.id)}`);
    expect(refusalOf(swapped)).toEqual(refusalOf(missing));
  });
});

describe.each(strangerNames)('an id of %s in a body', (name) => {
  const deposit = { chain: 'solana', currency: 'usdc', amount: '1.00' };

  it.each([
    [
      'the customer of a wallet',
      '/v1/crypto-wallets',
      ({ customer }: Tenant) => ({ customerId: customer.id }),
    ],
    [
      'the customer of a counterparty',
      '/v1/counterparties',
      ({ customer }: Tenant) => counterpartyBody(customer),
    ],
    [
      'the customer of a counterparty, when it is only tried',
      '/v1/counterparties/validate',
      ({ customer }: Tenant) => counterpartyBody(customer),
    ],
    [
      'the wallet of a deposit',
      '/v1/sandbox/crypto-deposits',
      ({ wallet }: Tenant) => ({ ...deposit, walletId: wallet.id }),
    ],
    [
      'the virtual account of a deposit',
      '/v1/sandbox/fiat-deposits',
      (tenant: Tenant) => ({ virtualAccountId: tenant.virtual_account.id, amount: '1.00' }),
    ],
    [
      'the customer of a virtual account',
      '/v1/virtual-accounts',
      ({ customer }: Tenant) => ({ customerId: customer.id, sourceCurrency: 'usd' }),
    ],
    [
      'the wallet of a virtual account',
      '/v1/virtual-accounts',
      ({ wallet }: Tenant) => ({ customerId: own.customer.id, sourceCurrency: 'usd', walletId: wallet.id }),
    ],
    [
      'the counterparty of a transfer',
      '/v1/transfers',
      ({ counterparty }: Tenant) =>
        transferBody(own.wallet, {
          destinationCurrency: 'usd',
          destinationPaymentRail: 'wire',
          destinationAddress: counterparty.id,
        }),
    ],
    ['customer and wallet of a transfer', '/v1/transfers', ({ wallet }: Tenant) => transferBody(wallet)],
    [
      'the wallet of a transfer',
      '/v1/transfers',
      ({ wallet }: Tenant) => transferBody({ ...own.wallet, id: wallet.id }),
    ],
    [
      'the customer of a transfer',
      '/v1/transfers',
      ({ wallet }: Tenant) => transferBody({ ...own.wallet, customerId: wallet.customerId }),
    ],
  ])('is answered like a missing one: %s', async (_what, path, bodyOf) => {
    const stranger = strangers[name] as Tenant;
    const missing = {
      ...stranger,
      customer: { id: missingLike(stranger.customer.id) },
      counterparty: { id: missingLike(stranger.counterparty.id) },
      virtual_account: { id: missingLike(stranger.virtual_account.id) },
      wallet: {
        id: missingLike(stranger.wallet.id),
        customerId: missingLike(stranger.wallet.customerId),
      },
    };
    const changedTables = await watchRows(server.app);
    const foreign = await own.api.post(path, bodyOf(stranger));
    expect(refusalOf(foreign)).toEqual(refusalOf(await own.api.post(path, bodyOf(missing))));
    expect(foreign.status).toBe(400);
    expect(foreign.error.reason).toMatch(/^(customer|wallet|counterparty|virtual_account)_not_found$/);
    expect(await changedTables()).toEqual([]);
  });

  it('is answered like a missing one by filters', async () => {
    const stranger = strangers[name] as Tenant;
    for (const path of [
      `/v1/crypto-wallets?customerId=${stranger.customer.id}`,
      `/v1/counterparties?customerId=${stranger.customer.id}`,
      `/v1/transactions?customerId=${stranger.customer.id}`,
      `/v1/transactions?walletId=${stranger.wallet.id}`,
      `/v1/transactions?virtualAccountId=${stranger.virtual_account.id}`,
      `/v1/transfers?customerId=${stranger.customer.id}`,
      `/v1/virtual-accounts?customerId=${stranger.customer.id}`,
    ]) {
      expect((await own.api.get(path)).data).toEqual([]);
    }
  });

  it('shows nothing of theirs when it comes in a cursor', async () => {
    const stranger = strangers[name] as Tenant;
    await newCustomer(stranger.api);
    const { nextCursor } = await stranger.api.get('/v1/customers?limit=1');
    const page = await own.api.get(`/v1/customers?cursor=${nextCursor}`);
    expect(
      page.data.map(({ id }: { id: string }) => id).filter((id: string) => id !== own.customer.id),
    ).toEqual([]);
  });
});

describe('lists', () => {
  const lists = [
    ['/v1/customers', 'customer'],
    ['/v1/crypto-wallets', 'wallet'],
    ['/v1/counterparties', 'counterparty'],
    ['/v1/virtual-accounts', 'virtual_account'],
    ['/v1/transfers', 'transfer'],
    ['/v1/transactions', 'transaction'],
    ['/v1/webhooks', 'webhook'],
    ['/v1/events', 'event'],
  ] as const;

  it.each(lists)('of %s show an environment its own things only', async (path, of) => {
    const tenants = [own, ...Object.values(strangers)];
    const seen = await Promise.all(
      tenants.map(async ({ api }) => (await walk(api, path, 200)).map(({ id }) => id as string)),
    );
    tenants.forEach((tenant, index) => {
      expect(seen[index]).toContain(tenant[of].id);
    });
    const all = seen.flat();
    expect(new Set(all).size).toBe(all.length);
  });
});

describe('test and live', () => {
  it.each(byId.filter(([, path]) => path.includes('/sandbox/')))(
    'a live key finds no sandbox, whatever it asks for: %s %s',
    async (method, path, of, body) => {
      const things = [own[of].id, (strangers['the live environment'] as Tenant)[of].id, 'nothing'];
      for (const id of things) {
        const answer = await call(server.live, method, path, id, body);
        expect([answer.status, answer.error.code, answer.error.reason]).toEqual([
          404,
          'NOT_FOUND',
          'sandbox_only',
        ]);
      }
    },
  );

  it('a live key can let no deposit arrive', async () => {
    const { wallet } = strangers['the live environment'] as Tenant;
    const body = { walletId: wallet.id, chain: 'solana', currency: 'usdc', amount: '1.00' };
    for (const sent of [body, {}, { ...body, walletId: own.wallet.id }]) {
      expect((await server.live.post('/v1/sandbox/crypto-deposits', sent)).status).toBe(404);
    }
  });

  it('verification looks at the own environment only', async () => {
    const [mine, theirs] = await Promise.all(
      [own, strangers['the live environment'] as Tenant].map(({ api }) => ok(api.get('/v1/ledger/verify'))),
    );
    expect(mine.checked).toMatchObject({ journals: 2, transactions: 2 });
    expect(mine.head.map((head: { environmentId: string }) => head.environmentId)).toEqual([
      await environmentOf(server, server.testKey),
    ]);
    expect(theirs.head).not.toEqual(mine.head);
  });

  it('a webhook receives what happens in its own environment only', async () => {
    const target = await startReceiver();
    const { api } = strangers['another organisation'] as Tenant;
    const webhook = await ok(api.post('/v1/webhooks', { url: target.url, events: ['*'] }));
    await newCustomer(own.api);
    await newCustomer(server.live);
    const { id } = await newCustomer(api);
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBeGreaterThan(0);
    await newCustomer(own.api);
    const last = await newCustomer(api);
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBeGreaterThan(1);
    await ok(api.delete(`/v1/webhooks/${webhook.id}`));
    await target.stop();
    expect(target.received.map(({ body }) => JSON.parse(body).data.id)).toEqual([id, last.id]);
  });
});
