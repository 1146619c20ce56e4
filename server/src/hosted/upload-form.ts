import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { limits } from '../platform/limits.ts';
import type { PostedForm } from './form-body.ts';
import { PageError } from './page-error.ts';

/** A file while it is being uploaded. Nothing in it can be trusted yet. */
export interface UploadedFile {
  /** As it is called on the customer's device; empty when no file was chosen. */
  readonly name: string;
  readonly declaredType: string;
  /**
   * Its bytes as they come.
   *
   * @throws PageError when the upload breaks off, FileTooLargeError when there are more than a document may have
   */
  readonly content: AsyncIterable<Buffer>;
}

/** The file is larger than a document may be. */
export class FileTooLargeError extends Error {}

/**
 * Reads a form in `multipart/form-data` (RFC 7578) as it comes, with one file at most. The fields must come before the
 * file: what comes after it is not read.
 *
 * @param signal gives the upload up, for its reason
 * @param take what is done with the form; the file is undefined when the form has none
 * @returns what `take` returns, as soon as it does
 * @throws PageError when the form breaks off or is no such form, and what `take` throws
 */
export async function readUploadForm<Result>(
  body: IncomingMessage,
  signal: AbortSignal,
  take: (form: PostedForm, file: UploadedFile | undefined) => Promise<Result>,
): Promise<Result> {
  const parser = openParser(body.headers);
  const slices = inSlices();
  const fields = new Map<string, string>();
  const form: PostedForm = { text: (field) => fields.get(field) ?? '' };
  parser.on('field', (name, value) => {
    if (!fields.has(name)) fields.set(name, value);
  });
  try {
    return await new Promise<Result>((resolve, reject) => {
      let file: Readable | undefined;
      let isOver = false;
      const start = (uploaded?: UploadedFile): void => {
        if (isOver) return;
        isOver = true;
        take(form, uploaded).then(resolve, reject);
      };
      const giveUp = (error: unknown): void => {
        slices.unpipe(parser);
        // Whoever reads the file hears of it there, and puts things in order first.
        if (file) file.destroy(error as Error);
        isOver = true;
        if (!file) reject(error);
      };
      const breakOff = (): void => giveUp(new PageError('bad_form'));
      parser.on('file', (_field, content, name, _encoding, declaredType) => {
        if (isOver) return;
        file = content;
        content.on('limit', () => content.destroy(new FileTooLargeError()));
        // Whoever reads the file hears of it; when nobody reads it any more, nobody has to.
        content.on('error', () => undefined);
        start({ name, declaredType, content: bytesOf(content) });
      });
      parser.on('fieldsLimit', breakOff).on('partsLimit', breakOff).on('error', breakOff);
      parser.on('finish', () => start());
      body.on('error', breakOff).on('close', () => {
        if (!body.complete) breakOff();
      });
      signal.addEventListener('abort', () => giveUp(signal.reason));
      body.pipe(slices).pipe(parser);
    });
  } finally {
    body.unpipe(slices);
    slices.unpipe(parser);
    parser.removeAllListeners().on('error', () => undefined);
  }
}

/**
 * Hands a body on in small slices: each part of a form costs the parser much more than its bytes do, and it can be stopped
 * between slices only.
 */
function inSlices(): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      for (let at = 0; at < chunk.length; at += limits.uploadSliceBytes)
        this.push(chunk.subarray(at, at + limits.uploadSliceBytes));
      done();
    },
  });
}

async function* bytesOf(content: Readable): AsyncGenerator<Buffer> {
  try {
    yield* content;
  } catch (error) {
    throw error instanceof PageError || error instanceof FileTooLargeError
      ? error
      : new PageError('bad_form');
  }
}

/** @throws PageError when the headers name no boundary */
function openParser(headers: IncomingHttpHeaders): BusboyInstance {
  try {
    return new Busboy({
      headers: headers as BusboyHeaders,
      limits: {
        fields: limits.uploadFields,
        fieldNameSize: limits.formFieldNameBytes,
        fieldSize: limits.uploadFieldBytes,
        files: 1,
        fileSize: limits.documentBytes,
        parts: limits.uploadFields + 1,
        headerPairs: limits.uploadFields,
        headerSize: limits.uploadPartHeaderBytes,
      },
    });
  } catch {
    throw new PageError('bad_form');
  }
}
