import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { type Receiver, startReceiver } from '../../../test/support/receiver.ts';
import { createDeliveryAgent, type Resolve } from './connector.ts';
import { createSender, type SendResult } from './send.ts';

const loose = { allowHttp: true, allowLoopback: true };
const strict = { allowHttp: true, allowLoopback: false };
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function receiver(answer?: (response: ServerResponse, count: number) => void): Promise<Receiver> {
  const started = await startReceiver(answer);
  closing.push(() => started.stop());
  return started;
}

function send(url: string, options: { policy?: typeof loose; resolve?: Resolve; timeoutMs?: number } = {}) {
  const agent = createDeliveryAgent(options.policy ?? loose, options.resolve);
  closing.push(() => agent.destroy());
  const delivery = { url, headers: { 'X-Ledger-Event-Id': 'evt_1' }, body: '{"a":"ü"}' };
  return createSender(agent).send({ ...delivery, timeoutMs: options.timeoutMs ?? 5000 });
}

describe('a delivery', () => {
  it('posts the body as it is, and succeeds with 2xx', async () => {
    const target = await receiver();
    expect(await send(target.url)).toMatchObject({
      success: true,
      httpStatus: 200,
      error: null,
      responseBody: 'ok',
    });
    expect(target.received[0]).toMatchObject({ method: 'POST', body: '{"a":"ü"}' });
    expect(target.received[0]?.headers).toMatchObject({
      'content-type': 'application/json',
      'user-agent': 'OpenLedger-Webhooks/1.0',
      'x-ledger-event-id': 'evt_1',
    });
  });

  it.each([400, 404, 410, 429, 500, 503])('fails with %i', async (status) => {
    const target = await receiver((response) => response.writeHead(status, { 'retry-after': '7' }).end());
    expect(await send(target.url)).toMatchObject({
      success: false,
      httpStatus: status,
      retryAfterSeconds: 7,
      gone: status === 410,
    });
  });

  it('is told when to come again by a date, too', async () => {
    const date = new Date(Date.now() + 90_000).toUTCString();
    const target = await receiver((response) => response.writeHead(503, { 'retry-after': date }).end());
    const { retryAfterSeconds } = await send(target.url);
    expect(retryAfterSeconds).toBeGreaterThan(80);
    expect(retryAfterSeconds).toBeLessThanOrEqual(90);
  });

  it('follows no redirect', async () => {
    const elsewhere = await receiver();
    const target = await receiver((response) => response.writeHead(307, { location: elsewhere.url }).end());
    expect(await send(target.url)).toMatchObject({ success: false, httpStatus: 307 });
    expect(elsewhere.received).toHaveLength(0);
  });

  it('fails when the answer does not come in time', async () => {
    const target = await receiver(() => undefined);
    const result = await send(target.url, { timeoutMs: 300 });
    expect(result).toMatchObject({ success: false, httpStatus: null });
    expect(result.error).toMatch(/within 0.3 s/);
  });

  it('is not held up by a body that never ends, and keeps its start', async () => {
    const target = await receiver((response) => {
      response.write('start');
    });
    expect(await send(target.url, { timeoutMs: 300 })).toMatchObject({
      success: true,
      responseBody: 'start',
    });
  });

  it('ends in time when the body drips in', async () => {
    const target = await receiver((response) => {
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    });
    const result = await send(target.url, { timeoutMs: 300 });
    expect(result.httpStatus).toBe(200);
    expect(result.responseBody).toMatch(/^\.+$/);
    expect(result.durationMs).toBeLessThan(1000);
  });

  it('has the status and the start of a body that breaks off', async () => {
    const target = await receiver((response) => {
      response.writeHead(500, { 'content-length': 100 }).write('start', () => response.socket?.destroy());
    });
    expect(await send(target.url)).toMatchObject({ success: false, httpStatus: 500, responseBody: 'start' });
  });

  it('hangs up on an answer that is endless', async () => {
    let closed: Promise<unknown> | undefined;
    const target = await receiver((response) => {
      closed = once(response, 'close');
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      };
      response.on('drain', pour);
      pour();
    });
    const { durationMs, responseBody } = await send(target.url);
    expect(responseBody).toHaveLength(1024);
    expect(durationMs).toBeLessThan(2000);
    await closed;
  });

  it('keeps the first KiB of an answer of 5 MB', async () => {
    const target = await receiver((response) => response.end('x'.repeat(5_000_000)));
    const { responseBody, success } = await send(target.url);
    expect(success).toBe(true);
    expect(responseBody).toBe('x'.repeat(1024));
  });

  it('keeps a text that the database can hold, whatever the bytes', async () => {
    const target = await receiver((response) => response.end(Buffer.from([0x61, 0x00, 0xff, 0xc3])));
    const { responseBody } = await send(target.url);
    expect(responseBody).not.toContain('\0');
    expect(responseBody?.isWellFormed()).toBe(true);
  });

  it.each([
    ['broken bytes', Buffer.alloc(5000, 0xff), '\ufffd'.repeat(341)],
    ['a character at the cut', Buffer.from(`${'x'.repeat(1023)}€`), 'x'.repeat(1023)],
  ])('keeps at most 1 KiB of text from %s', async (_, bytes, kept) => {
    const target = await receiver((response) => response.end(bytes));
    expect((await send(target.url)).responseBody).toBe(kept);
  });

  it('says what is wrong when nothing listens, the receiver hangs up, or the name is unknown', async () => {
    const gone = await receiver();
    await gone.stop();
    const hangsUp = await receiver((response) => response.socket?.destroy());
    const unknown: Resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    expect((await send(gone.url)).error).toMatch(/refused the connection/);
    expect((await send(hangsUp.url)).error).toMatch(/closed before/);
    expect((await send('http://nowhere.example/', { resolve: unknown })).error).toMatch(/cannot be resolved/);
    closing.shift();
  });
});

describe('a connection', () => {
  const refused: Partial<SendResult> = { success: false, httpStatus: null };
  // Forbidden, yet it leads to this machine: a connection that should not be made would show, and go no further.
  const anyAddress = '0.0.0.0';

  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0',
    '017700000001',
    '[::ffff:127.0.0.1]',
    'localhost',
  ])('to %s is never made when loopback is not allowed', async (host) => {
    const target = await receiver();
    const result = await send(`http://${host}:${target.port}/`, { policy: strict });
    expect(result).toMatchObject(refused);
    expect(result.error).toMatch(/not public/);
    expect(target.connections()).toBe(0);
  });

  it('to a name is refused when one of its addresses is not public', async () => {
    const target = await receiver();
    const answers: LookupAddress[] = [
      { address: '127.0.0.1', family: 4 },
      { address: anyAddress, family: 4 },
    ];
    for (const addresses of [answers, answers.toReversed()]) {
      const resolve: Resolve = async () => addresses;
      const result = await send(`http://two.example:${target.port}/`, { resolve });
      expect(result).toMatchObject(refused);
      expect(result.error).toMatch(/not public/);
    }
    expect(target.connections()).toBe(0);
  });

  it('to a name is refused when it leads to this machine and loopback is not allowed', async () => {
    const target = await receiver();
    const resolve: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    const result = await send(`http://inside.example:${target.port}/`, { policy: strict, resolve });
    expect(result.error).toMatch(/not public/);
    expect(target.connections()).toBe(0);
  });

  it('to a name that is rebound between two deliveries is refused the second time', async () => {
    const target = await receiver((response) => response.writeHead(200, { connection: 'close' }).end());
    const answers = ['127.0.0.1', anyAddress];
    const resolve: Resolve = async () => [{ address: answers.shift() ?? anyAddress, family: 4 }];
    const agent = createDeliveryAgent(loose, resolve);
    closing.push(() => agent.destroy());
    const sender = createSender(agent);
    const delivery = {
      url: `http://rebind.example:${target.port}/`,
      headers: {},
      body: '{}',
      timeoutMs: 5000,
    };
    expect((await sender.send(delivery)).success).toBe(true);
    expect((await sender.send(delivery)).error).toMatch(/not public/);
    expect(target.received).toHaveLength(1);
  });
});
