import type { Vault } from '../platform/seal.ts';

/** How the bytes of documents are sealed: chunk by chunk, so that nobody ever needs all of them in memory. */

/** A sealed part of a document. */
export interface SealedChunk {
  /** From 0. */
  readonly number: number;
  readonly isLast: boolean;
  readonly content: string;
}

/** The bytes of a document are not those that were kept: something is missing, was changed, or is of another document. */
export class DocumentDamagedError extends Error {
  override readonly name = 'DocumentDamagedError';
}

/** Seals a chunk for its document, its place and whether it is the last one. */
export function sealChunk(
  vault: Pick<Vault, 'seal'>,
  documentId: string,
  {
    bytes,
    isLast,
    number,
  }: { readonly number: number; readonly isLast: boolean; readonly bytes: Uint8Array },
): SealedChunk {
  return { number, isLast, content: vault.seal(bytes, chunkContext(documentId, number, isLast)) };
}

/**
 * Opens the chunks of a document one after the other, as they are read.
 *
 * @throws DocumentDamagedError when one is missing, is at another place, was changed, or is of another document
 */
export async function* openChunks(
  vault: Pick<Vault, 'openBytes'>,
  documentId: string,
  chunks: AsyncIterable<SealedChunk>,
): AsyncGenerator<Buffer> {
  let expected = 0;
  let isComplete = false;
  for await (const { content, isLast, number } of chunks) {
    if (number !== expected || isComplete) throw new DocumentDamagedError(`${documentId} is not whole`);
    yield openSealed(vault, content, documentId, chunkContext(documentId, number, isLast));
    expected += 1;
    isComplete = isLast;
  }
  if (!isComplete) throw new DocumentDamagedError(`${documentId} is not whole`);
}

/**
 * Opens a document of an earlier version, which was sealed as one value.
 *
 * @throws DocumentDamagedError when it was changed, or is of another document
 */
export function openWhole(vault: Pick<Vault, 'openBytes'>, documentId: string, content: string): Buffer {
  return openSealed(vault, content, documentId, `identity_document_contents.content:${documentId}`);
}

/** Where a chunk belongs. */
export function chunkContext(documentId: string, number: number, isLast: boolean): string {
  return `identity_document_chunks.content:${documentId}:${number}:${isLast ? 'last' : 'more'}`;
}

function openSealed(
  vault: Pick<Vault, 'openBytes'>,
  content: string,
  documentId: string,
  context: string,
): Buffer {
  try {
    return vault.openBytes(content, context);
  } catch (cause) {
    throw new DocumentDamagedError(`${documentId} cannot be decrypted`, { cause });
  }
}
