import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const receivers: Receiver[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const webhook of (await server.api.get('/v1/webhooks')).data)
    await server.api.delete(`/v1/webhooks/${webhook.id}`);
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

async function receiver(...args: Parameters<typeof startReceiver>): Promise<Receiver> {
  const started = await startReceiver(...args);
  receivers.push(started);
  return started;
}

const person = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
const types = (target: Receiver) => target.received.map(({ body }) => JSON.parse(body).type);

describe('webhooks', () => {
  it('are signed, carry what the matching GET returned, and are listed as deliveries', async () => {
    const { api } = server;
    const target = await receiver();
    const webhook = (await api.post('/v1/webhooks', { url: target.url, events: ['*'] })).data;
    const customer = (await api.post('/v1/customers', person)).data;
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBe(1);
    const { body, headers } = target.received[0] as (typeof target.received)[0];
    const event = JSON.parse(body);
    expect(event).toEqual({
      id: event.id,
      type: 'customer.created',
      createdAt: customer.createdAt,
      data: customer,
    });
    const [, t, v1] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(headers['x-ledger-signature'] as string) ?? [];
    expect(createHmac('sha256', webhook.secret).update(`${t}.${body}`).digest('hex')).toBe(v1);
    expect((await api.get(`/v1/events/${event.id}`)).data).toEqual(event);
    await expect
      .poll(async () => (await api.get(`/v1/webhooks/${webhook.id}/deliveries`)).data)
      .toMatchObject([
        {
          webhookId: webhook.id,
          eventId: event.id,
          event: 'customer.created',
          httpStatus: 200,
          success: true,
          attemptNumber: 1,
          nextAttemptAt: null,
        },
      ]);
    expect((await api.get(`/v1/webhooks/${webhook.id}`)).data.secret).toBeUndefined();
  });

  it('receive only the events that they have chosen', async () => {
    const { api } = server;
    const [wallets, customers] = [await receiver(), await receiver()];
    await api.post('/v1/webhooks', { url: wallets.url, events: ['wallet.created'] });
    await api.post('/v1/webhooks', { url: customers.url, events: ['customer.updated', 'customer.created'] });
    const { id } = (await api.post('/v1/customers', person)).data;
    await api.post(`/v1/sandbox/customers/${id}/kyc`, { kycStatus: 'approved' });
    await api.post('/v1/crypto-wallets', { customerId: id });
    await expect.poll(() => types(wallets), { timeout: 10_000 }).toEqual(['wallet.created']);
    await expect
      .poll(() => types(customers).sort(), { timeout: 10_000 })
      .toEqual(['customer.created', 'customer.updated']);
  });

  it('are tried again after a failure, and tell when', async () => {
    const { api } = server;
    const target = await receiver((response, count) =>
      response.writeHead(count === 1 ? 500 : 200).end('answer'),
    );
    const { id } = (await api.post('/v1/webhooks', { url: target.url, events: ['*'] })).data;
    await api.post(`/v1/webhooks/${id}/test`);
    const deliveries = async () => (await api.get(`/v1/webhooks/${id}/deliveries`)).data;
    await expect.poll(deliveries, { timeout: 5000 }).toMatchObject([
      {
        httpStatus: 500,
        success: false,
        attemptNumber: 1,
        responseBody: 'answer',
        error: 'The receiver answered 500.',
      },
    ]);
    expect((await deliveries())[0].nextAttemptAt).not.toBeNull();
    // The wait is five seconds; moving the due time is the same as waiting.
    await server.app.pool.query('update delivery_queue set next_attempt_at = now()');
    await expect
      .poll(deliveries, { timeout: 5000 })
      .toMatchObject([{ success: true, attemptNumber: 2 }, { attemptNumber: 1 }]);
    expect(target.received[0]?.body).toBe(target.received[1]?.body);
  });

  it('send a test event to that webhook alone, whatever it has chosen', async () => {
    const { api } = server;
    const [mine, other] = [await receiver(), await receiver()];
    const { id } = (await api.post('/v1/webhooks', { url: mine.url, events: ['wallet.created'] })).data;
    await api.post('/v1/webhooks', { url: other.url, events: ['*'] });
    const { eventId } = (await api.post(`/v1/webhooks/${id}/test`, { data: { hello: 'world' } })).data;
    await expect.poll(() => mine.received.length, { timeout: 5000 }).toBe(1);
    expect(JSON.parse(mine.received[0]?.body ?? '')).toMatchObject({
      id: eventId,
      type: 'webhook.test',
      data: { hello: 'world' },
    });
    await api.post('/v1/customers', person);
    await expect.poll(() => types(other), { timeout: 5000 }).toEqual(['customer.created']);
  });

  it('that are disabled or deleted receive nothing', async () => {
    const { api } = server;
    const [disabled, deleted, active] = [await receiver(), await receiver(), await receiver()];
    const ids: string[] = [];
    for (const { url } of [disabled, deleted, active]) {
      ids.push((await api.post('/v1/webhooks', { url, events: ['*'] })).data.id);
    }
    expect((await api.patch(`/v1/webhooks/${ids[0]}`, { status: 'disabled' })).data.status).toBe('disabled');
    expect((await api.delete(`/v1/webhooks/${ids[1]}`)).data).toEqual({ id: ids[1], deleted: true });
    expect((await api.get(`/v1/webhooks/${ids[1]}`)).status).toBe(404);
    expect((await api.delete(`/v1/webhooks/${ids[1]}`)).status).toBe(404);
    await api.post('/v1/customers', person);
    await expect.poll(() => types(active), { timeout: 5000 }).toEqual(['customer.created']);
    expect([...disabled.received, ...deleted.received]).toEqual([]);
  });

  it('are disabled by a receiver that says 410, and not tried again', async () => {
    const { api } = server;
    const target = await receiver((response) => response.writeHead(410).end());
    const { id } = (await api.post('/v1/webhooks', { url: target.url, events: ['*'] })).data;
    await api.post('/v1/customers', person);
    await expect
      .poll(async () => (await api.get(`/v1/webhooks/${id}`)).data.status, { timeout: 5000 })
      .toBe('disabled');
    const deliveries = (await api.get(`/v1/webhooks/${id}/deliveries`)).data;
    expect(deliveries).toMatchObject([{ httpStatus: 410, success: false, nextAttemptAt: null }]);
    await api.post('/v1/customers', person);
    expect(target.received).toHaveLength(1);
  });

  it('do not wait for one another: a receiver that hangs delays no other', async () => {
    const { api } = server;
    const [hanging, healthy] = [await receiver(() => undefined), await receiver()];
    await api.post('/v1/webhooks', { url: hanging.url, events: ['*'] });
    await api.post('/v1/webhooks', { url: healthy.url, events: ['*'] });
    const count = 100;
    await Promise.all(Array.from({ length: count }, () => api.post('/v1/customers', person)));
    await expect.poll(() => healthy.received.length, { timeout: 10_000 }).toBe(count);
    expect(hanging.received.length).toBeLessThanOrEqual(limits.deliveryConcurrencyPerWebhook);
  });

  it('are refused with a URL or an event that they cannot have', async () => {
    const { api, live } = server;
    const create = (url: string, events: unknown = ['*']) => api.post('/v1/webhooks', { url, events });
    expect((await create('http://10.0.0.1/')).error).toMatchObject({
      reason: 'invalid_webhook_url',
      details: [{ path: '/url' }],
    });
    expect((await create('ftp://example.com')).status).toBe(400);
    expect((await create('https://example.com', ['no.such'])).error.details?.[0]?.path).toBe('/events/0');
    expect((await create('https://example.com', [])).status).toBe(400);
    for (const url of ['http://example.com/', 'https://127.0.0.1/', 'https://localhost/', 'https://[::1]/']) {
      expect((await live.post('/v1/webhooks', { url, events: ['*'] })).status).toBe(400);
    }
    expect((await live.post('/v1/webhooks', { url: 'https://example.com/', events: ['*'] })).status).toBe(
      200,
    );
  });

  it('keep their secret sealed at rest', async () => {
    const target = await receiver();
    const { secret } = (await server.api.post('/v1/webhooks', { url: target.url, events: ['*'] })).data;
    const { rows } = await server.app.pool.query('select secret from webhooks');
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row.secret).not.toContain(secret.slice(6));
  });
});
