import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/client.ts';
import {
  allRows,
  approvedCustomer,
  decideKyc,
  deposit,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  transferBody,
  watchRows,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer();
  api = server.api;
});
afterAll(() => server.stop());

const patch = (id: string, body: object) => api.patch(`/v1/customers/${id}`, body);

describe('a change of a customer', () => {
  it('changes what is given, keeps the rest, and writes an event', async () => {
    const customer = await newCustomer(api, { phone: '+14155550100', metadata: { a: '1', b: '2' } });
    const body = {
      email: 'Countess@example.org',
      firstName: 'Augusta',
      businessName: 'Engines Ltd',
      externalId: 'crm/1',
      metadata: { c: '3' },
    };
    const changed = await ok(patch(customer.id, body));
    expect(changed).toEqual({ ...customer, ...body, updatedAt: changed.updatedAt });
    expect(changed.updatedAt >= customer.updatedAt).toBe(true);
    expect(await ok(api.get(`/v1/customers/${customer.id}`))).toEqual(changed);
    const [event] = await ok(api.get('/v1/events?type=customer.updated&limit=1'));
    expect(event.data).toEqual(changed);
    expect(await ok(api.get('/v1/customers?email=countess@EXAMPLE.org'))).toEqual([changed]);
  });

  it('takes away what is null', async () => {
    const given = { phone: '+14155550100', businessName: 'Engines Ltd', externalId: 'crm/2' };
    const customer = await newCustomer(api, given);
    const changed = await ok(patch(customer.id, { phone: null, businessName: null, externalId: null }));
    expect(changed).not.toHaveProperty('phone');
    expect(changed).not.toHaveProperty('businessName');
    expect(changed.externalId).toBeNull();
    expect(await ok(api.get('/v1/customers?externalId=crm/2'))).toEqual([]);
  });

  it('that changes nothing writes nothing', async () => {
    const given = { phone: '+14155550100', metadata: { a: '1', b: '2' }, externalId: 'crm/3' };
    const customer = await newCustomer(api, given);
    const changedTables = await watchRows(server.app);
    const same = { ...given, email: customer.email, metadata: { b: '2', a: '1' }, status: 'active' };
    expect(await ok(patch(customer.id, same))).toEqual(customer);
    expect(await ok(patch(customer.id, {}))).toEqual(customer);
    expect(await ok(patch(customer.id, { businessName: null }))).toEqual(customer);
    expect((await changedTables()).filter((name) => !/^(batches|lane_heads)$/.test(name))).toEqual([]);
  });

  it.each([
    [{ email: null }, '/email'],
    [{ email: 'nobody' }, '/email'],
    [{ firstName: '' }, '/firstName'],
    [{ lastName: null }, '/lastName'],
    [{ phone: '0800' }, '/phone'],
    [{ externalId: '' }, '/externalId'],
    [{ metadata: null }, '/metadata'],
    [{ metadata: { a: 1 } }, '/metadata/a'],
    [{ status: 'rejected' }, '/status'],
    [{ type: 'business' }, '/type'],
    [{ kycStatus: 'approved' }, '/kycStatus'],
  ])('is refused: %j', async (body, path) => {
    const { id } = await newCustomer(api);
    const { error, status } = await patch(id, body);
    expect([status, error.reason]).toEqual([400, 'validation_failed']);
    expect(error.details?.map((detail) => detail.path)).toEqual([path]);
  });

  it('is 404 for nobody', async () => {
    const { id } = await newCustomer(api);
    const { error, status } = await patch(missingLike(id), { firstName: 'X' });
    expect([status, error.reason]).toEqual([404, 'customer_not_found']);
  });

  it('lies sealed, also where it is found by', async () => {
    const { id } = await newCustomer(api);
    await ok(patch(id, { email: 'zebulon@secret.example', lastName: 'Quartermain', phone: '+14155550188' }));
    const stored = [...(await allRows(server.app)).values()].flat().join('\n').toLowerCase();
    for (const text of ['zebulon', 'quartermain', '14155550188']) expect(stored).not.toContain(text);
  });
});

describe('a verified customer', () => {
  it('keeps the names that were verified, and is told of each', async () => {
    const { id } = await approvedCustomer(api, { businessName: 'Engines Ltd' });
    const body = { firstName: 'Grace', lastName: 'Hopper', businessName: null, externalId: 'crm/4' };
    const { error, status } = await patch(id, body);
    expect([status, error.reason]).toEqual([409, 'identity_verified']);
    expect(error.details?.map(({ path }) => path)).toEqual(['/firstName', '/lastName', '/businessName']);
    expect((await ok(api.get(`/v1/customers/${id}`))).externalId).toBeNull();
  });

  it('may change everything else', async () => {
    const customer = await approvedCustomer(api);
    const body = { email: 'new@example.com', phone: '+14155550101', externalId: 'x', metadata: { a: 'b' } };
    const changed = await ok(patch(customer.id, { ...body, firstName: customer.firstName }));
    expect(changed).toEqual({ ...customer, ...body, updatedAt: changed.updatedAt });
  });
});

describe('a rejected customer', () => {
  it('stays rejected', async () => {
    const { id } = await newCustomer(api);
    await decideKyc(api, id, 'rejected');
    for (const status of ['active', 'suspended']) {
      const refused = await patch(id, { status, externalId: 'x' });
      expect([refused.status, refused.error.reason]).toEqual([409, 'customer_rejected']);
      expect(refused.error.details?.[0]?.path).toBe('/status');
    }
    expect(await ok(patch(id, { externalId: 'x' }))).toMatchObject({ status: 'rejected', externalId: 'x' });
  });
});

describe.each(['suspended', 'rejected'])('a %s customer', (standing) => {
  it('reads on and moves nothing', async () => {
    const { id } = await approvedCustomer(api);
    const wallet = await newWallet(api, id);
    await deposit(api, wallet.id, '10.00');
    if (standing === 'suspended') await ok(patch(id, { status: 'suspended' }));
    else await decideKyc(api, id, 'rejected');

    const counterparty = { customerId: id, accountOwnerName: 'Ada Lovelace' };
    const usBank = { account_number: '123456789', routing_number: '021000021' };
    const phone = { provider: 'MTN', phoneNumber: '+233501234567' };
    const refused = [
      await api.post('/v1/crypto-wallets', { customerId: id }),
      await api.post('/v1/transfers', transferBody(wallet)),
      await api.post('/v1/virtual-accounts', { customerId: id, sourceCurrency: 'usd' }),
      await api.post('/v1/counterparties', {
        ...counterparty,
        currency: 'usd',
        accountType: 'us_bank',
        account: usBank,
      }),
      await api.post('/v1/counterparties', {
        ...counterparty,
        currency: 'ghs',
        accountType: 'mobile_money',
        details: phone,
      }),
    ];
    for (const { error, status, text } of refused) {
      expect([status, error?.reason], text).toEqual([409, 'kyc_required']);
      expect(error.details?.[0]?.message).toContain(standing);
    }
    expect(await ok(api.get(`/v1/customers/${id}`))).toMatchObject({
      status: standing,
      capabilities: { wallets: false, virtualAccounts: false, transfers: false },
    });
    const { balance } = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
    expect(balance).toBe('10.00');
    expect(await ok(api.get(`/v1/transactions?customerId=${id}`))).toHaveLength(1);
  });

  it('may go on once active again', async () => {
    const { id } = await approvedCustomer(api);
    const wallet = await newWallet(api, id);
    await deposit(api, wallet.id, '10.00');
    if (standing === 'suspended') {
      await ok(patch(id, { status: 'suspended' }));
      await ok(patch(id, { status: 'active' }));
    } else {
      await decideKyc(api, id, 'rejected');
      await decideKyc(api, id, 'approved');
    }
    await ok(api.post('/v1/transfers', transferBody(wallet)));
  });
});

describe('the list of customers', () => {
  it('is narrowed by each filter, and by all of them together', async () => {
    const list = async (query: string) =>
      (await ok(server.live.get(`/v1/customers?${query}`))).map(({ id }: { id: string }) => id);
    const create = (body: object) => newCustomer(server.live, body);
    const first = await create({ email: 'One@example.com', externalId: 'a/1', type: 'business' });
    const second = await create({ email: 'two@example.com', externalId: 'a 1&?' });
    const third = await create({ email: 'one@EXAMPLE.com' });
    await ok(server.live.patch(`/v1/customers/${third.id}`, { status: 'suspended' }));

    expect(await list('email=ONE@example.com')).toEqual([third.id, first.id]);
    expect(await list('email=one@example.co')).toEqual([]);
    expect(await list('email=')).toEqual([]);
    expect(await list('externalId=a/1')).toEqual([first.id]);
    expect(await list(`externalId=${encodeURIComponent('a 1&?')}`)).toEqual([second.id]);
    expect(await list('status=suspended')).toEqual([third.id]);
    expect(await list('status=active')).toEqual([second.id, first.id]);
    expect(await list('type=business')).toEqual([first.id]);
    expect(await list('kycStatus=not_started')).toEqual([third.id, second.id, first.id]);
    expect(await list('kycStatus=approved')).toEqual([]);
    expect(await list(`createdAfter=${second.createdAt}`)).toEqual([third.id, second.id]);
    expect(await list(`createdBefore=${second.createdAt}`)).toEqual([first.id]);
    expect(await list('email=one@example.com&status=active&type=business&externalId=a/1')).toEqual([
      first.id,
    ]);
    const page = await server.live.get('/v1/customers?email=one@example.com&limit=1');
    const cursor = encodeURIComponent(page.nextCursor ?? '');
    expect(await list(`email=one@example.com&limit=1&cursor=${cursor}`)).toEqual([first.id]);
    expect(await ok(api.get('/v1/customers?externalId=a/1'))).toEqual([]);
  });

  it.each(['status=gone', 'kycStatus=maybe', 'type=robot', 'createdAfter=yesterday', 'name=Ada'])(
    'is refused by a filter that is none: %s',
    async (query) => {
      const { error, status } = await api.get(`/v1/customers?${query}`);
      expect([status, error.reason]).toEqual([400, 'validation_failed']);
      expect(error.details?.[0]?.path).toBe(`query.${query.split('=')[0]}`);
    },
  );
});
