import type { IncomingHttpHeaders } from 'node:http';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { limits } from '../platform/limits.ts';
import { PageError } from './page-error.ts';

/** A file as it was uploaded. Nothing in it can be trusted yet. */
export interface UploadedFile {
  readonly name: string;
  readonly declaredType: string;
  readonly bytes: Buffer;
  /** It was larger than a document may be; `bytes` has only its beginning. */
  readonly isTooLarge: boolean;
}

/** A form as it was sent. */
export interface PostedForm {
  /** What was sent for a field; nothing when it was not sent. */
  text(field: string): string;
  readonly file: UploadedFile | undefined;
}

/** Reads a form in `application/x-www-form-urlencoded` (WHATWG URL §5.1). */
export function readUrlEncoded(body: string): PostedForm {
  const fields = new URLSearchParams(body);
  if (fields.size > limits.formFields) throw new PageError('bad_form');
  return { text: (field) => fields.get(field) ?? '', file: undefined };
}

/**
 * Reads a form in `multipart/form-data` (RFC 7578) with one file at most. What is too large is read on and thrown away
 * up to a second limit, so that the browser gets to read the answer.
 *
 * @throws PageError when it breaks off or is no such form
 */
export function readMultipart(
  headers: IncomingHttpHeaders,
  stream: NodeJS.ReadableStream,
): Promise<PostedForm> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, string>();
    let file: UploadedFile | undefined;
    let length = 0;
    const parser = openParser(headers);
    const refuse = (): void => {
      stream.unpipe(parser);
      stream.resume();
      reject(new PageError('bad_form'));
    };
    parser.on('field', (name, value) => {
      if (!fields.has(name)) fields.set(name, value);
    });
    parser.on('file', (_field, content, name, _encoding, declaredType) => {
      const chunks: Buffer[] = [];
      content.on('data', (chunk: Buffer) => chunks.push(chunk));
      content.on('end', () => {
        file = { name, declaredType, bytes: Buffer.concat(chunks), isTooLarge: content.truncated };
      });
    });
    parser.on('fieldsLimit', refuse);
    parser.on('partsLimit', refuse);
    parser.on('error', refuse);
    parser.on('finish', () => resolve({ text: (field) => fields.get(field) ?? '', file }));
    stream.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= limits.discardedFormBytes) return;
      stream.unpipe(parser);
      stream.pause();
      reject(new PageError('too_large'));
    });
    stream.on('error', refuse);
    stream.pipe(parser);
  });
}

/** @throws PageError when the headers name no boundary */
function openParser(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        fields: limits.formFields,
        fieldNameSize: limits.formFieldNameBytes,
        fieldSize: limits.formBytes,
        files: 1,
        fileSize: limits.documentBytes,
        parts: limits.formFields + 1,
      },
    });
  } catch {
    throw new PageError('bad_form');
  }
}
