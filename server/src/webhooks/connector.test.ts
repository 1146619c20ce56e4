import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { startReceiver } from '../../../test/support/receiver.ts';
import { createDeliveryAgent, type Resolve } from './connector.ts';
import { createSender, type Sender } from './send.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

const toLoopback: Resolve = async () => [{ address: '127.0.0.1', family: 4 }];

function sender(resolve: Resolve = toLoopback): Sender {
  const agent = createDeliveryAgent({ allowHttp: true, allowLoopback: true }, resolve);
  closing.push(() => agent.destroy());
  return createSender(agent);
}

async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

const delivery = { headers: {}, body: '{}', timeoutMs: 5000 };

/** A certificate that nobody has reason to trust, as PEM (RFC 5280 §4.1, the required fields only). */
function selfSigned(name: string): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const der = (tag: number, ...parts: Buffer[]): Buffer => {
    const content = Buffer.concat(parts);
    const { length } = content;
    const long = length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
    return Buffer.concat([Buffer.from([tag, ...(length < 128 ? [length] : long)]), content]);
  };
  const hex = (text: string): Buffer => Buffer.from(text, 'hex');
  const algorithm = der(0x30, hex('06082a8648ce3d040302'));
  const subject = der(0x30, der(0x31, der(0x30, hex('0603550403'), der(0x0c, Buffer.from(name)))));
  const validity = der(
    0x30,
    der(0x17, Buffer.from('200101000000Z')),
    der(0x17, Buffer.from('491231235959Z')),
  );
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const head = [hex('a003020102'), hex('020101'), algorithm];
  const unsigned = der(0x30, ...head, subject, validity, subject, spki);
  const signature = der(0x03, hex('00'), sign('sha256', unsigned, privateKey));
  const lines =
    der(0x30, unsigned, algorithm, signature)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  const cert = ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert };
}

describe('a TLS connection', () => {
  it('asks for the name in the URL, at the address that was judged', async () => {
    let hello = '';
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (data) => {
        hello = data.toString('latin1');
        socket.destroy();
      });
    });
    const port = await listen(server);
    const result = await sender().send({ ...delivery, url: `https://hooks.example:${port}/` });
    expect(result.success).toBe(false);
    expect(hello).toContain('hooks.example');
  });

  it('is not made to a receiver with a certificate that is not trusted', async () => {
    let requested = '';
    const server = createTlsServer(selfSigned('hooks.example'), (socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        requested += data.toString();
      });
    });
    server.on('tlsClientError', () => undefined);
    const port = await listen(server);
    const result = await sender().send({ ...delivery, url: `https://hooks.example:${port}/` });
    expect(result.error).toMatch(/certificate is not trusted/);
    expect(requested).toBe('');
  });

  it('to a receiver that speaks no TLS fails with a reason', async () => {
    const target = await startReceiver();
    closing.push(() => target.stop());
    const result = await sender().send({ ...delivery, url: `https://hooks.example:${target.port}/` });
    expect(result.error).toBe('No TLS connection could be made.');
    expect(target.received).toHaveLength(0);
  });
});

describe('the agent', () => {
  it('uses its connections again, and resolves the name for new ones only', async () => {
    const target = await startReceiver((response) => void setTimeout(() => response.end('ok'), 10));
    closing.push(() => target.stop());
    let resolved = 0;
    const counted: Resolve = async (hostname) => {
      resolved += 1;
      return toLoopback(hostname);
    };
    const { send } = sender(counted);
    const url = `http://hooks.example:${target.port}/`;
    const round = () => Promise.all(Array.from({ length: 20 }, () => send({ ...delivery, url })));
    const results = await round();
    // undici takes a connection as free once it has told of the answer.
    await new Promise(setImmediate);
    results.push(...(await round()));
    expect(results.every(({ success }) => success)).toBe(true);
    expect(target.connections()).toBeLessThanOrEqual(20);
    // Connections that are made at the same time share one lookup.
    expect(resolved).toBeGreaterThan(0);
    expect(resolved).toBeLessThanOrEqual(target.connections());
  });

  it('gives up in time on a name that never resolves', async () => {
    const never: Resolve = () => new Promise(() => undefined);
    const result = await sender(never).send({ ...delivery, url: 'http://hooks.example/', timeoutMs: 200 });
    expect(result.error).toMatch(/within 0.2 s/);
    expect(result.durationMs).toBeLessThan(1000);
  });

  it('does not send late what was given up while its connection was made', async () => {
    const target = await startReceiver();
    closing.push(() => target.stop());
    let go: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => {
      go = resolve;
    });
    const slow: Resolve = async (hostname) => {
      await gate;
      return toLoopback(hostname);
    };
    const { send } = sender(slow);
    const url = `http://hooks.example:${target.port}/`;
    const late = await send({ ...delivery, body: '{"late":1}', url, timeoutMs: 200 });
    expect(late.error).toMatch(/within 0.2 s/);
    go();
    expect((await send({ ...delivery, body: '{"next":1}', url })).success).toBe(true);
    expect(target.received.map(({ body }) => body)).toEqual(['{"next":1}']);
  });

  it('makes no connection to a name that has no address', async () => {
    const nothing: Resolve = async () => [];
    const result = await sender(nothing).send({ ...delivery, url: 'http://hooks.example/' });
    expect(result).toMatchObject({ success: false, httpStatus: null });
  });

  it('fails the delivery and nothing else when the resolver gives nonsense', async () => {
    const nonsense: Resolve = async () => [{ address: 'not an address', family: 4 }];
    const result = await sender(nonsense).send({ ...delivery, url: 'http://hooks.example/' });
    expect(result.error).toMatch(/not public/);
  });
});
