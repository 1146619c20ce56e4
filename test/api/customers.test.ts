import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '../../server/src/platform/logger.ts';
import type { ApiClient } from '../support/client.ts';
import { runSql } from '../support/database.ts';
import {
  allRows,
  decideKyc,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  person,
  walk,
} from '../support/factories.ts';
import { startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
const logLines: string[] = [];
beforeAll(async () => {
  const logger = createLogger('trace', { write: (line: string) => void logLines.push(line) });
  server = await startServer({ logger });
  api = server.api;
});
afterAll(() => server.stop());

describe('a new customer', () => {
  it('is active, has proved nothing and may do nothing', async () => {
    const customer = await ok(api.post('/v1/customers', person));
    expect(customer).toEqual({
      ...person,
      id: expect.stringMatching(/^cus_[0-9a-z]{26}$/),
      type: 'individual',
      status: 'active',
      kycStatus: 'not_started',
      kycLink: expect.stringMatching(`^${server.app.url}/hosted/kyc/[0-9a-z._A-Z-]{80,200}$`),
      tosLink: expect.stringMatching(`^${server.app.url}/hosted/terms/[0-9a-z._A-Z-]{80,200}$`),
      capabilities: { wallets: false, virtualAccounts: false, transfers: false },
      externalId: null,
      metadata: {},
      requirements: { missing: ['identity', 'terms_of_service'] },
      kycRejectionReasons: [],
      tosAcceptedAt: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: customer.createdAt,
    });
    expect(await ok(api.get(`/v1/customers/${customer.id}`))).toEqual(customer);
  });

  it('keeps all that it was given, in any script', async () => {
    const body = {
      email: 'Owner+tag@sub.example.org',
      firstName: 'Zoë 🌊',
      lastName: '李"\\\u2028',
      type: 'business',
      phone: '+14155550100',
      businessName: "O'Hara & Söhne",
      externalId: 'crm/17',
      metadata: { 'a key': 'a value', toString: 'x', constructor: '', é: '\u{1F600}' },
    };
    const customer = await ok(api.post('/v1/customers', body));
    expect(customer).toMatchObject(body);
    expect(await ok(api.get(`/v1/customers/${customer.id}`))).toEqual(customer);
    const [event] = await ok(api.get('/v1/events?type=customer.created&limit=1'));
    expect(event.data).toEqual(customer);
  });

  it.each([
    [{ firstName: undefined }, '/firstName'],
    [{ email: 'nobody' }, '/email'],
    [{ email: `${'a'.repeat(250)}@example.com` }, '/email'],
    [{ firstName: '' }, '/firstName'],
    [{ lastName: 'x'.repeat(201) }, '/lastName'],
    [{ type: 'robot' }, '/type'],
    [{ phone: '0800 1234' }, '/phone'],
    [{ metadata: { a: 1 } }, '/metadata/a'],
    [{ metadata: { a: 'x'.repeat(501) } }, '/metadata/a'],
    [{ metadata: { ['k'.repeat(41)]: 'x' } }, '/metadata'],
    [{ metadata: Object.fromEntries(Array.from({ length: 51 }, (_, i) => [i, 'x'])) }, '/metadata'],
    [{ middleName: 'x' }, '/middleName'],
  ])('is not made from %j', async (change, path) => {
    const { error, status } = await api.post('/v1/customers', { ...person, ...change });
    expect([status, error.reason]).toEqual([400, 'validation_failed']);
    expect(error.details?.map((detail) => detail.path)).toEqual([path]);
  });

  it('is told every fault together', async () => {
    const { error } = await api.post('/v1/customers', { email: 1, lastName: '', nick: 'x' });
    expect(error.details?.map(({ path }) => path).sort()).toEqual([
      '/email',
      '/firstName',
      '/lastName',
      '/nick',
    ]);
  });
});

describe('a KYC decision', () => {
  it('of approved accepts the terms too, opens the capabilities and writes an event', async () => {
    const { id } = await newCustomer(api);
    const approved = await decideKyc(api, id, 'approved');
    expect(approved).toMatchObject({
      status: 'active',
      kycStatus: 'approved',
      capabilities: { wallets: true, virtualAccounts: true, transfers: true },
      requirements: { missing: [] },
      tosAcceptedAt: approved.updatedAt,
    });
    expect(await ok(api.get(`/v1/customers/${id}`))).toEqual(approved);
    const [event] = await ok(api.get('/v1/events?type=customer.updated&limit=1'));
    expect(event.data).toEqual(approved);
  });

  it.each(['not_started', 'under_review', 'incomplete'])(
    'of %s leaves everything shut',
    async (kycStatus) => {
      const { id } = await newCustomer(api);
      expect(await decideKyc(api, id, kycStatus)).toMatchObject({
        status: 'active',
        kycStatus,
        capabilities: { wallets: false, virtualAccounts: false, transfers: false },
        requirements: { missing: ['identity', 'terms_of_service'] },
      });
    },
  );

  it('of rejected keeps the reasons until the customer is approved', async () => {
    const { id } = await newCustomer(api);
    const reasons = [{ code: 'blurred', message: 'Photo is blurred', customerMessage: 'Take another photo' }];
    expect(await decideKyc(api, id, 'rejected', { reasons })).toMatchObject({
      status: 'rejected',
      kycStatus: 'rejected',
      kycRejectionReasons: reasons,
      capabilities: { wallets: false, virtualAccounts: false, transfers: false },
    });
    const { error } = await api.post('/v1/crypto-wallets', { customerId: id });
    expect(error.reason).toBe('kyc_required');
    expect(await decideKyc(api, id, 'approved')).toMatchObject({ status: 'active', kycRejectionReasons: [] });
    await newWallet(api, id);
  });

  it('that comes back from approved shuts the capabilities and keeps the accepted terms', async () => {
    const { id } = await newCustomer(api);
    const { tosAcceptedAt } = await decideKyc(api, id, 'approved');
    expect(await decideKyc(api, id, 'under_review')).toMatchObject({
      capabilities: { wallets: false, virtualAccounts: false, transfers: false },
      requirements: { missing: ['identity'] },
      tosAcceptedAt,
    });
  });

  it('on nobody is 404', async () => {
    const { id } = await newCustomer(api);
    const body = { kycStatus: 'approved' };
    const { error, status } = await api.post(`/v1/sandbox/customers/${missingLike(id)}/kyc`, body);
    expect([status, error.reason]).toEqual([404, 'customer_not_found']);
  });
});

describe('the list of customers', () => {
  it('shows everyone who was there at its start exactly once, while others are added', async () => {
    await Promise.all(Array.from({ length: 120 }, () => newCustomer(api)));
    const existing = (await server.app.pool.query<{ id: string }>('select id from customers')).rows;
    const insert = () => Promise.all([newCustomer(api), newCustomer(api), newCustomer(api)]);
    const ids = (await walk(api, '/v1/customers', 7, insert)).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual([...ids].sort().reverse());
    const seen = new Set(ids);
    expect(existing.filter(({ id }) => !seen.has(id))).toEqual([]);
    expect(existing.length).toBeGreaterThanOrEqual(120);
  });

  it('has pages of 50 unless told otherwise, and of 200 at most', async () => {
    const first = await api.get('/v1/customers');
    expect(first.data).toHaveLength(50);
    expect(first.nextCursor).toEqual(expect.any(String));
    expect((await api.get('/v1/customers?limit=200')).data.length).toBeGreaterThan(120);
    for (const limit of ['0', '201', '-1', '1.5', 'all', '', '1e2']) {
      const { error, status } = await api.get(`/v1/customers?limit=${limit}`);
      expect([status, error.details?.[0]?.path], limit).toEqual([400, 'query.limit']);
    }
  });

  it('ends with a null cursor, also when the last page is full', async () => {
    const fresh = await startServer();
    try {
      for (let count = 0; count < 4; count += 1) await newCustomer(fresh.api);
      const first = await fresh.api.get('/v1/customers?limit=2');
      const last = await fresh.api.get(`/v1/customers?limit=2&cursor=${first.nextCursor}`);
      expect([last.data.length, last.nextCursor]).toEqual([2, null]);
      expect((await fresh.live.get('/v1/customers')).data).toEqual([]);
    } finally {
      await fresh.stop();
    }
  });
});

describe('personal data', () => {
  const secrets = {
    email: 'quillon.vantreight@hushmail.example',
    firstName: 'Quillonius',
    lastName: 'Vantreightly',
    businessName: 'Vantreight Obscure Holdings',
    phone: '+14155550177',
  };
  /** As it is, and as bytes are often written. */
  const traces = Object.values(secrets)
    .flatMap((text) => [
      text,
      Buffer.from(text).toString('hex'),
      Buffer.from(text).toString('base64').slice(0, -4),
    ])
    .map((text) => text.toLowerCase());
  const tracesIn = (text: string) => traces.filter((trace) => text.toLowerCase().includes(trace));

  /** Puts the data everywhere where it could be left behind. */
  async function leaveTraces(): Promise<void> {
    const target = await startReceiver((response) => response.writeHead(500).end('no'));
    const webhook = await ok(api.post('/v1/webhooks', { url: target.url, events: ['*'] }));
    const customer = await ok(api.post('/v1/customers', secrets, { 'idempotency-key': 'traces' }));
    await ok(api.post('/v1/customers', secrets, { 'idempotency-key': 'traces' }));
    const kyc = `/v1/sandbox/customers/${customer.id}/kyc`;
    await ok(api.post(kyc, { kycStatus: 'approved' }, { 'idempotency-key': 'traces of kyc' }));
    const faulty = { ...secrets, [secrets.email]: secrets.lastName };
    await api.post('/v1/customers', faulty, { 'idempotency-key': 'traces of a fault' });
    await api.post('/v1/customers', { ...secrets, type: secrets.lastName });
    await api.get(`/v1/customers?email=${encodeURIComponent(secrets.email)}`);
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(2);
    expect(target.received.map(({ body }) => tracesIn(body).length)).not.toContain(0);
    await ok(api.delete(`/v1/webhooks/${webhook.id}`));
    await target.stop();
  }

  /** A refusal by the database itself brings the row into its error, and that into the log. */
  async function breakStore(): Promise<void> {
    const { databaseUrl } = server;
    await runSql(
      databaseUrl,
      `alter table customers add constraint broken check (type = 'business') not valid`,
    );
    const answer = await api.post('/v1/customers', secrets);
    await runSql(databaseUrl, 'alter table customers drop constraint broken');
    expect([answer.status, answer.error.reason]).toEqual([500, 'internal_error']);
    expect(answer.text).not.toContain('broken');
    const requestId = answer.headers['x-request-id'] as string;
    expect(logLines.filter((line) => line.includes(requestId))).toHaveLength(1);
    await ok(api.post('/v1/customers', secrets));
  }

  it('is in no table and in no log line in plain text', async () => {
    await leaveTraces();
    await breakStore();
    const found: string[] = [];
    for (const [table, rows] of await allRows(server.app)) {
      for (const row of rows) found.push(...tracesIn(row).map((trace) => `${table}: ${trace}`));
    }
    expect(found).toEqual([]);
    expect(tracesIn(logLines.join(''))).toEqual([]);
  });

  it('is in no table either when a receiver of webhooks says it back', async () => {
    const target = await startReceiver((response) => {
      response.writeHead(500).end(target.received.at(-1)?.body);
    });
    const webhook = await ok(api.post('/v1/webhooks', { url: target.url, events: ['customer.created'] }));
    await ok(api.post('/v1/customers', secrets));
    const path = `/v1/webhooks/${webhook.id}/deliveries`;
    await expect.poll(async () => (await ok(api.get(path))).length, { timeout: 10_000 }).toBe(1);
    const rows = (await allRows(server.app)).get('deliveries') ?? [];
    await ok(api.delete(`/v1/webhooks/${webhook.id}`));
    await target.stop();
    expect(tracesIn(rows.join('\n'))).toEqual([]);
  });
});
