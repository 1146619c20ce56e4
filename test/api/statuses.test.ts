import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { liveCustomer } from '../support/chains/live.ts';
import { type ApiAnswer, type ApiClient, createClient } from '../support/client.ts';
import { runSql } from '../support/database.ts';
import {
  approvedCustomer,
  decideKyc,
  deposit,
  fundedWallet,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  person,
  transferBody,
} from '../support/factories.ts';
import { startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { startTreasury, storeTopUp, storeTreasury, storeUncredited } from '../support/treasury.ts';

/**
 * Walks every operation of the document and gets every status that it declares. The client refuses any answer that
 * does not match its schema, and any status that is not declared.
 */

interface Operation {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly statuses: readonly string[];
  /** A body that fits the schema; undefined when the operation takes none. */
  readonly body: object | undefined;
  readonly isPublic: boolean;
}

type Declared = {
  operationId: string;
  security?: unknown[];
  responses: object;
  requestBody?: { content: { 'application/json': { example?: object } } };
};

const document = JSON.parse(readFileSync(new URL('../../openapi.json', import.meta.url), 'utf8'));
const operations: Operation[] = Object.entries(
  document.paths as Record<string, Record<string, Declared>>,
).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, declared]) => ({
    operationId: declared.operationId,
    method: method.toUpperCase(),
    path,
    statuses: Object.keys(declared.responses),
    // The original document has no example of a wallet's body.
    body:
      declared.requestBody &&
      (declared.requestBody.content['application/json'].example ?? { customerId: 'cus_x' }),
    isPublic: declared.security?.length === 0,
  })),
);

const seen = new Set<string>();
const unknownId = 'xxx_01jhmbxq7ve2r8n5d0kz3c6tga';

let server: TestServer;
let api: ApiClient;
/** Calls with a key that may use the routes of the treasury. */
let treasury: ApiClient;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  api = server.api;
  treasury = await createClient((await startTreasury(server)).url, server.liveKey);
  await storeTreasury(server);
});
afterAll(() => server.stop());

/** Calls an operation; ids in its path are of nothing unless they are given. */
async function call(
  client: ApiClient,
  { body, method, path }: Operation,
  { ids = [], query = '', headers = {}, send = body }: Call = {},
): Promise<ApiAnswer> {
  const left = [...ids];
  const target = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(left.shift() ?? unknownId)) + query;
  const text = send === undefined ? '' : JSON.stringify(send);
  const type: Record<string, string> = send === undefined ? {} : { 'content-type': 'application/json' };
  return client.raw(method, target, text, { ...type, ...headers });
}

interface Call {
  readonly ids?: readonly string[];
  readonly query?: string;
  readonly headers?: Record<string, string>;
  readonly send?: object | undefined;
}

function expectStatus({ operationId }: Operation, answer: ApiAnswer, status: number): void {
  expect(answer.status, `${operationId}: ${answer.text}`).toBe(status);
  seen.add(`${operationId} ${status}`);
}

const clientFor = ({ path }: Operation) => (path.startsWith('/v1/treasury/') ? treasury : api);

const declaring = (status: number) => operations.filter(({ statuses }) => statuses.includes(String(status)));

/** The one operation by this id. */
function operation(operationId: string): Operation {
  const found = operations.find((known) => known.operationId === operationId);
  if (!found) throw new Error(`There is no operation ${operationId}`);
  return found;
}

describe('200', () => {
  /** What each operation is called with, in an order that makes sense: a reset ends everything. */
  type Play = () => Promise<Call>;
  const customer = async (): Promise<Call> => ({ ids: [(await newCustomer(api)).id] });
  const wallet = async (): Promise<Call> => ({ ids: [(await newWallet(api)).id] });
  const bankAccount = (customerId: string) => ({
    ...(operation('createCounterparty').body as object),
    customerId,
  });
  const counterparty = async (): Promise<Call> => {
    const { id } = await approvedCustomer(api);
    return { ids: [(await ok(api.post('/v1/counterparties', bankAccount(id)))).id] };
  };
  const newAccount = async () => {
    const { id: customerId } = await approvedCustomer(api);
    return ok(api.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'usd' }));
  };
  const account = async (): Promise<Call> => ({ ids: [(await newAccount()).id] });
  const transfer = async (): Promise<Call> => {
    const owner = await fundedWallet(api, '10.00');
    return { ids: [(await ok(api.post('/v1/transfers', transferBody(owner)))).id] };
  };
  const webhook = async (): Promise<Call> => {
    const body = { url: 'https://example.com/hooks', events: ['webhook.test'] };
    return { ids: [(await ok(api.post('/v1/webhooks', body))).id] };
  };
  const ownedBy = async (): Promise<Call> => ({ send: { customerId: (await approvedCustomer(api)).id } });
  const nothing = async (): Promise<Call> => ({});

  let stored = 0;
  const topUp = async (): Promise<Call> => ({ ids: [await storeTopUp(server, ++stored)] });
  const uncredited = async (): Promise<Call> => ({ ids: [await storeUncredited(server, ++stored)] });

  const plays: Readonly<Record<string, Play>> = {
    getCustomer: customer,
    updateCustomer: customer,
    revokeCustomerLinks: customer,
    eraseCustomer: customer,
    createWallet: ownedBy,
    getWallet: wallet,
    updateWallet: wallet,
    getWalletBalance: wallet,
    listDepositAddresses: wallet,
    createVirtualAccount: async () => ({
      send: { customerId: (await approvedCustomer(api)).id, sourceCurrency: 'eur' },
    }),
    getVirtualAccount: account,
    getVirtualAccountBalance: account,
    listVirtualAccountHistory: account,
    deactivateVirtualAccount: account,
    reactivateVirtualAccount: account,
    createCounterparty: async () => ({ send: bankAccount((await approvedCustomer(api)).id) }),
    validateCounterparty: async () => ({ send: bankAccount((await approvedCustomer(api)).id) }),
    getCounterparty: counterparty,
    deactivateCounterparty: counterparty,
    getTransaction: transfer,
    createTransfer: async () => ({ send: transferBody(await fundedWallet(api, '10.00')) }),
    getTransfer: transfer,
    cancelTransfer: transfer,
    getWebhook: webhook,
    updateWebhook: webhook,
    deleteWebhook: webhook,
    testWebhook: webhook,
    listWebhookDeliveries: webhook,
    rotateWebhookSecret: webhook,
    replayWebhook: async () => ({ ...(await webhook()), send: { createdAfter: '2025-01-15T11:00:00.000Z' } }),
    listWebhookReplays: webhook,
    resendWebhookDelivery: async () => {
      const target = await startReceiver();
      const { id } = await ok(api.post('/v1/webhooks', { url: target.url, events: ['webhook.test'] }));
      await ok(api.post(`/v1/webhooks/${id}/test`));
      const list = async () => ok(api.get(`/v1/webhooks/${id}/deliveries`));
      await expect.poll(async () => (await list()).length, { timeout: 10_000 }).toBe(1);
      await target.stop();
      return { ids: [id, (await list())[0].id] };
    },
    getRate: async () => ({ query: '?from=usd&to=gbp' }),
    decideCustomerKyc: customer,
    createCryptoDeposit: async () => {
      const { id: walletId } = await newWallet(api);
      return { send: { ...(operation('createCryptoDeposit').body as object), walletId } };
    },
    createFiatDeposit: async () => ({ send: { virtualAccountId: (await newAccount()).id, amount: '10.00' } }),
    advanceSandboxTransaction: transfer,
    getTreasuryPayment: topUp,
    bumpTreasuryPayment: topUp,
    cancelTreasuryPayment: topUp,
    resolveTreasuryPayment: topUp,
    creditTreasuryDeposit: async () => {
      const wallet = await newWallet(
        server.live,
        (await liveCustomer(server.app, server.live, server.liveKey)).id,
      );
      return { ...(await uncredited()), send: { reason: 'x', walletId: wallet.id } };
    },
    returnTreasuryDeposit: uncredited,
    writeOffTreasuryDeposit: uncredited,
    getTreasuryAction: async () => {
      const one = operation('writeOffTreasuryDeposit');
      return { ids: [(await call(treasury, one, await uncredited())).data.id] };
    },
    getEvent: async () => {
      await newCustomer(api);
      return { ids: [(await api.get('/v1/events?limit=1')).data[0].id] };
    },
  };
  const last = (id: string): number => (id === 'resetSandbox' ? 1 : 0);
  const inOrder = operations.toSorted((a, b) => last(a.operationId) - last(b.operationId));

  it.each(inOrder)('$operationId', async (one) => {
    const { headers, ids, query, send } = await (plays[one.operationId] ?? nothing)();
    const body = send ?? one.body;
    const given = { ...(ids && { ids }), ...(query && { query }), ...(headers && { headers }) };
    expectStatus(one, await call(clientFor(one), one, { ...given, send: body }), 200);
  });
});

describe('400', () => {
  it.each(declaring(400))('$operationId', async (one) => {
    expectStatus(one, await call(clientFor(one), one, { query: '?no_such_parameter=1' }), 400);
  });
});

describe('401', () => {
  it.each(declaring(401))('$operationId', async (one) => {
    const stranger = await createClient(server.app.url, `ld_test_${'x'.repeat(11)}_${'x'.repeat(43)}`);
    expectStatus(one, await call(stranger, one), 401);
  });
});

describe('404', () => {
  it.each(declaring(404))('$operationId', async (one) => {
    // What has no id in its path is the sandbox's or the treasury's own: a live key finds no sandbox, and this one no treasury.
    const client = one.path.includes('{') ? clientFor(one) : server.live;
    expectStatus(one, await call(client, one), 404);
  });
});

describe('409', () => {
  const byKey = declaring(409).filter(
    ({ method, operationId }) => method === 'POST' && operationId !== 'resetSandbox',
  );
  it.each(byKey)('$operationId', async (one) => {
    const used = { 'idempotency-key': `used-before-${one.operationId}` };
    const { operationId } = one;
    if (operationId === 'createCustomer')
      await ok(api.post('/v1/webhooks', operation('createWebhook').body, used));
    else await ok(clientFor(one).post('/v1/customers', person, used));
    expectStatus(one, await call(clientFor(one), one, { headers: used }), 409);
  });

  it('resetSandbox', async () => {
    // Its keys outlive the reset, so they are apart from all others: it meets its own, with another body.
    const one = operation('resetSandbox');
    const used = { 'idempotency-key': 'reset-before' };
    expectStatus(one, await call(api, one, { headers: used }), 200);
    expectStatus(one, await call(api, one, { headers: used, send: {} }), 409);
  });

  it('updateCustomer', async () => {
    const { id } = await newCustomer(api);
    await decideKyc(api, id, 'rejected');
    const one = operation('updateCustomer');
    expectStatus(one, await call(api, one, { ids: [id], send: { status: 'active' } }), 409);
  });

  it('updateWallet', async () => {
    const { id } = await newWallet(api);
    await deposit(api, id, '1.00');
    const one = operation('updateWallet');
    expectStatus(one, await call(api, one, { ids: [id], send: { status: 'closed' } }), 409);
  });
});

describe('429', () => {
  let limited: TestServer;
  beforeAll(async () => {
    limited = await startServer({ rateLimit: { writesPerSecond: 1, readsPerSecond: 1 } });
  });
  afterAll(() => limited.stop());

  it.each(declaring(429))('$operationId', async (one) => {
    for (let turn = 0; turn < 20; turn += 1) {
      const answer = await call(limited.api, one, { query: '?no_such_parameter=1' });
      if (answer.status !== 429) continue;
      expectStatus(one, answer, 429);
      return;
    }
    expect.unreachable('the rate limit was never reached');
  });
});

describe('500', () => {
  let broken: TestServer;
  beforeAll(async () => {
    broken = await startServer();
    const name = new URL(broken.databaseUrl).pathname.slice(1);
    await runSql(inject('superuserUrl'), `drop database ${name} with (force)`);
  });
  afterAll(() => broken.stop());

  it.each(declaring(500))('$operationId', async (one) => {
    // A key that was never seen has to be looked up, and the store is gone.
    const client = await createClient(broken.app.url, missingLike(broken.testKey));
    expectStatus(one, await call(client, one), 500);
  });
});

it('every declared status of every operation was produced', () => {
  const declared = operations.flatMap(({ operationId, statuses }) =>
    statuses.map((status) => `${operationId} ${status}`),
  );
  expect(declared.length).toBeGreaterThan(250);
  expect(declared.filter((one) => !seen.has(one))).toEqual([]);
});
