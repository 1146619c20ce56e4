import type { ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newCustomer, ok } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { attemptsOf } from '../support/webhooks.ts';

/** Receivers that misbehave, against the whole server. */
let server: TestServer;
const closing: (() => unknown)[] = [];
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function receiver(answer: (response: ServerResponse, count: number) => void): Promise<Receiver> {
  const target = await startReceiver(answer);
  closing.push(() => target.stop());
  return target;
}

async function deliver(url: string): Promise<{ id: string; test(): Promise<unknown> }> {
  const { id } = await ok(server.api.post('/v1/webhooks', { url, events: ['webhook.test'] }));
  closing.push(() => server.api.delete(`/v1/webhooks/${id}`));
  const test = () => ok(server.api.post(`/v1/webhooks/${id}/test`));
  await test();
  return { id, test };
}

/** The first attempt at a receiver, and when the next one is, in seconds. */
async function firstAttempt(url: string) {
  const { id } = await deliver(url);
  const [attempt] = await attemptsOf(server.api, id, 1);
  const waitSeconds = (Date.parse(attempt.nextAttemptAt) - Date.parse(attempt.createdAt)) / 1000;
  return { ...attempt, waitSeconds };
}

describe('Retry-After', () => {
  it.each([
    ['in seconds', () => '90', 90, 90],
    ['as a date', () => new Date(Date.now() + 90_000).toUTCString(), 85, 91],
    ['that is shorter than the table', () => '1', 4.4, 5.6],
    ['without end', () => '999999999', 12 * 3600, 12 * 3600],
    ['that is nonsense', () => 'later', 4.4, 5.6],
  ])('%s', async (_what, header, least, most) => {
    const target = await receiver((response) => response.writeHead(429, { 'retry-after': header() }).end());
    const { waitSeconds } = await firstAttempt(target.url);
    expect(waitSeconds).toBeGreaterThanOrEqual(least);
    expect(waitSeconds).toBeLessThanOrEqual(most);
  });
});

it('a redirect is a failure and is not followed', async () => {
  const elsewhere = await receiver((response) => response.end('ok'));
  const target = await receiver((response) => response.writeHead(302, { location: elsewhere.url }).end());
  expect(await firstAttempt(target.url)).toMatchObject({ httpStatus: 302, success: false, attemptNumber: 1 });
  expect(elsewhere.connections()).toBe(0);
});

it('an answer of 5 MB is cut at 1 KiB', async () => {
  const target = await receiver((response) => response.writeHead(500).end('x'.repeat(5_000_000)));
  const { httpStatus, responseBody } = await firstAttempt(target.url);
  expect([httpStatus, responseBody]).toEqual([500, 'x'.repeat(1024)]);
});

it('an answer that breaks off in its body keeps its status and what came', async () => {
  const target = await receiver((response) => {
    response.writeHead(503, { 'content-length': 100 }).write('start', () => response.socket?.destroy());
  });
  expect(await firstAttempt(target.url)).toMatchObject({
    httpStatus: 503,
    success: false,
    responseBody: 'start',
  });
});

it('a receiver that hangs up fails with a reason', async () => {
  const target = await receiver((response) => response.socket?.destroy());
  const { error, httpStatus, waitSeconds } = await firstAttempt(target.url);
  expect([error, httpStatus]).toEqual(['The connection closed before the response was complete.', null]);
  expect(waitSeconds).toBeLessThan(6);
});

it('receivers that drip their headers or their body hold up themselves only, for 15 s', async () => {
  const sockets = new Set<Socket>();
  const loris = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.write('HTTP/1.1 200 OK\r\n');
    const drip = setInterval(() => socket.write('x-drip: 1\r\n'), 200);
    socket.on('close', () => clearInterval(drip));
  });
  await new Promise<void>((resolve) => loris.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    loris.close();
  });
  const dripping = await receiver((response) => {
    const drip = setInterval(() => response.write('.'), 200);
    response.on('close', () => clearInterval(drip));
  });
  const healthy = await receiver((response) => response.end('ok'));
  const [headers, body] = [
    await deliver(`http://127.0.0.1:${(loris.address() as AddressInfo).port}/`),
    await deliver(dripping.url),
  ];
  const { id } = await ok(
    server.api.post('/v1/webhooks', { url: healthy.url, events: ['customer.created'] }),
  );
  for (let count = 0; count < 40; count += 1) await headers.test();
  await newCustomer(server.api);
  await attemptsOf(server.api, id, 1);
  const delayMs = Date.parse((await ok(server.api.get(`/v1/webhooks/${id}/deliveries`)))[0].createdAt);
  expect(Date.now() - delayMs).toBeLessThan(2000);
  const [failed] = (await attemptsOf(server.api, headers.id, 1)).slice(-1);
  expect(failed).toMatchObject({ success: false, error: 'The receiver did not answer within 15 s.' });
  expect(failed.durationMs).toBeGreaterThan(14_500);
  expect(failed.durationMs).toBeLessThan(17_000);
  const [kept] = (await attemptsOf(server.api, body.id, 1)).slice(-1);
  expect(kept).toMatchObject({ success: true, httpStatus: 200 });
  await server.api.delete(`/v1/webhooks/${id}`);
});
