import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import type { ApiAnswer } from '../support/client.ts';
import { newCustomer, ok, person, rawExchange } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let webhookId: string;
let customerId: string;
beforeAll(async () => {
  server = await startServer({ sandboxStepMs: 3_600_000 });
  const target = { url: 'http://127.0.0.1:9/', events: ['webhook.test'] };
  webhookId = (await ok(server.api.post('/v1/webhooks', target))).id;
  customerId = (await newCustomer(server.api)).id;
});
afterAll(() => server.stop());

const key = () => `authorization: Bearer ${server.testKey}\r\n`;
const post = (path: string, headers: string) => `POST ${path} HTTP/1.1\r\nhost: x\r\n${headers}\r\n`;

/** Sends bytes and reads until the answer is whole; the connection stays open. */
async function answerTo(bytes: string | Buffer): Promise<{ status: number; reason: string; socket: Socket }> {
  const { hostname, port } = new URL(server.app.url);
  const socket = connect(Number(port), hostname);
  socket.write(bytes);
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += chunk;
    if (text.endsWith('}}')) break;
  }
  const body = JSON.parse(text.slice(text.indexOf('\r\n\r\n')));
  return { status: Number(text.slice(9, 12)), reason: body.error.reason, socket };
}

describe('what the headers tell to be wrong is answered before a byte of the body has come', () => {
  const json = 'content-type: application/json\r\n';
  const length = (bytes: number) => `content-length: ${bytes}\r\n`;

  it.each<[string, () => string, number, string]>([
    ['no such path', () => post('/nope', json + length(1_000_000)), 404, 'route_not_found'],
    [
      'no such path, any type',
      () => post('/nope', `content-type: a/b\r\n${length(9)}`),
      404,
      'route_not_found',
    ],
    [
      'no such method',
      () => post('/v1/customers', json + length(9)).replace('POST', 'PUT'),
      404,
      'route_not_found',
    ],
    ['no key', () => post('/v1/customers', json + length(9)), 401, 'missing_api_key'],
    [
      'a wrong type',
      () => post('/v1/customers', `${key()}content-type: text/plain\r\n${length(9)}`),
      400,
      'unsupported_content_type',
    ],
    ['no type', () => post('/v1/customers', `${key()}${length(9)}`), 400, 'unsupported_content_type'],
    [
      'a wrong charset',
      () => post('/v1/customers', `${key()}content-type: application/json; charset=x\r\n${length(9)}`),
      400,
      'unsupported_charset',
    ],
    [
      'an encoding',
      () => post('/v1/customers', `${key()}${json}content-encoding: gzip\r\n${length(9)}`),
      400,
      'unsupported_encoding',
    ],
    [
      'too much',
      () => post('/v1/crypto-wallets', `${key()}${json}${length(limits.bodyBytes + 1)}`),
      400,
      'body_too_large',
    ],
    [
      'a faulty idempotency key',
      () => post('/v1/customers', `${key()}${json}idempotency-key: ${'k'.repeat(256)}\r\n${length(9)}`),
      400,
      'invalid_idempotency_key',
    ],
  ])('%s', async (_name, head, status, reason) => {
    const answer = await answerTo(head());
    answer.socket.destroy();
    expect(answer).toMatchObject({ status, reason });
  });

  it('also on the hosted pages', async () => {
    const text = await rawExchange(
      server.app.url,
      post('/hosted/nope', `content-type: application/x-www-form-urlencoded\r\n${length(1000)}`),
    );
    expect(text).toMatch(/^HTTP\/1\.1 404 /);
  });

  it('with the rate limit of strangers before it', async () => {
    const limited = await startServer({ rateLimit: { writesPerSecond: 1, readsPerSecond: 1 } });
    try {
      const texts: string[] = [];
      for (let count = 0; count < 4; count += 1)
        texts.push(await rawExchange(limited.app.url, post('/nope', `connection: close\r\n${length(0)}`)));
      expect(texts.at(-1)).toMatch(/^HTTP\/1\.1 429 /);
    } finally {
      await limited.stop();
    }
  });

  it('and the connection then ends, with the answer read by a client that sends on', async () => {
    const rest = Buffer.alloc(limits.discardedBodyBytes - 1, 0x20);
    for (const head of [post('/nope', length(rest.length)), post('/v1/customers', length(rest.length))]) {
      const text = await rawExchange(server.app.url, Buffer.concat([Buffer.from(head), rest]));
      expect(text).toMatch(/^HTTP\/1\.1 40[14] /);
      expect(text.toLowerCase()).toContain('connection: close');
      expect(text).toMatch(/\}\}$/);
    }
  });
});

describe('a route takes no more than it needs', () => {
  it('64 KiB, as a rule', async () => {
    const body = (bytes: number) => `{}${' '.repeat(bytes - 2)}`;
    const send = (bytes: number) =>
      server.api.raw('POST', '/v1/crypto-wallets', body(bytes), { 'content-type': 'application/json' });
    expect((await send(limits.bodyBytes)).error.reason).toBe('validation_failed');
    expect((await send(limits.bodyBytes + 1)).error.reason).toBe('body_too_large');
  });

  it('but whatever fits its schema, written as badly as can be', async () => {
    const escaped = (length: number) => '\\ud83d\\ude00'.repeat(length);
    const pairs = Array.from({ length: limits.metadataPairs }, (_, index) => {
      const name = `${index}`.padStart(limits.metadataKeyLength, '-');
      return `"${name}": "${escaped(limits.metadataValueLength)}"`;
    });
    const text = JSON.stringify(person).replace(/\}$/, `,"metadata":{${pairs.join(',\n        ')}}}`);
    expect(text.length).toBeGreaterThan(300_000);
    const answer = await server.api.raw('POST', '/v1/customers', text, {
      'content-type': 'application/json',
    });
    expect(answer.status, answer.text.slice(0, 500)).toBe(200);
  });
});

/** CPU milliseconds that this process takes for a request: server and client are in it. */
async function cpuMs(send: () => Promise<ApiAnswer>): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let turn = 0; turn < 5; turn += 1) {
    const before = process.cpuUsage();
    await send();
    const { system, user } = process.cpuUsage(before);
    least = Math.min(least, (system + user) / 1000);
  }
  return least;
}

describe('a hostile body costs at most 20 times what a plain one of its size does', () => {
  const plainText = (bytes: number) => {
    const pairs = Array.from({ length: Math.floor(bytes / 32) }, (_, index) => [
      `name-${index}`,
      'a plain value',
    ]);
    return JSON.stringify(Object.fromEntries(pairs)).slice(0, bytes);
  };
  const json = { 'content-type': 'application/json' };

  it.each<[string, () => string, (bytes: number) => string]>([
    ['a number without an end', () => '/v1/customers', (bytes) => `[1.${'0'.repeat(bytes - 6)}1]`],
    [
      'empty texts in the events of a webhook',
      () => '/v1/webhooks',
      (bytes) => `{"url":"http://127.0.0.1:9/","events":["",${'"",'.repeat(bytes / 3 - 20)}""]}`,
    ],
    [
      'empty objects in the reasons of a decision',
      () => `/v1/sandbox/customers/${customerId}/kyc`,
      (bytes) => `{"kycStatus":"rejected","reasons":[${'{},'.repeat(bytes / 3 - 20)}{}]}`,
    ],
    [
      'fields that do not exist',
      () => `/v1/webhooks/${webhookId}/test`,
      (bytes) =>
        JSON.stringify(Object.fromEntries(Array.from({ length: bytes / 12 }, (_, i) => [`f${i}`, 1]))),
    ],
  ])('%s', async (_name, path, hostile) => {
    const bytes = limits.bodyBytes - 64;
    const plain = await cpuMs(() => server.api.raw('POST', path(), plainText(bytes), json));
    const text = hostile(bytes);
    expect(text.length).toBeGreaterThan(bytes / 2);
    const { status, error } = await server.api.raw('POST', path(), text, json);
    expect([status, error.reason]).toEqual([
      400,
      expect.stringMatching(/^(invalid_json|validation_failed)$/),
    ]);
    expect(await cpuMs(() => server.api.raw('POST', path(), text, json))).toBeLessThan(20 * plain);
  });

  it.each(['/nope', '/v1/customers'])(
    '1 MiB of digits without a key is not read at all: %s',
    async (path) => {
      const digits = `[1.${'0'.repeat(1024 * 1024 - 6)}1]`;
      const plain = await cpuMs(() => server.api.raw('POST', path, '{}', { ...json, authorization: 'x' }));
      for (const type of ['application/json', 'text/plain']) {
        const headers = { 'content-type': type, authorization: 'x' };
        // Sending a mebibyte is what it costs.
        const took = await cpuMs(() => server.api.raw('POST', path, digits, headers));
        expect(took).toBeLessThan(20 * Math.max(plain, 5));
      }
    },
  );
});

describe('a request with two Host headers', () => {
  it.each(['host: x\r\nhost: y\r\n', 'host: x\r\nHOST: x\r\n'])('is refused: %j', async (hosts) => {
    const head = `GET /v1/health HTTP/1.1\r\n${hosts}connection: close\r\n\r\n`;
    const text = await rawExchange(server.app.url, head);
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text).toContain('"reason":"malformed_request"');
  });
});
