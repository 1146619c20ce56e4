import type { Vault } from '../platform/seal.ts';

/** Documents are sealed in chunks, so that no process needs a whole one in memory. */

/** A sealed part of a document. */
export interface SealedChunk {
  /** From 0. */
  readonly number: number;
  readonly isLast: boolean;
  readonly content: string;
}

/** The bytes of a document differ from those that were stored: a chunk is missing, changed, or of another document. */
export class DocumentDamagedError extends Error {
  override readonly name = 'DocumentDamagedError';
}

/** Seals a chunk. The context binds it to its document, its number and whether it is the last one. */
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
 * Opens the chunks of a document in order.
 *
 * @throws DocumentDamagedError if one is missing, out of order, changed, or of another document
 */
export async function* openChunks(
  vault: Pick<Vault, 'openBytes'>,
  documentId: string,
  chunks: AsyncIterable<SealedChunk>,
): AsyncGenerator<Buffer> {
  let expected = 0;
  let isComplete = false;
  for await (const { content, isLast, number } of chunks) {
    if (number !== expected || isComplete) throw new DocumentDamagedError(`${documentId} is not complete`);
    yield openSealed(vault, content, documentId, chunkContext(documentId, number, isLast));
    expected += 1;
    isComplete = isLast;
  }
  if (!isComplete) throw new DocumentDamagedError(`${documentId} is not complete`);
}

/**
 * Opens a document that an earlier version sealed as one value.
 *
 * @throws DocumentDamagedError if it was changed, or is of another document
 */
export function openWhole(vault: Pick<Vault, 'openBytes'>, documentId: string, content: string): Buffer {
  return openSealed(vault, content, documentId, `identity_document_contents.content:${documentId}`);
}

/** The seal context of a chunk. */
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
