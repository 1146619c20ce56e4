import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { authenticateRows } from '../../server/src/store/authenticate-rows.ts';
import { createClient } from '../support/client.ts';
import { addKey, newCustomer, ok } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { attemptsOf, genuine } from '../support/webhooks.ts';

let server: TestServer;
const receivers: Receiver[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const receiver of receivers.splice(0)) await receiver.stop();
  for (const { id } of (await server.api.get('/v1/webhooks')).data)
    await server.api.delete(`/v1/webhooks/${id}`);
});

async function endpoint(answer?: Parameters<typeof startReceiver>[0], more: object = {}) {
  const target = await startReceiver(answer);
  receivers.push(target);
  const body = { url: target.url, events: ['webhook.test'], ...more };
  const webhook = await ok(server.api.post('/v1/webhooks', body));
  const path = `/v1/webhooks/${webhook.id}`;
  const test = () => ok(server.api.post(`${path}/test`));
  const next = async () => {
    const count = target.received.length;
    await test();
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBeGreaterThan(count);
    return target.received[count] as (typeof target.received)[0];
  };
  return { target, webhook, path, test, next, read: () => ok(server.api.get(path)) };
}

const both = { ledger: true, standard: true, withoutLibrary: true };
const neither = { ledger: false, standard: false, withoutLibrary: false };
const advance = (seconds: number) => ok(server.api.post('/v1/sandbox/clock/advance', { seconds }));

it('remembers which key made a webhook; of older ones that is not known', async () => {
  const other = await addKey(server);
  const api = await createClient(server.app.url, other.key);
  const body = { url: 'https://example.com/hooks', events: ['*'] };
  const { id } = await ok(api.post('/v1/webhooks', body));
  const path = `/v1/webhooks/${id}`;
  await ok(server.api.patch(path, { description: 'changed by another key' }));
  expect((await ok(server.api.get(path))).createdByKeyId).toBe(other.id);
  const forget = 'update webhooks set created_by_key_id = null, mac = null where id = $1';
  await server.ownerPool.query(forget, [id]);
  await authenticateRows(server.ownerPool);
  expect((await ok(server.api.get(path))).createdByKeyId).toBeNull();
});

describe('a secret', () => {
  it('that is rotated stays valid for 24 hours by the environment’s clock, in both styles', async () => {
    const { next, path, read, webhook } = await endpoint();
    expect(genuine(await next(), webhook.secret)).toEqual(both);
    const rotated = await ok(server.api.post(`${path}/rotate-secret`));
    expect(rotated.secret).toMatch(/^whsec_/);
    expect(rotated.secret).not.toBe(webhook.secret);
    expect((await read()).secret).toBeUndefined();
    const during = await next();
    expect(genuine(during, rotated.secret)).toEqual(both);
    expect(genuine(during, webhook.secret)).toEqual(both);
    expect(String(during.headers['x-ledger-signature']).match(/v1=/g)).toHaveLength(2);
    expect(String(during.headers['webhook-signature']).split(' ')).toHaveLength(2);
    await advance(24 * 60 * 60 + 1);
    const after = await next();
    expect(genuine(after, rotated.secret)).toEqual(both);
    expect(genuine(after, webhook.secret)).toEqual(neither);
    expect(String(after.headers['x-ledger-signature']).match(/v1=/g)).toHaveLength(1);
  });

  it('that has leaked ends immediately', async () => {
    const { next, path, webhook } = await endpoint();
    const second = await ok(server.api.post(`${path}/rotate-secret`));
    const third = await ok(server.api.post(`${path}/rotate-secret`, { overlapSeconds: 0 }));
    expect(third.previousSecretExpiresAt).toBeNull();
    const delivery = await next();
    expect(genuine(delivery, third.secret)).toEqual(both);
    for (const { secret } of [webhook, second]) expect(genuine(delivery, secret)).toEqual(neither);
  });

  it('is sealed at rest, and repeated for its idempotency key alone', async () => {
    const { path, webhook } = await endpoint();
    const key = { 'idempotency-key': `rotate-${webhook.id}` };
    const rotated = await ok(server.api.post(`${path}/rotate-secret`, {}, key));
    expect((await ok(server.api.post(`${path}/rotate-secret`, {}, key))).secret).toBe(rotated.secret);
    const { rows } = await server.app.pool.query(
      'select w::text as w from webhooks w union all select k::text from idempotency_keys k',
    );
    for (const { w } of rows)
      for (const { secret } of [webhook, rotated]) expect(w).not.toContain(secret.slice(6));
  });

  it('can be rotated only so often while the ones before are valid', async () => {
    const { path } = await endpoint();
    for (let valid = 1; valid < limits.webhookSecrets; valid += 1)
      await ok(server.api.post(`${path}/rotate-secret`));
    const refused = await server.api.post(`${path}/rotate-secret`);
    expect([refused.status, refused.error.reason]).toEqual([409, 'too_many_secrets']);
  });
});

describe('a webhook', () => {
  it('chooses events by patterns', async () => {
    const { target } = await endpoint(undefined, { events: ['customer.*'] });
    const { target: wallets } = await endpoint(undefined, { events: ['wallet.*', 'transaction.completed'] });
    const { id } = await newCustomer(server.api);
    await ok(server.api.post(`/v1/sandbox/customers/${id}/kyc`, { kycStatus: 'approved' }));
    await ok(server.api.post('/v1/crypto-wallets', { customerId: id }));
    const types = ({ received }: Receiver) => received.map(({ body }) => JSON.parse(body).type).sort();
    await expect.poll(() => types(target)).toEqual(['customer.created', 'customer.updated']);
    await expect.poll(() => types(wallets)).toEqual(['wallet.created']);
    const unknown = await server.api.post('/v1/webhooks', { url: target.url, events: ['nothing.*'] });
    expect(unknown.error.details?.[0]?.path).toBe('/events/0');
  });

  it('says why it is disabled: by request, and no more once it is enabled', async () => {
    const { path, read } = await endpoint();
    const off = await ok(server.api.patch(path, { status: 'disabled' }));
    expect(off).toMatchObject({ status: 'disabled', disabledReason: 'requested' });
    expect(off.disabledAt).not.toBeNull();
    expect((await server.api.post(`${path}/test`)).error.reason).toBe('webhook_disabled');
    await ok(server.api.patch(path, { status: 'active' }));
    expect(await read()).toMatchObject({ status: 'active', disabledReason: null, disabledAt: null });
  });

  it('is disabled by 410, and says so', async () => {
    const { read, target, test } = await endpoint((response) => response.writeHead(410).end());
    await test();
    await expect.poll(async () => (await read()).disabledReason, { timeout: 10_000 }).toBe('gone');
    expect(await read()).toMatchObject({ status: 'disabled' });
    expect(target.received).toHaveLength(1);
  });

  it('is disabled after five days of nothing but failure, and starts anew when it is enabled', async () => {
    let status = 500;
    const { path, read, test, webhook } = await endpoint((response) => response.writeHead(status).end());
    const days = async (count: number) => {
      for (let half = 0; half < count * 2; half += 1) await advance(12 * 60 * 60);
    };
    const fail = async (attempts: number) => {
      await test();
      await attemptsOf(server.api, webhook.id, attempts);
    };
    await fail(1);
    await days(3);
    // A success begins it anew.
    status = 200;
    await test();
    await expect
      .poll(async () =>
        (await attemptsOf(server.api, webhook.id, 2)).some(({ success }: { success: boolean }) => success),
      )
      .toBe(true);
    status = 500;
    const before = (await attemptsOf(server.api, webhook.id, 1)).length;
    await fail(before + 1);
    await days(3);
    await fail(before + 2);
    expect((await read()).status).toBe('active');
    await days(3);
    // What is tried again meanwhile has failed too.
    await expect.poll(async () => (await read()).disabledReason, { timeout: 10_000 }).toBe('failing');
    await ok(server.api.patch(path, { status: 'active' }));
    await fail((await attemptsOf(server.api, webhook.id, 1)).length + 1);
    expect(await read()).toMatchObject({ status: 'active', disabledReason: null });
  });

  it('gets no more concurrently than it takes, and no more a second', async () => {
    let now = 0;
    let most = 0;
    const { test } = await endpoint(
      (response) => {
        now += 1;
        most = Math.max(most, now);
        setTimeout(() => {
          now -= 1;
          response.end('ok');
        }, 50);
      },
      { maxConcurrency: 2 },
    );
    const limited = await endpoint(undefined, { maxPerSecond: 10 });
    await Promise.all(Array.from({ length: 20 }, () => Promise.all([test(), limited.test()])));
    const { received } = limited.target;
    await expect.poll(() => received.length, { timeout: 10_000 }).toBe(20);
    expect(most).toBe(2);
    const times = received.map(({ atMs }) => atMs).sort((a, b) => a - b);
    for (const from of times) {
      expect(times.filter((time) => time >= from && time < from + 1000).length).toBeLessThanOrEqual(12);
    }
  });

  it('that fails again and again is tried slowly, and quickly once it succeeds', async () => {
    let status = 500;
    const { target, test } = await endpoint((response) => response.writeHead(status).end());
    await Promise.all(Array.from({ length: 150 }, test));
    await expect
      .poll(() => target.received.length, { timeout: 5000 })
      .toBeGreaterThan(limits.deliveryFailuresUntilPaced);
    const at = target.received.length;
    expect(at).toBeLessThan(150);
    status = 200;
    await expect.poll(() => target.received.length, { timeout: 10_000 }).toBeGreaterThanOrEqual(150);
  });
});

it('the limit of webhooks holds whoever races, on two servers with four lanes', async () => {
  const raced = await startServer({ lanes: 4 });
  const other = await raced.second({ lanes: 4 });
  const body = JSON.stringify({ url: 'http://127.0.0.1:9/', events: ['wallet.created'] });
  const create = async (url: string) =>
    (
      await fetch(`${url}/v1/webhooks`, {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${raced.testKey}`, 'content-type': 'application/json' },
      })
    ).status;
  const statuses = await Promise.all(
    Array.from({ length: 80 }, (_, index) => create(index % 2 === 0 ? raced.app.url : other.url)),
  );
  expect(statuses.filter((status) => status === 200)).toHaveLength(limits.webhooksPerEnvironment);
  expect(statuses.filter((status) => status === 409)).toHaveLength(80 - limits.webhooksPerEnvironment);
  const [first] = (await raced.api.get('/v1/webhooks')).data;
  await ok(raced.api.delete(`/v1/webhooks/${first.id}`));
  expect([await create(raced.app.url), await create(other.url)]).toEqual([200, 409]);
  await raced.stop();
});
