import { hash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { ApiError, invalidRequest, type Refusal } from '../platform/errors.ts';
import { bucketOfText } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Command } from '../writer/command.ts';

/**
 * Parses the `Idempotency-Key` header.
 *
 * @returns undefined if there is none
 * @throws ApiError 400 if it is empty, too long or not printable
 */
export function idempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const header = headers['idempotency-key'];
  if (header === undefined) return undefined;
  const key = Array.isArray(header) ? header.join() : header;
  if (key.length >= 1 && key.length <= limits.idempotencyKeyLength && /^[\x20-\x7e]+$/.test(key)) return key;
  const message = `It must be 1 to ${limits.idempotencyKeyLength} printable ASCII characters.`;
  throw new ApiError(
    invalidRequest('invalid_idempotency_key', `Idempotency-Key: ${message}`, [
      { path: 'header.Idempotency-Key', message },
    ]),
  );
}

/** SHA-256 of a JSON body in canonical form: key order and white space do not matter. */
export function hashJson(value: unknown): Buffer {
  return hash('sha256', canonicalJson(value), 'buffer') as Buffer;
}

/** SHA-256 of a body that is not JSON. */
export function hashBytes(bytes: Uint8Array): Buffer {
  return hash('sha256', bytes, 'buffer') as Buffer;
}

function canonicalJson(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value).sort();
  const texts = members.map(
    (key) => `${JSON.stringify(key)}:${canonicalJson((value as Record<string, unknown>)[key])}`,
  );
  return `{${texts.join(',')}}`;
}

/**
 * A command that changes nothing and stores a refusal for its idempotency key, for a request that was refused before its
 * own command was made.
 */
export function refusalRecord(environmentId: string, key: string, refusal: Refusal): Command<string> {
  return {
    name: 'record_refusal',
    environmentId,
    bucket: bucketOfText(key),
    reads: () => [],
    decide: () => ({ refusal }),
  };
}
