import { createHash, type Hash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { ApiError, invalidRequest } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';

/** A body: its bytes, or their SHA-256 when there are too many of them. */
export type BodyBytes =
  | { readonly tooLarge: false; readonly bytes: Buffer }
  | { readonly tooLarge: true; readonly hash: Buffer };

/**
 * Reads a request's body. One that is too large is read on and thrown away up to a second limit, so that the client
 * gets to read the refusal instead of a broken connection.
 *
 * @throws ApiError 400 when it breaks off
 */
export function readBody(stream: NodeJS.ReadableStream): Promise<BodyBytes> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    let hasher: Hash | undefined;
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      chunks.push(chunk);
      if (length > limits.bodyBytes) {
        hasher ??= createHash('sha256');
        for (const part of chunks) hasher.update(part);
        chunks = [];
      }
      if (length > limits.discardedBodyBytes) {
        stream.pause();
        resolve({ tooLarge: true, hash: (hasher as Hash).digest() });
      }
    });
    stream.on('end', () => {
      if (hasher) resolve({ tooLarge: true, hash: hasher.digest() });
      else
        resolve({
          tooLarge: false,
          bytes: chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks),
        });
    });
    stream.on('error', (cause) =>
      reject(new ApiError(invalidRequest('body_incomplete', 'The body broke off.'), { cause })),
    );
  });
}

/**
 * Checks what the headers say of the body.
 *
 * @throws ApiError 400 when it is not plain JSON in UTF-8
 */
export function assertJsonHeaders(headers: IncomingMessage['headers']): void {
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
}
