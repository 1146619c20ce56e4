import { connect, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { startServer, type TestServer } from '../support/server.ts';

const testTimeoutMs = 3 * limits.requestTimeoutMs;

interface Opened {
  readonly socket: Socket;
  /** All that has come so far. */
  text(): string;
  /** Resolves when the server has ended the connection: after how many milliseconds. */
  readonly ended: Promise<number>;
}

function open(server: TestServer, localAddress = '127.0.0.1'): Opened {
  const { hostname, port } = new URL(server.app.url);
  const socket = connect({ host: hostname, port: Number(port), localAddress });
  const start = performance.now();
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  const ended = new Promise<number>((resolve) =>
    socket.once('close', () => resolve(performance.now() - start)),
  );
  return { socket, text: () => text, ended };
}

async function withServer(
  options: Parameters<typeof startServer>[0],
  use: (server: TestServer) => Promise<void>,
): Promise<void> {
  const server = await startServer(options);
  try {
    await use(server);
  } finally {
    await server.stop();
  }
}

const health = 'GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n';
const isAnswered = (one: Opened) => expect.poll(one.text, { timeout: 10_000 }).toContain('"ok":true');

describe('a connection that hangs is ended', { timeout: testTimeoutMs }, () => {
  it('by the limit of what it hangs in, give or take', () =>
    withServer({}, async (server) => {
      const head =
        `POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.testKey}\r\n` +
        'content-type: application/json\r\ncontent-length: 50\r\n\r\n';
      const silent = open(server);
      const headers = open(server);
      headers.socket.write('GET /v1/health HTTP/1.1\r\nhost: x\r\n');
      const trickling = open(server);
      trickling.socket.write(head);
      const timer = setInterval(() => trickling.socket.write(' '), 2000);
      const body = open(server);
      body.socket.write(`${head}{`);
      const [silentMs, headersMs, bodyMs, tricklingMs] = await Promise.all([
        silent.ended,
        headers.ended,
        body.ended,
        trickling.ended,
      ]);
      clearInterval(timer);
      // The machine may be busy, but Node's own 30 s between two looks would not fit.
      const graceMs = 15_000;
      expect(silentMs).toBeLessThan(limits.headersTimeoutMs + graceMs);
      expect(headersMs).toBeLessThan(limits.headersTimeoutMs + graceMs);
      expect(bodyMs).toBeLessThan(limits.requestTimeoutMs + graceMs);
      expect(tricklingMs).toBeLessThan(limits.requestTimeoutMs + graceMs);
      expect(bodyMs).toBeGreaterThan(limits.headersTimeoutMs);
      for (const late of [headers, body, trickling]) {
        expect(late.text()).toMatch(/^HTTP\/1\.1 400 /);
        expect(late.text()).toContain('"reason":"request_timeout"');
      }
    }));
});

describe('connections above a limit are ended', () => {
  it('those of one client, while others come and go', () =>
    withServer({ connections: { connections: 50, connectionsPerClient: 4 } }, async (server) => {
      const client = () => open(server, '127.0.0.77');
      const held = Array.from({ length: 4 }, client);
      for (const one of held) one.socket.write(health);
      for (const one of held) await isAnswered(one);
      const fifth = client();
      fifth.socket.write(health);
      await fifth.ended;
      expect(fifth.text()).toBe('');
      const other = open(server, '127.0.0.78');
      other.socket.write(health);
      await isAnswered(other);
      held[0]?.socket.destroy();
      await expect
        .poll(
          async () => {
            const next = client();
            next.socket.write(health);
            await Promise.race([next.ended, new Promise((resolve) => next.socket.once('data', resolve))]);
            return next.text();
          },
          { timeout: 10_000 },
        )
        .toContain('"ok":true');
    }));

  it('but not those of a proxy whose word is taken', () =>
    withServer(
      { connections: { connections: 50, connectionsPerClient: 2 }, trustProxy: ['127.0.0.77'] },
      async (server) => {
        const held = Array.from({ length: 8 }, () => open(server, '127.0.0.77'));
        for (const one of held) one.socket.write(health);
        for (const one of held) await isAnswered(one);
        for (const one of held) one.socket.destroy();
      },
    ));

  it('those above the limit of all', () =>
    withServer({ connections: { connections: 6, connectionsPerClient: 6 } }, async (server) => {
      const opened = Array.from({ length: 10 }, (_, index) => open(server, `127.0.0.${80 + index}`));
      for (const one of opened) one.socket.write(health);
      await expect.poll(() => opened.filter(({ socket }) => socket.closed).length).toBeGreaterThanOrEqual(4);
      expect(opened.filter((one) => one.text().includes('"ok":true')).length).toBeGreaterThan(2);
      for (const one of opened) one.socket.destroy();
    }));
});
