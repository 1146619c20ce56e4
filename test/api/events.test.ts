import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/client.ts';
import {
  approvedCustomer,
  completed,
  deposit,
  fundedWallet,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  person,
  transferBody,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer();
  api = server.api;
});
afterAll(() => server.stop());

describe('events', () => {
  it('tell of every step of the main job, in its order', async () => {
    const customer = await approvedCustomer(api);
    const wallet = await newWallet(api, customer.id);
    await deposit(api, wallet.id, '14.40');
    const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, { amount: '10.00' })));
    await completed(api, id);
    const types = (await walk(api, '/v1/events', 3)).map(({ type }) => type).reverse();
    expect(types).toEqual([
      'customer.created',
      'customer.updated',
      'wallet.created',
      'transaction.created',
      'transaction.completed',
      'transaction.created',
      'transaction.updated',
      'transaction.updated',
      'transaction.updated',
      'transaction.completed',
    ]);
  });

  it('are found one by one, and by their type', async () => {
    const customer = await newCustomer(api);
    const [event] = await ok(api.get('/v1/events?type=customer.created&limit=1'));
    expect(event).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-z]{26}$/),
      type: 'customer.created',
      createdAt: customer.createdAt,
      data: customer,
    });
    expect(await ok(api.get(`/v1/events/${event.id}`))).toEqual(event);
    const missing = await api.get(`/v1/events/${missingLike(event.id)}`);
    expect([missing.status, missing.error.reason]).toEqual([404, 'event_not_found']);
    const wallets = await walk(api, '/v1/events?type=wallet.created', 1);
    expect(new Set(wallets.map(({ type }) => type))).toEqual(new Set(['wallet.created']));
    const unknown = await api.get('/v1/events?type=customer.exploded');
    expect([unknown.status, unknown.error.details?.[0]?.path]).toEqual([400, 'query.type']);
  });

  it('keep what was true when they were written', async () => {
    const created = await newCustomer(api);
    await ok(api.post(`/v1/sandbox/customers/${created.id}/kyc`, { kycStatus: 'approved' }));
    const events = (await walk(api, '/v1/events', 200)).filter(({ data }) => data.id === created.id);
    expect(events.map(({ data }) => data.kycStatus)).toEqual(['approved', 'not_started']);
    expect(events[1]?.data).toEqual(created);
  });

  it('are not written for what was refused', async () => {
    const wallet = await fundedWallet(api, '1.00');
    const before = await walk(api, '/v1/events', 200);
    expect((await api.post('/v1/transfers', transferBody(wallet, { amount: '2.00' }))).status).toBe(400);
    expect((await api.post('/v1/customers', { ...person, email: 'x' })).status).toBe(400);
    expect((await api.get('/v1/customers/cus_none')).status).toBe(404);
    expect(await walk(api, '/v1/events', 200)).toEqual(before);
  });

  it('are numbered without a gap, also when many are written concurrently', async () => {
    await Promise.all(Array.from({ length: 100 }, () => newCustomer(api)));
    const { rows } = await server.app.pool.query(
      `select environment_id, lane, max(seq) - count(*) as missing from events group by 1, 2`,
    );
    expect(rows.map(({ missing }) => missing)).toEqual(rows.map(() => 0n));
    const ids = (await walk(api, '/v1/events', 17)).map(({ id }) => id);
    expect(ids).toEqual([...new Set(ids)].sort().reverse());
  });
});
