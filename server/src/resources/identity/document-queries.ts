import { createHash } from 'node:crypto';
import { DocumentDamagedError, openChunks, openWhole } from '../../identity/document-seal.ts';
import type { Vault } from '../../platform/seal.ts';
import { findWholeContent, readChunks } from '../../store/document-contents.ts';
import type { Pool } from '../../store/pool.ts';
import type { IdentityDocumentRow } from '../../store/tables/customers.ts';

/**
 * Reads the bytes of a document in chunks. They are verified only at the end.
 *
 * @throws DocumentDamagedError if they differ from those that were uploaded
 */
export async function* documentBytes(
  pool: Pool,
  vault: Pick<Vault, 'openBytes'>,
  { byte_size: byteSize, id, sha256 }: Pick<IdentityDocumentRow, 'id' | 'byte_size' | 'sha256'>,
): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  let length = 0;
  for await (const bytes of open(pool, vault, id)) {
    hash.update(bytes);
    length += bytes.length;
    yield bytes;
  }
  if (length !== byteSize || !hash.digest().equals(sha256)) {
    throw new DocumentDamagedError(`${id} differs from what was uploaded`);
  }
}

async function* open(pool: Pool, vault: Pick<Vault, 'openBytes'>, id: string): AsyncGenerator<Buffer> {
  const whole = await findWholeContent(pool, id);
  if (whole === undefined) yield* openChunks(vault, id, readChunks(pool, id));
  else yield openWhole(vault, id, whole);
}
