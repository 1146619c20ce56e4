import type { Socket } from 'node:net';
import { invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { failure } from './envelope.ts';
import { apiHeaders } from './response-headers.ts';

/**
 * Answers a request that is not valid HTTP, if its connection is still writable, and closes the connection.
 *
 * @param requestId a new id, because the headers of the request are unknown
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
    ? invalidRequest('request_timeout', 'The whole request must arrive within the time limit.')
    : invalidRequest('malformed_request', 'The request must be valid HTTP that this server supports.');
  const { body } = failure(refusal, requestId, '/docs');
  const headers = Object.entries(apiHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json; charset=utf-8\r\nx-request-id: ${requestId}\r\n` +
      `${headers.join('')}connection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // A client that never closes its side is disconnected.
  setTimeout(() => socket.destroy(), limits.brokenRequestMs).unref();
}

function isLate({ code }: { readonly code?: string }): boolean {
  return code === 'ERR_HTTP_REQUEST_TIMEOUT';
}
