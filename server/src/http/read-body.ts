import { hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError, invalidRequest } from '../platform/errors.ts';

/** A body: its bytes, or as many of them as it may have when there are more. */
export interface BodyBytes {
  readonly isTooLarge: boolean;
  readonly bytes: Buffer;
}

/**
 * Reads a request's body, up to a limit: what comes after it stays unread.
 *
 * @throws ApiError 400 when it breaks off
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
      reject(new ApiError(invalidRequest('body_incomplete', 'The body broke off.'), { cause })),
    );
  });
}

/** Whether a request's headers announce a body. */
export function announcesBody({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && Number(length) !== 0);
}

/**
 * Checks what the headers say of a body, before any of it is read.
 *
 * @throws ApiError 400 when it is not plain JSON in UTF-8, or too large
 */
export function assertBodyHeaders(headers: IncomingMessage['headers'], limitBytes: number): void {
  const type = headers['content-type'] ?? '';
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (media !== 'application/json') {
    throw new ApiError(invalidRequest('unsupported_content_type', 'Send the body as application/json.'));
  }
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    throw new ApiError(invalidRequest('unsupported_charset', 'Send the body in UTF-8.'));
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding.toLowerCase() !== 'identity') {
    throw new ApiError(invalidRequest('unsupported_encoding', 'Send the body without a Content-Encoding.'));
  }
  if (Number(headers['content-length'] ?? 0) > limitBytes) throw bodyTooLarge(limitBytes);
}

/** The refusal of a body that has more bytes than its route allows. */
export function bodyTooLarge(limitBytes: number): ApiError {
  return new ApiError(invalidRequest('body_too_large', `The body must have at most ${limitBytes} bytes.`));
}

/** The fingerprint of a body that is refused unread: of what its headers say of it. */
export function hashUnread({ headers }: Pick<IncomingMessage, 'headers'>): Buffer {
  const names = ['content-type', 'content-encoding', 'content-length', 'transfer-encoding'] as const;
  const said = JSON.stringify(['unread', ...names.map((name) => headers[name] ?? null)]);
  return hash('sha256', said, 'buffer') as Buffer;
}
