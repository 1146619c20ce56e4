import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { dropDue } from '../../server/src/webhooks/claims.ts';
import { countRows, newCustomer, ok } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { attemptsOf } from '../support/webhooks.ts';

let server: TestServer;
const receivers: Receiver[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const { id } of (await server.api.get('/v1/webhooks')).data)
    await server.api.delete(`/v1/webhooks/${id}`);
  for (const receiver of receivers.splice(0)) await receiver.stop();
});

async function webhook(answer?: Parameters<typeof startReceiver>[0]) {
  const target = await startReceiver(answer);
  receivers.push(target);
  const body = { url: target.url, events: ['customer.created'] };
  return { target, id: (await ok(server.api.post('/v1/webhooks', body))).id };
}

it('three servers share one queue: every event is sent, and none twice', async () => {
  const others = [await server.second(), await server.second()];
  const { target } = await webhook((response) => void setTimeout(() => response.end('ok'), 5));
  const count = 600;
  await Promise.all(Array.from({ length: count }, () => newCustomer(server.api)));
  await expect.poll(() => target.received.length, { timeout: 20_000 }).toBe(count);
  await expect.poll(() => countRows(server.app, 'delivery_queue')).toBe(0);
  const ids = target.received.map(({ headers }) => headers['x-ledger-event-id']);
  expect(new Set(ids).size).toBe(count);
  expect(await countRows(server.app, 'deliveries')).toBe(count);
  for (const other of others) await other.stop();
});

it('what a dead process has claimed is sent once its lease is over, and not before', async () => {
  const { id, target } = await webhook();
  const { pool } = server.app;
  await ok(server.api.patch(`/v1/webhooks/${id}`, { maxConcurrency: 1 }));
  const claim = (until: string) =>
    pool.query(
      `insert into delivery_queue (bucket, webhook_id, event_id, environment_id, attempt_number, next_attempt_at, claimed_until)
        select w.bucket, w.id, e.id, e.environment_id, 1, now() - interval '1 minute', now() + $2::interval
        from webhooks w, events e where w.id = $1 and e.type = 'customer.created' and e.environment_id = w.environment_id
        order by e.id limit 1`,
      [id, until],
    );
  await newCustomer(server.api);
  await expect.poll(() => target.received.length, { timeout: 10_000 }).toBe(1);
  await expect.poll(() => countRows(server.app, 'delivery_queue')).toBe(0);
  await claim('3 seconds');
  const claimedMs = Date.now();
  await expect.poll(() => target.received.length, { timeout: 15_000 }).toBe(2);
  expect(Date.now() - claimedMs).toBeGreaterThan(2500);
});

it('a server that is stopped finishes what is on its way, records it, and gives the rest back', async () => {
  const other = await startServer();
  const target = await startReceiver((response) => void setTimeout(() => response.end('ok'), 1000));
  receivers.push(target);
  const { id } = await ok(other.api.post('/v1/webhooks', { url: target.url, events: ['customer.created'] }));
  await Promise.all(Array.from({ length: 40 }, () => newCustomer(other.api)));
  await expect
    .poll(() => target.received.length, { timeout: 10_000 })
    .toBe(limits.deliveryConcurrencyPerWebhook);
  const second = await other.second({ loopbackWebhooks: true });
  await other.app.stop();
  const { rows } = await second.pool.query<{ success: boolean }>(
    'select success from deliveries where webhook_id = $1',
    [id],
  );
  expect(rows.filter(({ success }) => success).length).toBeGreaterThanOrEqual(
    limits.deliveryConcurrencyPerWebhook,
  );
  // The other server has them immediately, not when claims would have run out.
  await expect
    .poll(() => new Set(target.received.map(({ body }) => JSON.parse(body).id)).size, { timeout: 15_000 })
    .toBe(40);
  expect(target.received).toHaveLength(40);
  await other.stop().catch(() => undefined);
});

it('two webhooks at one host do not wait for each other', async () => {
  const hanging = await startReceiver((response, _count, request) => {
    if (request.url !== '/slow') response.end('ok');
  });
  receivers.push(hanging);
  const base = new URL(hanging.url).origin;
  await ok(server.api.post('/v1/webhooks', { url: `${base}/slow`, events: ['customer.created'] }));
  const { id } = await ok(
    server.api.post('/v1/webhooks', { url: `${base}/fast`, events: ['customer.created'] }),
  );
  await Promise.all(Array.from({ length: 60 }, () => newCustomer(server.api)));
  expect(await attemptsOf(server.api, id, 60)).toHaveLength(60);
});

it('what is deleted in passing waits for no row that is locked, so that it is in no deadlock', async () => {
  const { id, target } = await webhook();
  const { pool } = server.app;
  await newCustomer(server.api);
  await newCustomer(server.api);
  await expect.poll(() => target.received.length, { timeout: 10_000 }).toBe(2);
  const left = () =>
    pool.query<{ event_id: string }>('select event_id from delivery_queue where webhook_id = $1', [id]);
  await expect.poll(async () => (await left()).rows).toEqual([]);
  const queued = await pool.query(
    `insert into delivery_queue (bucket, webhook_id, event_id, environment_id, attempt_number, next_attempt_at, claimed_until)
      select w.bucket, w.id, e.id, e.environment_id, 1, now() - interval '1 minute', now() + interval '1 hour'
      from webhooks w, events e where w.id = $1 and e.type = 'customer.created' and e.environment_id = w.environment_id
      order by e.id desc limit 2 returning event_id`,
    [id],
  );
  expect(queued.rowCount).toBe(2);
  const other = await pool.connect();
  try {
    await other.query('begin');
    await other.query('select 1 from delivery_queue where event_id = $1 for update', [
      queued.rows[0].event_id,
    ]);
    await dropDue(pool, id, new Date().toISOString());
    expect((await left()).rows).toEqual(queued.rows.slice(0, 1));
  } finally {
    await other.query('rollback');
    other.release();
  }
  await pool.query('delete from delivery_queue where webhook_id = $1', [id]);
});
