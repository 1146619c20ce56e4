import type { Server } from 'node:http';
import { isIPv6, type Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { limits } from '../platform/limits.ts';
import type { ConnectionsSetting } from '../platform/setting-parsers.ts';

/**
 * Limits connections and closes stalled ones. A connection above a limit is closed before a byte of it is read.
 *
 * @param isTrustedProxy proxies forward many clients, so that only the total limits them
 * @param onRefused called for every refused connection
 */
export function limitConnections(
  server: Server,
  { connections, connectionsPerClient }: ConnectionsSetting,
  isTrustedProxy: (address: string) => boolean,
  onRefused: (limit: 'all' | 'client') => void,
): void {
  const open = new Map<string, number>();
  server.maxConnections = connections;
  server.on('drop', () => onRefused('all'));
  server.prependListener('connection', (socket) => {
    const address = socket.remoteAddress ?? '';
    if (isTrustedProxy(address)) return;
    const client = clientNetwork(address);
    const count = (open.get(client) ?? 0) + 1;
    open.set(client, count);
    socket.once('close', () => {
      const left = (open.get(client) ?? 1) - 1;
      if (left > 0) open.set(client, left);
      else open.delete(client);
    });
    if (count <= connectionsPerClient) return;
    onRefused('client');
    socket.destroy();
  });
  endStalled(server);
}

/**
 * Closes connections that have been silent for too long: those without a request, and those whose client does not read its
 * response. A connection whose request is being processed stays open.
 */
function endStalled(server: Server): void {
  const running = new WeakMap<Socket, number>();
  server.on('request', ({ socket }, response) => {
    running.set(socket, (running.get(socket) ?? 0) + 1);
    response.once('close', () => running.set(socket, (running.get(socket) ?? 1) - 1));
  });
  server.setTimeout(limits.stalledAnswerMs, (socket) => {
    if ((running.get(socket) ?? 0) === 0 || socket.writableLength > 0) socket.destroy();
  });
}

/** The client of a request, for limits by address: behind a trusted proxy, the address that it forwards. */
export function clientOf({ ip }: Pick<FastifyRequest, 'ip'>): string {
  return clientNetwork(ip);
}

/**
 * The network that counts as one client: an IPv4 address, or the /64 network of an IPv6 address (RFC 4291 §2.5.4), whose
 * addresses all belong to one subscriber.
 */
export function clientNetwork(address: string): string {
  const plain = address.toLowerCase().split('%', 1)[0] as string;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(plain)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(plain)) return plain;
  const [head = '', tail] = plain.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  const groups = [...front, ...Array<string>(zeros).fill('0'), ...back];
  return `${groups.slice(0, 4).join(':')}::/64`;
}
