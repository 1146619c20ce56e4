import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError, invalidRequest } from '../platform/errors.ts';

/** The bytes of a body, cut off at the limit if it is too large. */
export interface BodyBytes {
  readonly isTooLarge: boolean;
  readonly bytes: Buffer;
}

/**
 * Reads a request's body up to a limit. The rest stays unread.
 *
 * @throws ApiError 400 if the body is incomplete
 */
export function readBody(stream: NodeJS.ReadableStream, limitBytes: number): Promise<BodyBytes> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const bytes = (): Buffer => (chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    const take = (chunk: Buffer): void => {
      length += chunk.length;
      chunks.push(chunk);
      if (length <= limitBytes) return;
      stream.off('data', take);
      stream.pause();
      resolve({ isTooLarge: true, bytes: bytes().subarray(0, limitBytes) });
    };
    stream.on('data', take);
    stream.on('end', () => resolve({ isTooLarge: false, bytes: bytes() }));
    stream.on('error', (cause) =>
      reject(
        new ApiError(
          invalidRequest('body_incomplete', 'The body must be complete; its connection closed early.'),
          { cause },
        ),
      ),
    );
  });
}

/** Whether a request's headers announce a body. */
export function announcesBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
}

/**
 * Checks the headers of a body before it is read.
 *
 * @throws ApiError 400 if it is not JSON in UTF-8 without encoding, or too large
 */
export function assertBodyHeaders(headers: IncomingMessage['headers'], limitBytes: number): void {
  const type = headers['content-type'] ?? '';
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (media !== 'application/json') {
    throw new ApiError(
      invalidRequest('unsupported_content_type', '`Content-Type` must be application/json.'),
    );
  }
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new ApiError(invalidRequest('unsupported_charset', 'The charset of the body must be UTF-8.'));
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new ApiError(invalidRequest('unsupported_encoding', 'The body must have no `Content-Encoding`.'));
  }
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw bodyTooLarge(limitBytes);
}

/** The refusal of a body that has more bytes than its route allows. */
export function bodyTooLarge(limitBytes: number): ApiError {
  return new ApiError(invalidRequest('body_too_large', `The body must have at most ${limitBytes} bytes.`));
}

/** SHA-256 of the headers of a body that is refused before it is read. */
export function hashUnread({ headers }: Pick<IncomingMessage, 'headers'>): Buffer {
  const names = ['content-type', 'content-encoding', 'content-length', 'transfer-encoding'] as const;
  const described = JSON.stringify(['unread', ...names.map((name) => headers[name] ?? null)]);
  return hash('sha256', described, 'buffer') as Buffer;
}
