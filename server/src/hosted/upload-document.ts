import { createHash } from 'node:crypto';
import { sealChunk } from '../identity/document-seal.ts';
import { type ContentType, contentTypeOf, signatureBytes } from '../identity/documents.ts';
import { limits } from '../platform/limits.ts';
import type { Vault } from '../platform/seal.ts';
import { keepChunk } from '../store/document-contents.ts';
import type { Pool } from '../store/pool.ts';
import { PageError } from './page-error.ts';
import { FileTooLargeError, type UploadedFile } from './upload-form.ts';
import type { Pace } from './upload-limits.ts';

/** A fault of a file, with a message for the customer. */
export class FileFault extends Error {}

/** A document whose bytes have been stored. */
export interface KeptContent {
  readonly contentType: ContentType;
  readonly byteSize: number;
  readonly sha256: Buffer;
}

/** The destination of an upload's bytes. */
export interface UploadTarget {
  readonly documentId: string;
  readonly pool: Pool;
  /** Seals the bytes. */
  readonly vault: Pick<Vault, 'seal'>;
  readonly pace: Pace;
}

/** A file whose type was identified by its first bytes. */
export interface RecognisedFile {
  readonly contentType: ContentType;
  readonly content: AsyncIterable<Buffer>;
}

/**
 * Reads the first bytes of a file and identifies its type, which must match the declared one.
 *
 * @throws FileFault if there is no file, or it is empty or of another type
 */
export async function recogniseFile(file: UploadedFile | undefined): Promise<RecognisedFile> {
  if (!file) throw new FileFault('Choose a file.');
  const pieces = file.content[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < signatureBytes) {
    const { done, value } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  if (head.length === 0) {
    throw new FileFault(file.name === '' ? 'Choose a file.' : 'The file is empty. Choose another one.');
  }
  const contentType = contentTypeOf(head);
  if (contentType === undefined || contentType !== file.declaredType.toLowerCase()) {
    throw new FileFault('Choose a JPEG, PNG or PDF file.');
  }
  return { contentType, content: startingWith(head, pieces) };
}

async function* startingWith(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => rest };
}

/**
 * Stores the bytes of a file as they arrive, in sealed chunks.
 *
 * @throws FileFault if the file is too large, PageError if the upload is incomplete or has lost its claim
 */
export async function keepFile(
  { content, contentType }: RecognisedFile,
  { documentId, pace, pool, vault }: UploadTarget,
): Promise<KeptContent> {
  const hash = createHash('sha256');
  let byteSize = 0;
  try {
    for await (const chunk of chunksOf(content)) {
      hash.update(chunk.bytes);
      byteSize += chunk.bytes.length;
      const isKept = await pace.hold(keepChunk(pool, documentId, sealChunk(vault, documentId, chunk)));
      if (!isKept) throw new PageError('bad_form');
    }
  } catch (error) {
    throw error instanceof FileTooLargeError ? fileTooLarge() : error;
  }
  return { contentType, byteSize, sha256: hash.digest() };
}

/** The fault of a file that is too large. */
export function fileTooLarge(): FileFault {
  return new FileFault(`Choose a file of ${Math.floor(limits.documentBytes / 1024 / 1024)} MB at most.`);
}

/** The bytes of a chunk are valid only until the next one is requested. */
async function* chunksOf(
  content: AsyncIterable<Buffer>,
): AsyncGenerator<{ readonly number: number; readonly isLast: boolean; readonly bytes: Buffer }> {
  const buffer = Buffer.alloc(limits.documentChunkBytes);
  let filled = 0;
  let number = 0;
  for await (const piece of content) {
    for (let at = 0; at < piece.length; ) {
      if (filled === buffer.length) {
        yield { number, isLast: false, bytes: buffer };
        number += 1;
        filled = 0;
      }
      const copied = piece.copy(buffer, filled, at);
      filled += copied;
      at += copied;
    }
  }
  yield { number, isLast: true, bytes: buffer.subarray(0, filled) };
}
