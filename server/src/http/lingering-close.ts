import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { limits } from '../platform/limits.ts';
import { announcesBody } from './read-body.ts';

/**
 * Lets a client whose body is not read to its end read the answer all the same: the answer goes out whole, then what
 * still comes is read and thrown away for a while, and only then the connection ends. A connection that is ended while
 * bytes are on their way to it is reset, and takes the answer with it (RFC 9112 §9.6).
 */
export function lingerOverUnreadBodies(app: FastifyInstance): void {
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

/** Reads and throws away what comes of a body, up to a size and a time, or until it breaks off. */
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
