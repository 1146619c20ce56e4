import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { type Readable, Transform } from 'node:stream';
import { Busboy, type BusboyHeaders, type BusboyInstance } from '@fastify/busboy';
import { limits } from '../platform/limits.ts';
import type { PostedForm } from './form-body.ts';
import { PageError } from './page-error.ts';

/** A file that is being uploaded. Its properties are not verified. */
export interface UploadedFile {
  /** The name on the customer's device; empty if no file was chosen. */
  readonly name: string;
  readonly declaredType: string;
  /**
   * Its bytes as they arrive.
   *
   * @throws PageError if the upload is incomplete, FileTooLargeError if it is larger than a document may be
   */
  readonly content: AsyncIterable<Buffer>;
}

/** The file is larger than a document may be. */
export class FileTooLargeError extends Error {}

/**
 * Parses a form in `multipart/form-data` (RFC 7578) as it arrives, with at most one file. The fields must precede the file;
 * fields after it are not read.
 *
 * @param signal aborts the upload with its reason
 * @param take handles the form; the file is undefined if the form has none
 * @returns the result of `take`, as soon as it is available
 * @throws PageError if the form is incomplete or malformed, and the errors of `take`
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
        // The reader of the file gets the error first, and cleans up.
        if (file) file.destroy(error as Error);
        isOver = true;
        if (!file) reject(error);
      };
      const breakOff = (): void => giveUp(new PageError('bad_form'));
      parser.on('file', (_field, content, name, _encoding, declaredType) => {
        if (isOver) return;
        file = content;
        content.on('limit', () => content.destroy(new FileTooLargeError()));
        // The reader of the file gets the error; without a reader it is ignored.
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
 * Passes a body on in small slices, because the parser can be stopped only between slices and each part of a form takes much
 * more time than its bytes.
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

/** @throws PageError if the headers have no boundary */
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
