import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { openStream, type StreamReader } from '../support/event-stream.ts';
import { addKey, approvedCustomer, newCustomer, newWallet, ok, person, walk } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
const readers: StreamReader[] = [];
beforeAll(async () => {
  server = await startServer({ lanes: 2 });
  api = server.api;
});
afterEach(async () => {
  for (const reader of readers.splice(0)) await reader.close();
  vi.restoreAllMocks();
});
afterAll(() => server.stop());

async function open(query = '', headers: Record<string, string> = {}, url = server.app.url) {
  const reader = await openStream(url, server.testKey, query, headers);
  readers.push(reader);
  return reader;
}

const idsOf = (messages: StreamReader['events']): string[] => messages.map(({ data }) => data.id);

it('sends each event as it is listed, from now on, wherever it was written', async () => {
  const second = await createClient((await server.second()).url, server.testKey);
  await newCustomer(api);
  const reader = await open();
  expect([reader.status, reader.headers['content-type'], reader.headers['cache-control']]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
    'no-store',
  ]);
  expect(reader.headers['x-request-id']).toMatch(/^req_/);
  const made = [await newCustomer(api), await newCustomer(second), await newCustomer(api)];
  const events = await reader.until(3);
  expect(events.map(({ data }) => data.data.id).sort()).toEqual(made.map(({ id }) => id).sort());
  for (const { data, event } of events) {
    expect(event).toBe('customer.created');
    expect(await ok(api.get(`/v1/events/${data.id}`))).toEqual(data);
  }
});

it('goes on behind the last event that a reader has seen', async () => {
  const first = await open();
  await newCustomer(api);
  await newCustomer(api);
  const [one] = await first.until(2);
  await first.close();
  await newCustomer(api);
  const again = await open('', { 'last-event-id': one?.id ?? '' });
  await again.until(2);
  expect(new Set(idsOf(again.events)).size).toBe(2);
  expect(idsOf(again.events)).not.toContain(one?.data.id);
  const whole = await open('?cursor=start');
  const all = (await walk(api, '/v1/events', 100)).map(({ id }) => id);
  expect(idsOf(await whole.until(all.length)).sort()).toEqual(all.sort());
});

it('sends the chosen types, and moves past the others', async () => {
  const reader = await open('?types=wallet.*,customer.updated');
  const customer = await approvedCustomer(api);
  await newWallet(api, customer.id);
  const events = await reader.until(2);
  expect(events.map(({ event }) => event).sort()).toEqual(['customer.updated', 'wallet.created']);
  const again = await open('?types=wallet.*', { 'last-event-id': reader.lastId() });
  const wallet = await newWallet(api, customer.id);
  const [only] = await again.until(1);
  expect(only?.data.data.id).toBe(wallet.id);
});

it.each([
  ['?types=customer.exploded', 'query.types', {}],
  ['?types=', 'query.types', {}],
  ['?cursor=nonsense', 'query.cursor', {}],
  ['?cursor=end&cursor=start', 'query.cursor', {}],
  ['', 'header.Last-Event-ID', { 'last-event-id': 'nonsense' }],
])('refuses %s, and says that %s is at fault', async (query, path, headers) => {
  const answer = await api.get(`/v1/events/stream${query}`, headers);
  expect([answer.status, answer.error.code, answer.error.details?.[0]?.path]).toEqual([
    400,
    'INVALID_REQUEST',
    path,
  ]);
});

it('is for keys only', async () => {
  const stranger = await createClient(server.app.url, 'ld_test_stranger');
  expect((await stranger.get('/v1/events/stream')).status).toBe(401);
  await newCustomer(api);
  const live = await openStream(server.app.url, server.liveKey, '?cursor=start');
  readers.push(live);
  const made = await ok(server.live.post('/v1/customers', person));
  const [only] = await live.until(1);
  expect([only?.data.data.id, live.events.length]).toEqual([made.id, 1]);
});

it('has a limit on how many are open, and a place again when one has gone', async () => {
  const open10 = await Promise.all(Array.from({ length: limits.eventStreamsPerEnvironment }, () => open()));
  const refused = await api.get('/v1/events/stream');
  expect([refused.status, refused.error.reason, refused.headers['retry-after']]).toEqual([
    429,
    'too_many_streams',
    '1',
  ]);
  await open10[0]?.close();
  await expect.poll(async () => (await open()).status).toBe(200);
});

it('keeps no place for readers that are gone before their stream has started', async () => {
  const { hostname, port } = new URL(server.app.url);
  const request = `GET /v1/events/stream HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${server.testKey}\r\n\r\n`;
  // The second of two requests has a response that never gets the connection.
  for (const requests of [request, request, request, request, request.repeat(2), request.repeat(2)]) {
    for (let again = 0; again < limits.eventStreamsPerEnvironment / 2; again += 1) {
      const socket = connect(Number(port), hostname).on('error', () => undefined);
      await once(socket, 'connect');
      socket.write(requests);
      await setImmediate();
      socket.resetAndDestroy();
    }
  }
  await vi.waitFor(async () => expect((await open()).status).toBe(200), { timeout: 5000 });
});

it('keeps a quiet connection alive and moves the reader’s place past what was left out', async () => {
  vi.spyOn(limits as { eventStreamHeartbeatMs: number }, 'eventStreamHeartbeatMs', 'get').mockReturnValue(
    100,
  );
  const reader = await open('?types=wallet.created');
  const begin = reader.lastId();
  await newCustomer(api);
  await expect.poll(() => reader.text()).toContain(': still here');
  await expect.poll(() => reader.lastId()).not.toBe(begin);
  expect(reader.events).toEqual([]);
});

it('ends after its time, for its reader to come back', async () => {
  vi.spyOn(limits as { eventStreamMs: number }, 'eventStreamMs', 'get').mockReturnValue(300);
  const reader = await open();
  expect(reader.text()).toContain(`retry: ${limits.eventStreamRetryMs}`);
  await newCustomer(api);
  await reader.ended;
  const made = await newCustomer(api);
  const again = await open('', { 'last-event-id': reader.lastId() });
  expect((await again.until(1)).map(({ data }) => data.data.id)).toContain(made.id);
});

it('ends within three seconds of the revocation of its key, in every process, and goes on for other keys', async () => {
  const second = await server.second();
  const revoked = await addKey(server);
  const urls = [server.app.url, second.url];
  const ending = await Promise.all(urls.map((url) => openStream(url, revoked.key)));
  readers.push(...ending);
  const staying = await open();
  const begunMs = performance.now();
  await revoked.revoke();
  await Promise.all(ending.map(({ ended }) => ended));
  expect(performance.now() - begunMs).toBeLessThan(limits.eventStreamMs / 10);
  expect(limits.eventStreamKeyMs + limits.eventStreamPollMs).toBeLessThan(3000);
  for (const reader of ending) expect(reader.text()).toMatch(/: closing key_revoked\n\n$/);
  const { id } = await newCustomer(api);
  const [event] = await staying.until(1);
  expect(event?.data.data.id).toBe(id);
  for (const { events } of ending) expect(events).toEqual([]);
});

it('does not begin with a key that was revoked a moment ago', async () => {
  const revoked = await addKey(server);
  const client = await createClient(server.app.url, revoked.key);
  await ok(client.get('/v1/customers'));
  await revoked.revoke();
  expect((await client.get('/v1/events/stream')).status).toBe(401);
});

it('ends when the sandbox is reset, and when the server stops', async () => {
  const own = await startServer();
  try {
    const reset = await openStream(own.app.url, own.testKey);
    await ok(own.api.post('/v1/sandbox/reset'));
    await reset.ended;
    expect(reset.text()).toContain(': closing environment_reset');
    const stopped = await openStream(own.app.url, own.testKey);
    const begun = Date.now();
    await own.app.stop();
    await stopped.ended;
    expect(stopped.text()).toContain(': closing server_stopping');
    expect(Date.now() - begun).toBeLessThan(limits.eventStreamHeartbeatMs);
  } finally {
    await own.stop();
  }
});

it('is not held up by a reader who does not read', async () => {
  const own = await startServer();
  try {
    const { hostname, port } = new URL(own.app.url);
    const socket = connect(Number(port), hostname).on('error', () => undefined);
    socket.write(
      `GET /v1/events/stream?cursor=start HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${own.testKey}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('readable', resolve));
    socket.pause();
    const reader = await openStream(own.app.url, own.testKey);
    const metadata = { note: 'x'.repeat(450) };
    for (let round = 0; round < 20; round += 1) {
      await Promise.all(Array.from({ length: 100 }, () => newCustomer(own.api, { metadata })));
    }
    await reader.until(2000);
    await reader.close();
    await own.app.stop();
    socket.destroy();
  } finally {
    await own.stop();
  }
}, 60_000);
