import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ApiAnswer, ApiClient } from '../support/client.ts';
import {
  fundedWallet,
  newCustomer,
  ok,
  person,
  rawExchange,
  transferBody,
  watchRows,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
let wallet: { id: string; customerId: string };
let webhook: { id: string };
let customer: { id: string };
beforeAll(async () => {
  // No worker moves anything on between two looks at the tables.
  server = await startServer({ sandboxStepMs: 3_600_000 });
  api = server.api;
  wallet = await fundedWallet(api, '1000.00');
  customer = await newCustomer(api);
  webhook = await ok(api.post('/v1/webhooks', { url: 'http://127.0.0.1:9/', events: ['webhook.test'] }));
});
afterAll(() => server.stop());

// Whatever a test here sends: afterwards every table holds what it held before.
let changedTables: () => Promise<string[]>;
beforeEach(async () => {
  changedTables = await watchRows(server.app);
});
afterEach(async () => {
  expect(await changedTables()).toEqual([]);
});

const json = { 'content-type': 'application/json' };
const envelope = {
  ok: false,
  error: {
    code: expect.stringMatching(/^(INVALID_REQUEST|UNAUTHORIZED|NOT_FOUND)$/),
    message: expect.stringMatching(/\w{3}/),
    reason: expect.stringMatching(/^[a-z_]+$/),
    requestId: expect.stringMatching(/./),
    docUrl: expect.stringContaining('/docs#error-'),
  },
};

/** An answer must be a 400 in the envelope, for this reason and with these fields at fault. */
function expect400(answer: ApiAnswer, reason: string | RegExp, ...paths: string[]): void {
  expect(answer.status, answer.text).toBe(400);
  expect(JSON.parse(answer.text)).toMatchObject(envelope);
  expect(answer.error.reason).toMatch(reason);
  if (paths.length === 0) return;
  expect([...new Set(answer.error.details?.map(({ path }) => path))]).toEqual(paths);
}

const sendRaw = (body: string | Buffer, headers: Record<string, string> = json, path = '/v1/customers') =>
  api.raw('POST', path, body, headers);
/** A transfer's body with this JSON text as its amount. */
const withAmount = (text: string) =>
  JSON.stringify({ ...transferBody(wallet), amount: 'AMOUNT' }).replace('"AMOUNT"', text);

describe('a body that is not JSON', () => {
  it.each([
    '{',
    ' ',
    'email=ada',
    '{"email":}',
    '{"email":"a@b.co"}}',
    "{'email':1}",
    '{email:1}',
    '{"email":NaN}',
    '{"email":1,}',
    '{"email":01}',
    '{"email":"tab\there"}',
    '{"email":"nul\0here"}',
    '\ufeff{}',
    '<xml/>',
  ])('is refused: %j', async (body) => expect400(await sendRaw(body), 'invalid_json'));

  it.each(['null', '[]', '"x"', '1', 'true', '[{}]'])('nor is one that is no object: %s', async (body) => {
    expect400(await sendRaw(body), 'validation_failed', '');
  });

  it('is refused when there is none', async () => {
    expect400(await api.post('/v1/customers'), 'validation_failed', '');
    expect400(await sendRaw(''), 'validation_failed', '');
    expect400(await api.patch(`/v1/crypto-wallets/${wallet.id}`), 'validation_failed', '');
  });

  it.each([
    ['invalid UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['half a character', Buffer.from([0x22, 0xc3])],
    ['an overlong NUL', Buffer.from([0x22, 0xc0, 0x80, 0x22])],
    ['UTF-16', Buffer.from('{"email":"é"}', 'utf16le')],
    ['gzip', gzipSync('{}')],
  ])('is refused: %s', async (_name, bytes) => expect400(await sendRaw(bytes), /^invalid_(encoding|json)$/));

  it.each([
    ['arrays', '['.repeat(100_000)],
    ['closed arrays', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['objects', '{"a":'.repeat(10_000) + 1 + '}'.repeat(10_000)],
    [
      'metadata',
      JSON.stringify({ ...person, metadata: JSON.parse('{"a":'.repeat(40) + 1 + '}'.repeat(40)) }),
    ],
  ])('is refused when it is nested too deep: %s', async (_name, body) => {
    expect400(await sendRaw(body), 'invalid_json');
  });
});

describe('keys that are not what they seem', () => {
  it.each([
    ['twice the same', '{"email":"a@b.co","firstName":"A","lastName":"B","email":"c@d.co"}'],
    ['twice, once escaped', '{"email":"a@b.co","firstName":"A","lastName":"B","e\\u006dail":"c@d.co"}'],
    ['twice, inside', '{"email":"a@b.co","firstName":"A","lastName":"B","metadata":{"a":"1","a":"2"}}'],
    ['__proto__', '{"email":"a@b.co","firstName":"A","lastName":"B","__proto__":{"type":"business"}}'],
    ['__proto__, inside', '{"email":"a@b.co","firstName":"A","lastName":"B","metadata":{"__proto__":"x"}}'],
    ['NUL', '{"email":"a@b.co","firstName":"A","lastName":"B","metadata":{"a\\u0000":"x"}}'],
    ['half a surrogate pair', '{"email":"a@b.co","firstName":"A","lastName":"B","metadata":{"\\ud800":"x"}}'],
  ])('are refused: %s', async (_name, body) => {
    const answer = await sendRaw(body);
    expect400(answer, 'invalid_json');
    expect(answer.error.details).toHaveLength(1);
  });

  it.each([
    ['constructor', { ...person, constructor: {} }, '/constructor'],
    ['toString', { ...person, toString: 'x' }, '/toString'],
    ['a slash and a tilde', { ...person, 'a/b~c': 1 }, '/a~1b~0c'],
    ['the empty key', { ...person, '': 1 }, '/'],
    ['a misspelt field', { ...person, lastname: 'x' }, '/lastname'],
  ])('are no fields: %s', async (_name, body, path) => {
    expect400(await api.post('/v1/customers', body), 'validation_failed', path);
  });

  it('are named on every route that takes a body', async () => {
    const surprise = { surprise: 1 };
    const kyc = { kycStatus: 'approved', ...surprise };
    const hook = { url: 'http://127.0.0.1:9/', events: ['*'], ...surprise };
    const deposit = { walletId: wallet.id, chain: 'base', currency: 'usdc', amount: '1.00', ...surprise };
    const answers = [
      await api.post('/v1/customers', { ...person, ...surprise }),
      await api.post('/v1/crypto-wallets', { customerId: wallet.customerId, ...surprise }),
      await api.patch(`/v1/customers/${customer.id}`, { status: 'active', ...surprise }),
      await api.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'frozen', ...surprise }),
      await api.post('/v1/transfers', transferBody(wallet, surprise)),
      await api.post('/v1/webhooks', hook),
      await api.patch(`/v1/webhooks/${webhook.id}`, { status: 'disabled', ...surprise }),
      await api.post(`/v1/webhooks/${webhook.id}/test`, surprise),
      await api.post('/v1/sandbox/crypto-deposits', deposit),
      await api.post(`/v1/sandbox/customers/${customer.id}/kyc`, kyc),
      await api.raw('DELETE', `/v1/webhooks/${webhook.id}`, JSON.stringify(surprise), json),
    ];
    for (const answer of answers) expect400(answer, 'validation_failed', '/surprise');
  });
});

describe('values that do not fit', () => {
  it.each([
    ['a number for a text', { email: 1 }, '/email'],
    ['null for a text', { lastName: null }, '/lastName'],
    ['an array for a text', { firstName: ['Ada'] }, '/firstName'],
    ['an object for a text', { phone: {} }, '/phone'],
    ['a text for an object', { metadata: 'x' }, '/metadata'],
    ['an array for an object', { metadata: [] }, '/metadata'],
    ['true for a word', { type: true }, '/type'],
    ['100 kB for a name', { firstName: 'x'.repeat(100_000) }, '/firstName'],
  ])('are refused: %s', async (_name, change, path) => {
    expect400(await api.post('/v1/customers', { ...person, ...change }), 'validation_failed', path);
  });

  it.each([
    ['NUL', { firstName: 'A\0' }, '/firstName'],
    ['half a surrogate pair', { lastName: 'x\ud800y' }, '/lastName'],
    ['the other half', { metadata: { a: '\udc00' } }, '/metadata/a'],
  ])('are refused: a text with %s', async (_name, change, path) => {
    expect400(await api.post('/v1/customers', { ...person, ...change }), 'invalid_json', path);
  });

  it.each([
    '1e400',
    '-1e400',
    '1e308',
    '99999999999999999999',
    '-99999999999999999999',
    '1000000000.000001',
    '-1',
    '-0',
    '0',
    '0.0',
    '1e-400',
    '1e-7',
    '1.0000001',
    '"1e400"',
    '"99999999999999999999"',
    '"-1"',
    '"+1"',
    '"0"',
    '"0.0000001"',
    '"1.0000001"',
    '"0x10"',
    '"1_000"',
    '"1.000,00"',
    '".5"',
    '"5."',
    '"١"',
    '""',
    '" "',
    '"NaN"',
    'null',
    'true',
    '{}',
    '["1"]',
  ])('are refused: an amount of %s', async (text) => {
    for (const path of ['/v1/transfers', '/v1/sandbox/crypto-deposits']) {
      const deposit = JSON.stringify({
        walletId: wallet.id,
        chain: 'base',
        currency: 'usdc',
        amount: 'AMOUNT',
      });
      const body = path === '/v1/transfers' ? withAmount(text) : deposit.replace('"AMOUNT"', text);
      expect400(await sendRaw(body, json, path), /^(invalid_amount|validation_failed)$/, '/amount');
    }
  });

  it('are refused: more decimals than a number in JSON can keep', async () => {
    const answer = await sendRaw(withAmount('1.00000000000000000001'), json, '/v1/transfers');
    expect400(answer, /^(invalid_amount|validation_failed|invalid_json)$/);
  });

  it.each([
    [{ url: 'nowhere', events: ['*'] }, 'invalid_webhook_url', '/url'],
    [{ url: 'ftp://example.com/', events: ['*'] }, 'invalid_webhook_url', '/url'],
    [{ url: 'http://10.0.0.1/', events: ['*'] }, 'invalid_webhook_url', '/url'],
    [{ url: `http://example.com/${'x'.repeat(3000)}`, events: ['*'] }, 'validation_failed', '/url'],
    [{ url: 'http://127.0.0.1:9/', events: [] }, 'validation_failed', '/events'],
    [{ url: 'http://127.0.0.1:9/', events: ['*', '*'] }, 'validation_failed', '/events'],
    [{ url: 'http://127.0.0.1:9/', events: ['no.such'] }, 'validation_failed', '/events/0'],
    [{ url: 'http://127.0.0.1:9/', events: '*' }, 'validation_failed', '/events'],
  ])('are refused: a webhook of %j', async (body, reason, path) => {
    expect400(await api.post('/v1/webhooks', body), reason, path);
  });
});

describe('a body that is too large', () => {
  /** As the served document says. */
  const customerBytes = 384 * 1024;
  const ofMebibytes = (count: number) =>
    JSON.stringify({ ...person, metadata: { a: 'x'.repeat(count * 1024 * 1024) } });

  it('is refused with an answer that its sender can read: 2 MiB', async () => {
    expect400(await sendRaw(ofMebibytes(2)), 'body_too_large');
    expect400(await sendRaw(Buffer.alloc(customerBytes + 1, 0x20)), 'body_too_large');
  });

  it('is refused when it comes in chunks of unknown number', async () => {
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const answer = await rawExchange(
      server.app.url,
      `POST /v1/customers HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${server.testKey}\r\n` +
        `content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(32)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"reason":"body_too_large"');
  });

  it('is refused or cut off: 40 MiB', async () => {
    const answer = await sendRaw(ofMebibytes(40)).catch((error: Error) => error);
    if (answer instanceof Error) expect(answer.message).toMatch(/closed|socket|EPIPE|ECONNRESET/i);
    else expect400(answer, 'body_too_large');
    expect((await api.get('/v1/customers')).status).toBe(200);
  });

  it('fits with one byte less', async () => {
    const body = Buffer.alloc(customerBytes, 0x20);
    body.write('{}');
    expect400(await sendRaw(body), 'validation_failed', '/email', '/firstName', '/lastName');
  });
});

describe('headers that do not fit the body', () => {
  const body = JSON.stringify(person);

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/jsonx',
    'application/xml',
    'garbage',
    ';',
    'application/json/json',
  ])('are refused: the content type %j', async (type) => {
    expect400(
      await sendRaw(body, { 'content-type': type }),
      /^(unsupported_content_type|malformed_request)$/,
    );
  });

  it('are refused: no content type', async () => {
    expect400(await sendRaw(body, {}), 'unsupported_content_type');
  });

  it.each(['latin1', 'utf-16', 'utf-7', '"iso-8859-1"', ''])(
    'are refused: the charset %j',
    async (charset) => {
      const type = `application/json; charset=${charset}`;
      expect400(await sendRaw(body, { 'content-type': type }), /^(unsupported_charset|malformed_request)$/);
    },
  );

  it.each(['gzip', 'br', 'deflate', 'identity, gzip', 'x'])(
    'are refused: the encoding %s',
    async (encoding) => {
      expect400(await sendRaw(body, { ...json, 'content-encoding': encoding }), 'unsupported_encoding');
    },
  );

  it('are refused: a body that really is compressed', async () => {
    expect400(await sendRaw(gzipSync(body), { ...json, 'content-encoding': 'gzip' }), /encoding$/);
  });
});

describe('a query that does not fit', () => {
  it.each([
    ['/v1/customers?limit=0', 'query.limit'],
    ['/v1/customers?limit=201', 'query.limit'],
    ['/v1/events?limit=-1', 'query.limit'],
    ['/v1/events?limit=1.0', 'query.limit'],
    ['/v1/events?limit=99999999999999999999', 'query.limit'],
    ['/v1/events?limit=', 'query.limit'],
    ['/v1/events?limit=%31%00', 'query.limit'],
    ['/v1/customers?limit=1&limit=2', 'query.limit'],
    ['/v1/customers?limit[]=1', 'query.limit[]'],
    ['/v1/customers?cursor=', 'query.cursor'],
    ['/v1/customers?cursor=abc', 'query.cursor'],
    ['/v1/customers?cursor=%00', 'query.cursor'],
    ['/v1/customers?cursor=%zz', 'query.cursor'],
    [`/v1/customers?cursor=${'A'.repeat(5000)}`, 'query.cursor'],
    [`/v1/customers?cursor=${Buffer.from('c1.cus_').toString('base64url')}`, 'query.cursor'],
    [`/v1/customers?cursor=${Buffer.from("c1.cus_' or 1=1 --").toString('base64url')}`, 'query.cursor'],
    ['/v1/customers?cursor=a&cursor=b', 'query.cursor'],
    ['/v1/customers?surprise=1', 'query.surprise'],
    ['/v1/customers?__proto__=1', 'query.__proto__'],
    ['/v1/customers?Limit=1', 'query.Limit'],
    ['/v1/crypto-wallets?status=open', 'query.status'],
    ['/v1/crypto-wallets?status=active&status=closed', 'query.status'],
    ['/v1/crypto-wallets?customerId=%00', 'query.customerId'],
    ['/v1/crypto-wallets?customerId=a&customerId=b', 'query.customerId'],
    ['/v1/transactions?type=loan', 'query.type'],
    ['/v1/transactions?status=', 'query.status'],
    ['/v1/transactions?createdAfter=yesterday', 'query.createdAfter'],
    ['/v1/transactions?createdAfter=2025-01-15', 'query.createdAfter'],
    ['/v1/transactions?createdBefore=2025-02-30T00:00:00Z', 'query.createdBefore'],
    ['/v1/transactions?createdBefore=2025-01-15T00:00:00', 'query.createdBefore'],
    ['/v1/events?type=*', 'query.type'],
  ])('is refused with its parameter: %s', async (path, at) => {
    const answer = await api.get(path);
    expect400(answer, 'validation_failed', at);
  });

  it('is told every fault together', async () => {
    const { error } = await api.get('/v1/transactions?type=loan&status=lost&surprise=1');
    expect(error.details?.map(({ path }) => path).sort()).toEqual([
      'query.status',
      'query.surprise',
      'query.type',
    ]);
  });

  it('is refused on a single thing and on writes too', async () => {
    expect400(await api.get(`/v1/customers/${customer.id}?expand=1`), 'validation_failed', 'query.expand');
    expect400(await api.post('/v1/customers?x=1', person), 'validation_failed', 'query.x');
  });

  it.each([
    '0000-01-01T00:00:00Z',
    '9999-12-31T23:59:59Z',
    '2016-12-31T23:59:60Z',
    '2020-01-01T00:00:00%2B23:59',
    '2020-01-01T00:00:00-23:59',
    '2020-01-01t00:00:00.123456789123z',
    '2020-01-01%2000:00:00Z',
  ])('is never our fault: a time at the edge of what there is, %s', async (time) => {
    for (const name of ['createdAfter', 'createdBefore']) {
      const { status, text } = await api.get(`/v1/transactions?${name}=${time}`);
      expect([200, 400], text).toContain(status);
    }
  });
});

describe('a path that leads nowhere', () => {
  it.each([
    ['GET', '/'.repeat(3)],
    ['GET', '/v1'],
    ['GET', '/v1/nothing'],
    ['GET', '/v1/customers/'],
    ['GET', '/V1/customers'],
    ['GET', '/v1/customers/a/b'],
    ['GET', '/v1/customers/..%2f..%2fetc%2fpasswd'],
    ['GET', '/v1/customers/%00'],
    ['GET', '/v1/customers/a%00b'],
    ['GET', '/v1/customers/%F0%9F%92%A9'],
    ['GET', "/v1/customers/cus_'--"],
    ['GET', `/v1/customers/${'x'.repeat(255)}`],
    ['PUT', '/v1/customers'],
    ['DELETE', '/v1/customers'],
    ['PATCH', '/v1/customers'],
    ['POST', '/v1/health'],
    ['GET', '/v1/sandbox/reset'],
    ['OPTIONS', '/v1/customers'],
    ['TRACE', '/v1/customers'],
    ['PROPFIND', '/v1/customers'],
  ])('is 404 in the envelope: %s %s', async (method, path) => {
    const answer = await api.raw(method, path, '');
    expect(answer.status, answer.text).toBe(404);
    expect(JSON.parse(answer.text)).toMatchObject(envelope);
    expect(answer.error.code).toBe('NOT_FOUND');
  });

  it.each([
    '/v1/customers/%',
    '/v1/customers/%zz',
    '/v1/customers/%ED%A0%80',
    '/%',
    `/v1/customers/${'x'.repeat(5000)}`,
  ])('is 400 when it cannot be read: %s', async (path) =>
    expect400(await api.raw('GET', path, ''), 'malformed_request'),
  );

  it('is 404 for HEAD, without a body', async () => {
    const { status } = await fetch(`${server.app.url}/v1/nothing`, { method: 'HEAD' });
    expect(status).toBe(404);
  });
});

describe('on the bare socket', () => {
  const authorised = () => `host: x\r\nconnection: close\r\nauthorization: Bearer ${server.testKey}\r\n`;
  const post = () => `POST /v1/customers HTTP/1.1\r\n${authorised()}content-type: application/json\r\n`;
  const body = JSON.stringify(person);

  /** An answer must be a 4xx in the envelope. Some of these requests could be read but for having no key. */
  function expectEnvelope(answer: string): void {
    expect(answer).toMatch(/^HTTP\/1\.1 (400|401|404) /);
    const [head = '', text = ''] = answer.split('\r\n\r\n');
    expect(head.toLowerCase()).toContain('content-type: application/json');
    expect(JSON.parse(text)).toMatchObject(envelope);
  }

  it.each([
    ['nonsense', () => 'nonsense\r\n\r\n'],
    ['no version, as of 1991', () => 'GET /v1/customers\r\n\r\n'],
    ['another version', () => 'GET /v1/customers HTTP/9.9\r\nhost: x\r\n\r\n'],
    ['HTTP/2', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TLS', () => '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a header without a colon', () => `GET /v1/customers HTTP/1.1\r\n${authorised()}bad header\r\n\r\n`],
    ['NUL in a header', () => `GET /v1/customers HTTP/1.1\r\n${authorised()}x: a\0b\r\n\r\n`],
    ['NUL in the path', () => `GET /v1/customers/\0 HTTP/1.1\r\n${authorised()}\r\n`],
    ['a blank in the path', () => `GET /v1/customers/a b HTTP/1.1\r\n${authorised()}\r\n`],
    ['a negative length', () => `${post()}content-length: -1\r\n\r\n${body}`],
    ['a length that is no number', () => `${post()}content-length: ten\r\n\r\n${body}`],
    ['two lengths', () => `${post()}content-length: 5\r\ncontent-length: ${body.length}\r\n\r\n${body}`],
    [
      'a length and chunks',
      () => `${post()}content-length: ${body.length}\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
    ],
    [
      'a chunk without a length',
      () => `${post()}transfer-encoding: chunked\r\n\r\nzz\r\n${body}\r\n0\r\n\r\n`,
    ],
    [
      'a header of 20 KB',
      () => `GET /v1/customers HTTP/1.1\r\n${authorised()}x: ${'y'.repeat(20_000)}\r\n\r\n`,
    ],
    ['a path of 20 KB', () => `GET /v1/customers/${'y'.repeat(20_000)} HTTP/1.1\r\n${authorised()}\r\n`],
    ['no host', () => 'GET /v1/customers HTTP/1.1\r\nconnection: close\r\n\r\n'],
    [
      'an expectation that nobody knows',
      () => 'GET /v1/customers HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: wonders\r\n\r\n',
    ],
  ])('is told what is wrong: %s', async (_name, bytes) => {
    expectEnvelope(await rawExchange(server.app.url, bytes()));
  });

  it('a body that breaks off changes nothing', async () => {
    const { hostname, port } = new URL(server.app.url);
    const sent = `${post()}content-length: ${body.length}\r\n\r\n${body.slice(0, -1)}`;
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname, () => {
        socket.write(sent, () => setTimeout(() => socket.destroy(), 50));
      });
      socket.on('close', () => resolve());
    });
    expect((await api.get('/v1/customers')).status).toBe(200);
  });

  it('a second request that was smuggled in a body is not run', async () => {
    const inner = `${post()}content-length: ${body.length}\r\n\r\n${body}`;
    const outer = `POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.testKey}\r\n`;
    const answer = await rawExchange(
      server.app.url,
      `${outer}content-type: application/json\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${inner}`,
    );
    expectEnvelope(answer);
  });
});

describe('anything at all', () => {
  let fuzzed: TestServer;
  let bodies: Record<string, object>;
  beforeAll(async () => {
    fuzzed = await startServer();
    const theirs = await fundedWallet(fuzzed.api, '1000000.00');
    const target = { url: 'http://127.0.0.1:9/', events: ['webhook.test'] };
    const { id } = await ok(fuzzed.api.post('/v1/webhooks', target));
    const other = await newCustomer(fuzzed.api);
    const reasons = [{ code: 'a', message: 'b', customerMessage: 'c' }];
    bodies = {
      'POST /v1/customers': {
        ...person,
        type: 'business',
        phone: '+14155550100',
        businessName: 'x',
        externalId: 'x',
        metadata: { a: 'b' },
      },
      'POST /v1/crypto-wallets': { customerId: theirs.customerId },
      'POST /v1/transfers': transferBody(theirs, {
        sourceCurrency: 'usdc',
        reference: 'x',
        clientReferenceId: 'x',
        metadata: { a: 'b' },
      }),
      'POST /v1/webhooks': { ...target, description: 'x' },
      [`POST /v1/webhooks/${id}/test`]: { data: { a: 1 } },
      [`PATCH /v1/webhooks/${id}`]: { ...target, description: 'x', status: 'active' },
      'POST /v1/sandbox/crypto-deposits': {
        walletId: theirs.id,
        chain: 'base',
        currency: 'usdc',
        amount: '1.00',
      },
      [`POST /v1/sandbox/customers/${other.id}/kyc`]: { kycStatus: 'rejected', reasons },
    };
  });
  afterAll(() => fuzzed.stop());

  const special = fc.constantFrom<unknown>(
    '',
    ' ',
    '\0',
    '\ud800',
    '\uffff',
    '__proto__',
    'constructor',
    '-1',
    '0',
    '1e9',
    '1.0000000',
    '9'.repeat(50),
    'x'.repeat(300),
    'usdt',
    'tron',
    '*',
    'http://[::1]:9/',
    'http://127.0.0.1:9/%00?\u2028#',
    'sealed.v1.AAAA',
    -0,
    Number.MAX_SAFE_INTEGER,
    1e21,
    5e-324,
    null,
    true,
    [],
    {},
    [[[]]],
  );
  const anything = fc.oneof(special, fc.jsonValue({ maxDepth: 3 }), fc.string({ unit: 'binary' }));
  /** A good body with some of its fields changed, dropped or added; now and then something else altogether. */
  const spoilt = (body: object) =>
    fc.oneof(
      { weight: 1, arbitrary: anything },
      {
        weight: 5,
        arbitrary: fc
          .record(
            Object.fromEntries(
              [...Object.keys(body), 'extra'].map((key) => [key, fc.option(anything, { nil: undefined })]),
            ),
            { requiredKeys: [] },
          )
          .map((changes) => ({ ...body, ...changes })),
      },
      {
        weight: 3,
        arbitrary: fc
          .tuple(fc.constantFrom(...Object.keys(body)), anything)
          .map(([key, value]) => ({ ...body, [key]: value })),
      },
    );

  it.each([0, 1, 2, 3, 4, 5, 6, 7])(
    'in a body is never our fault, and the books stay right (route %i)',
    async (index) => {
      const [route = '', body = {}] = Object.entries(bodies)[index] ?? [];
      const [method = '', path = ''] = route.split(' ');
      const property = fc.asyncProperty(spoilt(body), async (value) => {
        // The client checks every answer against the document.
        const answer = await fuzzed.api.raw(method, path, JSON.stringify(value), json);
        expect(answer.status, answer.text).toBeLessThan(500);
      });
      await fc.assert(property, { numRuns: 250 });
      expect(await ok(fuzzed.api.get('/v1/ledger/verify'))).toMatchObject({ ok: true });
    },
  );

  it.each(['customers', 'crypto-wallets', 'transactions', 'events', 'webhooks'])(
    'in the path or query of %s is never our fault',
    async (name) => {
      const names = fc.constantFrom(
        'limit',
        'cursor',
        'status',
        'type',
        'customerId',
        'walletId',
        'createdAfter',
      );
      const text = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom('1', 'active', '%', '\0', 'x'.repeat(300)),
      );
      const property = fc.asyncProperty(
        text,
        fc.array(fc.tuple(names, text), { maxLength: 3 }),
        async (id, query) => {
          const search = query.map(([key, value]) => `${key}=${encodeURIComponent(value)}`).join('&');
          for (const path of [`/v1/${name}?${search}`, `/v1/${name}/${encodeURIComponent(id)}`]) {
            const answer = await fuzzed.api.get(path);
            expect(answer.status, answer.text).toBeLessThan(500);
          }
        },
      );
      await fc.assert(property, { numRuns: 100 });
    },
  );
});
