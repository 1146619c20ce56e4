import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  approvedCustomer,
  balanceOf,
  fundedWallet,
  newCustomer,
  newWallet,
  ok,
  person,
  transferBody,
} from '../support/factories.ts';
import { startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

const hourMs = 60 * 60 * 1000;
const day = 24 * 60 * 60;

describe('the clock of a sandbox', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer();
  });
  afterAll(() => server.stop());

  const now = async () => Date.parse((await ok(server.api.get('/v1/sandbox/clock'))).now);

  it('moves forward by seconds and to a time, and what is made then is dated then', async () => {
    const before = Date.now();
    const moved = await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 3600 }));
    expect(moved.aheadSeconds).toBe(3600);
    expect(await now()).toBeGreaterThanOrEqual(before + hourMs);
    const to = new Date(before + 5 * hourMs).toISOString();
    const later = await ok(server.api.post('/v1/sandbox/clock/advance', { to }));
    expect(later.now).toBe(to);
    const customer = await newCustomer(server.api);
    expect(Date.parse(customer.createdAt)).toBeGreaterThanOrEqual(before + 5 * hourMs);
    const events = await server.api.get('/v1/events?type=customer.created');
    expect(events.data[0].createdAt).toBe(customer.createdAt);
  });

  it('never moves back, and not too far, and says why', async () => {
    const past = await server.api.post('/v1/sandbox/clock/advance', { to: '2020-01-01T00:00:00.000Z' });
    expect([past.status, past.error.reason]).toEqual([400, 'clock_backwards']);
    const far = await server.api.post('/v1/sandbox/clock/advance', { to: '2200-01-01T00:00:00.000Z' });
    expect([far.status, far.error.reason]).toEqual([400, 'clock_too_far']);
    for (const body of [{}, { seconds: 1, to: '2199-01-01T00:00:00.000Z' }, { seconds: 0 }, { to: 'soon' }]) {
      expect((await server.api.post('/v1/sandbox/clock/advance', body)).status).toBe(400);
    }
  });

  it('refuses a time that is none on our clock', async () => {
    for (const to of ['2027-06-30T23:59:60Z', '2027-06-30T00:00:00+01']) {
      const answer = await server.api.post('/v1/sandbox/clock/advance', { to });
      expect([answer.status, answer.error.reason]).toEqual([400, 'validation_failed']);
      expect(answer.error.details).toEqual([
        { path: '/to', message: '`to` must be a time that exists without leap seconds.' },
      ]);
    }
  });

  it('concerns neither the live environment nor a live key', async () => {
    await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: day }));
    const live = await ok(server.live.post('/v1/customers', person));
    expect(Math.abs(Date.parse(live.createdAt) - Date.now())).toBeLessThan(60_000);
    for (const answer of [
      await server.live.get('/v1/sandbox/clock'),
      await server.live.post('/v1/sandbox/clock/advance', { seconds: 1 }),
      await server.live.post('/v1/sandbox/reset'),
    ]) {
      expect([answer.status, answer.error.reason]).toEqual([404, 'sandbox_only']);
    }
  });

  it('lets idempotency keys expire, but never makes a move happen twice', async () => {
    const key = { 'idempotency-key': 'before-the-move' };
    const first = await ok(server.api.post('/v1/customers', person, key));
    const move = { 'idempotency-key': 'the-move' };
    const moved = await server.api.post('/v1/sandbox/clock/advance', { seconds: 25 * 3600 }, move);
    const again = await server.api.post('/v1/sandbox/clock/advance', { seconds: 25 * 3600 }, move);
    expect(again.text).toBe(moved.text);
    expect(again.headers['idempotent-replayed']).toBe('true');
    const second = await ok(server.api.post('/v1/customers', person, key));
    expect(second.id).not.toBe(first.id);
  });

  it('is followed by a second server process within moments', async () => {
    const other = await server.second();
    const headers = { authorization: `Bearer ${server.testKey}` };
    const { aheadSeconds } = await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 7200 }));
    const read = async () =>
      ((await (await fetch(`${other.url}/v1/sandbox/clock`, { headers })).json()) as { data: unknown }).data;
    await expect.poll(read, { timeout: 5000 }).toMatchObject({ aheadSeconds });
  });

  it('adds up when it is moved many times concurrently', async () => {
    const { aheadSeconds } = await ok(server.api.get('/v1/sandbox/clock'));
    await Promise.all(
      Array.from({ length: 20 }, () => ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 60 }))),
    );
    const after = await ok(server.api.get('/v1/sandbox/clock'));
    expect(after.aheadSeconds).toBe(aheadSeconds + 20 * 60);
  });

  it('makes failed webhook deliveries due', async () => {
    const receiver = await startReceiver((response, count) => {
      response.statusCode = count <= 3 ? 500 : 200;
      response.end();
    });
    await ok(server.api.post('/v1/webhooks', { url: receiver.url, events: ['customer.created'] }));
    await newCustomer(server.api);
    // After the third failure the next attempt is two minutes off, give or take.
    for (const attempts of [1, 2, 3, 4]) {
      await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(attempts);
      // The attempt has been answered; wait until it has been recorded too.
      await expect
        .poll(async () => {
          const { rows } = await server.app.pool.query(
            'select attempt_number, claimed_until from delivery_queue',
          );
          return rows.length === 0 || (rows[0].claimed_until === null && rows[0].attempt_number > attempts);
        })
        .toBe(true);
      await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 3600 }));
    }
    await receiver.stop();
  });
});

describe('the reset of a sandbox', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ sandboxStepMs: 3_600_000 });
  });
  afterAll(() => server.stop());

  it('empties it, keeps its keys, sets its clock back, and leaves live data alone', async () => {
    const live = await ok(server.live.post('/v1/customers', person));
    const wallet = await fundedWallet(server.api, '50.00');
    const transfer = await ok(server.api.post('/v1/transfers', transferBody(wallet)));
    await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: 100 * day }));
    const key = { 'idempotency-key': 'reset-once' };
    const reset = await server.api.post('/v1/sandbox/reset', undefined, key);
    expect(reset.data.aheadSeconds).toBe(0);
    for (const path of [
      '/v1/customers',
      '/v1/crypto-wallets',
      '/v1/transactions',
      '/v1/events',
      '/v1/webhooks',
    ]) {
      expect((await server.api.get(path)).data).toEqual([]);
    }
    expect((await server.api.get(`/v1/crypto-wallets/${wallet.id}`)).status).toBe(404);
    expect((await server.api.get(`/v1/transactions/${transfer.id}`)).status).toBe(404);
    expect((await server.live.get(`/v1/customers/${live.id}`)).status).toBe(200);
    const customer = await approvedCustomer(server.api);
    expect(Math.abs(Date.parse(customer.createdAt) - Date.now())).toBeLessThan(60_000);

    const again = await server.api.post('/v1/sandbox/reset', undefined, key);
    expect(again.headers['idempotent-replayed']).toBe('true');
    expect((await server.api.get(`/v1/customers/${customer.id}`)).status).toBe(200);
    const fresh = await newWallet(server.api, customer.id);
    expect(await balanceOf(server.api, fresh.id)).toBe('0.00');
    expect((await ok(server.api.get('/v1/ledger/verify'))).ok).toBe(true);
  });

  it('stops what was on its way', async () => {
    const receiver = await startReceiver();
    await ok(server.api.post('/v1/webhooks', { url: receiver.url, events: ['transaction.updated'] }));
    const wallet = await fundedWallet(server.api, '50.00');
    const transfer = await ok(server.api.post('/v1/transfers', transferBody(wallet)));
    await ok(server.api.post('/v1/sandbox/reset'));
    await ok(server.api.post('/v1/sandbox/clock/advance', { seconds: day }));
    await newCustomer(server.api);
    const { rows } = await server.app.pool.query('select status from transactions where id = $1', [
      transfer.id,
    ]);
    expect(rows).toEqual([{ status: 'in_review' }]);
    expect(receiver.received).toEqual([]);
    await receiver.stop();
  });
});
