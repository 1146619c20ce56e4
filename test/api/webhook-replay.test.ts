import { afterAll, beforeAll, expect, it } from 'vitest';
import { newCustomer, newWallet, ok } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { attemptsOf, deliveriesOf } from '../support/webhooks.ts';

let server: TestServer;
let target: Receiver;
beforeAll(async () => {
  server = await startServer({ lanes: 4 });
  target = await startReceiver();
});
afterAll(async () => {
  await target.stop();
  await server.stop();
});

const webhookWith = (more: object = {}) =>
  ok(server.api.post('/v1/webhooks', { url: target.url, events: ['customer.*'], ...more }));
const replay = (id: string, body: object, headers = {}) =>
  server.api.post(`/v1/webhooks/${id}/replay`, body, headers);
const idsSince = (count: number) =>
  target.received.slice(count).map(({ body }) => JSON.parse(body).id as string);

it('sends what a time span has of the chosen events, from before its creation too, once for its key', async () => {
  const { api } = server;
  await newCustomer(api, { email: 'too-early@example.com' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  const createdAfter = (await newCustomer(api)).createdAt;
  await Promise.all(Array.from({ length: 30 }, () => newCustomer(api)));
  await newWallet(api);
  const webhook = await webhookWith();
  const count = target.received.length;
  const expected = (await ok(api.get(`/v1/events?limit=200`)))
    .filter(
      ({ createdAt, type }: { createdAt: string; type: string }) =>
        createdAt >= createdAfter && type.startsWith('customer.'),
    )
    .map(({ id }: { id: string }) => id)
    .sort();
  expect(expected.length).toBeGreaterThan(31);
  const key = { 'idempotency-key': 'replay-once' };
  const started = await ok(replay(webhook.id, { createdAfter }, key));
  expect(await ok(replay(webhook.id, { createdAfter }, key))).toEqual(started);
  await expect.poll(() => target.received.length - count, { timeout: 10_000 }).toBe(expected.length);
  expect(idsSince(count).sort()).toEqual(expected);
  await expect
    .poll(async () => ok(api.get(`/v1/webhooks/${webhook.id}/replays`)))
    .toMatchObject([{ id: started.id, status: 'completed', queued: expected.length }]);
});

it('sends the events that are named, whatever the webhook has chosen, and refuses what there is not', async () => {
  const { api, live } = server;
  const only = await startReceiver();
  await newCustomer(api);
  const webhook = await webhookWith({ url: only.url, events: ['wallet.created'] });
  const [event] = await ok(api.get('/v1/events?type=customer.created&limit=1'));
  await ok(replay(webhook.id, { eventIds: [event.id] }));
  await expect.poll(() => only.received.length, { timeout: 10_000 }).toBe(1);
  expect(JSON.parse(only.received[0]?.body ?? '').id).toBe(event.id);
  await only.stop();
  await newCustomer(live);
  const [foreign] = await ok(live.get('/v1/events?limit=1'));
  const refused = await replay(webhook.id, { eventIds: [event.id, foreign.id, 'evt_x'] });
  expect(refused.error).toMatchObject({
    reason: 'validation_failed',
    details: [{ path: '/eventIds/1' }, { path: '/eventIds/2' }],
  });
});

it.each([
  [{}],
  [{ createdBefore: '2026-01-01T00:00:00.000Z' }],
  [{ eventIds: ['evt_1'], createdAfter: '2026-01-01T00:00:00.000Z' }],
  [{ eventIds: [] }],
  [{ createdAfter: 'yesterday' }],
])('refuses %j', async (body) => {
  const webhook = await webhookWith();
  expect((await replay(webhook.id, body)).error).toMatchObject({
    code: 'INVALID_REQUEST',
    reason: 'validation_failed',
  });
});

it('sends a delivery again, and a failed one immediately instead of after its wait', async () => {
  const { api } = server;
  let status = 500;
  const flaky = await startReceiver((response) => response.writeHead(status).end());
  const webhook = await webhookWith({ url: flaky.url });
  await newCustomer(api);
  const [failed] = await attemptsOf(api, webhook.id, 1);
  status = 200;
  const { eventIds } = await ok(api.post(`/v1/webhooks/${webhook.id}/deliveries/${failed.id}/resend`));
  expect(eventIds).toEqual([failed.eventId]);
  const [again] = await attemptsOf(api, webhook.id, 2);
  expect(again).toMatchObject({
    eventId: failed.eventId,
    success: true,
    attemptNumber: 1,
    nextAttemptAt: null,
  });
  await ok(api.post(`/v1/webhooks/${webhook.id}/deliveries/${again.id}/resend`));
  await attemptsOf(api, webhook.id, 3);
  expect(flaky.received).toHaveLength(3);
  expect(await deliveriesOf(api, webhook.id, '&success=false')).toHaveLength(1);
  expect(await deliveriesOf(api, webhook.id, `&eventId=${failed.eventId}`)).toHaveLength(3);
  const other = await webhookWith();
  const missing = await api.post(`/v1/webhooks/${other.id}/deliveries/${failed.id}/resend`);
  expect([missing.status, missing.error.reason]).toEqual([404, 'delivery_not_found']);
  await ok(api.patch(`/v1/webhooks/${webhook.id}`, { status: 'disabled' }));
  expect((await replay(webhook.id, { eventIds: [failed.eventId] })).error.reason).toBe('webhook_disabled');
  await flaky.stop();
});
