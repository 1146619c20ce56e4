import type { Socket } from 'node:net';
import { invalidRequest } from '../platform/errors.ts';
import { failure } from './envelope.ts';

/**
 * Answers what is not even HTTP, as far as it can be answered, and hangs up.
 *
 * @param requestId a new one: what is broken brings none
 */
export function answerBrokenRequest(
  error: { readonly code?: string },
  socket: Socket | null,
  requestId: string,
): void {
  if (!socket) return;
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refusal = invalidRequest(
    'malformed_request',
    'The request is not valid HTTP, or not as this server takes it.',
  );
  const { body } = failure(refusal, requestId, '/docs');
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\nx-request-id: ${requestId}\r\n` +
      `connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
