import { Resolver } from 'node:dns/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeliveryAgent, type Resolve } from '../../server/src/webhooks/connector.ts';
import { createSender } from '../../server/src/webhooks/send.ts';
import { checkWebhookUrl } from '../../server/src/webhooks/targets.ts';
import { type DnsServer, startDnsServer } from '../support/dns-server.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Every way to write a host that leads inside, by what it leads to. None may be stored, and none connected to. */
const inside: Readonly<Record<string, readonly string[]>> = {
  loopback: [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.255.255.254',
    '2130706433',
    '0x7f000001',
    '0x7f.1',
    '0X7F.0.0.1',
    '017700000001',
    '0177.0.0.1',
    '0177.0x0.0.1',
    '00000177.0.0.1',
    '127.000.000.001',
    '１２７.0.0.1',
    '127。0。0。1',
    '①②⑦.0.0.1',
    '%31%32%37.0.0.1',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'hooks.localhost',
  ],
  'this host': ['0.0.0.0', '0', '0x0', '00', '[::]', '0.1.2.3'],
  private: [
    '10.0.0.1',
    '10.1',
    '167772161',
    '172.16.0.1',
    '172.31.255.255',
    '0xac100001',
    '192.168.1.1',
    '192.168.257',
    '0300.0250.1.1',
  ],
  'link-local and metadata': [
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '169.254.43518',
    '[::ffff:169.254.169.254]',
    '[fe80::1]',
    '[fd00:ec2::254]',
  ],
  'carrier-grade NAT': ['100.64.0.1', '100.127.255.255', '100.100.100.200', '0x64400001'],
  'multicast, reserved and documentation': [
    '224.0.0.1',
    '239.255.255.255',
    '240.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '198.18.0.1',
    '203.0.113.1',
    '[ff02::1]',
    '[2001:db8::1]',
  ],
  'IPv6 that wraps IPv4': [
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[::ffff:0:127.0.0.1]',
    '[::ffff:10.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::a00:1]',
    '[2002:7f00:1::]',
    '[2001:0:7f00:1::]',
  ],
  'unique and site-local': ['[fc00::1]', '[fd12:3456::1]', '[fec0::1]'],
};
const hosts = Object.entries(inside).flatMap(([what, list]) => list.map((host) => [what, host] as const));
const strict = { allowHttp: true, allowLoopback: false };

let server: TestServer;
let target: Receiver;
let dns: DnsServer;
const rebound: Readonly<Record<string, readonly string[]>> = {
  'private.example': ['10.0.0.1'],
  'metadata.example': ['169.254.169.254'],
  'loopback.example': ['127.0.0.1'],
  'mixed.example': ['93.184.216.34', '127.0.0.1'],
};
beforeAll(async () => {
  // As with a database of one's own: nothing on this machine may be reached.
  server = await startServer({ loopbackWebhooks: false });
  target = await startReceiver((response) => response.writeHead(200, { connection: 'close' }).end('ok'));
  dns = await startDnsServer((name, count) => {
    // It leads to the receiver at first, and somewhere else the next time it is asked.
    if (name === 'rebinding.example') return [count === 1 ? '127.0.0.1' : '0.0.0.0'];
    return rebound[name] ?? [];
  });
});
afterAll(async () => {
  await server.stop();
  await target.stop();
  await dns.close();
});

function deliver(url: string, policy = strict) {
  const resolver = new Resolver({ timeout: 2000, tries: 1 });
  resolver.setServers([dns.address]);
  const resolve: Resolve = async (name) =>
    (await resolver.resolve4(name)).map((address) => ({ address, family: 4 }));
  const agent = createDeliveryAgent(policy, resolve);
  const sender = createSender(agent);
  const send = () => sender.send({ url, headers: {}, body: '{}', timeoutMs: 5000 });
  return { send, close: () => agent.destroy() };
}

describe('a literal', () => {
  it.each(hosts)('%s: %s is refused when it is given, for test and live', async (_what, host) => {
    for (const api of [server.api, server.live]) {
      const refused = await api.post('/v1/webhooks', { url: `https://${host}/hooks`, events: ['*'] });
      expect([refused.status, refused.error.reason]).toEqual([400, 'invalid_webhook_url']);
    }
  });

  it.each(hosts)('%s: %s is not connected to', async (_what, host) => {
    const before = target.connections();
    const { close, send } = deliver(`http://${host}:${target.port}/`);
    expect(await send()).toMatchObject({ success: false, httpStatus: null });
    expect(target.connections()).toBe(before);
    await close();
  });
});

describe('a name', () => {
  it.each(Object.keys(rebound))(
    '%s is allowed when it is given, and refused when it is connected to',
    async (name) => {
      const before = target.connections();
      expect(checkWebhookUrl(`http://${name}:${target.port}/`, strict).ok).toBe(true);
      const { close, send } = deliver(`http://${name}:${target.port}/`);
      expect((await send()).error).toBe('The target leads to an address that is not public.');
      expect(dns.asked(name)).toBe(1);
      expect(target.connections()).toBe(before);
      await close();
    },
  );

  it('that is rebound is asked for at each connection, and connected to only as it was judged', async () => {
    const before = target.connections();
    const policy = { allowHttp: true, allowLoopback: true };
    const { close, send } = deliver(`http://rebinding.example:${target.port}/`, policy);
    expect(await send()).toMatchObject({ success: true, httpStatus: 200 });
    expect((await send()).error).toBe('The target leads to an address that is not public.');
    expect((await send()).error).toBe('The target leads to an address that is not public.');
    expect(dns.asked('rebinding.example')).toBe(3);
    expect(target.connections()).toBe(before + 1);
    await close();
  });
});

it.each([301, 302, 303, 307, 308])('a redirect (%i) leads nowhere', async (status) => {
  const redirecting = await startReceiver((response) =>
    response.writeHead(status, { location: target.url }).end(),
  );
  const before = target.connections();
  const { close, send } = deliver(redirecting.url, { allowHttp: true, allowLoopback: true });
  expect(await send()).toMatchObject({ success: false, httpStatus: status });
  expect((await send()).error).toMatch(/redirects are not followed/);
  expect(target.connections()).toBe(before);
  await redirecting.stop();
  await close();
});

it('a live webhook needs https, and a test one too where loopback is not allowed', async () => {
  for (const api of [server.api, server.live]) {
    const plain = await api.post('/v1/webhooks', { url: 'http://example.com/', events: ['*'] });
    expect(plain.error).toMatchObject({ reason: 'invalid_webhook_url', details: [{ path: '/url' }] });
    const { status } = await api.post('/v1/webhooks', {
      url: 'https://example.com/',
      events: ['webhook.test'],
    });
    expect(status).toBe(200);
  }
});
