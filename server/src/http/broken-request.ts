import type { Socket } from 'node:net';
import { invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { failure } from './envelope.ts';
import { apiHeaders } from './response-headers.ts';

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
  const refusal = isLate(error)
    ? invalidRequest('request_timeout', 'The request must come whole, and without pauses.')
    : invalidRequest('malformed_request', 'The request is not valid HTTP, or not as this server takes it.');
  const { body } = failure(refusal, requestId, '/docs');
  const headers = Object.entries(apiHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\nx-request-id: ${requestId}\r\n` +
      `${headers.join('')}connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // Whoever is slow to send is not waited for either.
  setTimeout(() => socket.destroy(), limits.brokenRequestMs).unref();
}

function isLate({ code }: { readonly code?: string }): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
