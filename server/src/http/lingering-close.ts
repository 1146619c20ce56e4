import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { limits } from '../platform/limits.ts';
import { announcesBody } from './read-body.ts';

/**
 * Closes connections with unread bodies in stages: sends the whole response, then reads and discards what still arrives,
 * up to a limit, and only then closes. Closing earlier would reset the connection, and the client could lose the response
 * (RFC 9112 §9.6).
 */
export function addLingeringClose(app: FastifyInstance): void {
  app.addHook('onSend', (request, reply, payload, done) => {
    const { raw } = request;
    if (typeof payload !== 'string' || raw.complete || raw.destroyed || !announcesBody(raw)) {
      done(null, payload);
      return;
    }
    reply.header('connection', 'close');
    reply.header('content-length', Buffer.byteLength(payload));
    done(null, Readable.from(payloadAndRest(payload, raw)));
  });
}

async function* payloadAndRest(payload: string, raw: IncomingMessage): AsyncGenerator<string> {
  if (payload !== '') yield payload;
  await discard(raw, limits.discardedBodyBytes, limits.discardMs);
}

/** Reads and discards a body, up to a size and a time, or until it ends. */
function discard(raw: IncomingMessage, maxBytes: number, maxMs: number): Promise<void> {
  return new Promise((resolve) => {
    let length = 0;
    const timer = setTimeout(resolve, maxMs);
    const end = (): void => {
      clearTimeout(timer);
      resolve();
    };
    raw.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) return;
      raw.pause();
      end();
    });
    for (const event of ['end', 'close', 'error'] as const) raw.once(event, end);
    raw.resume();
  });
}
