import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Pool } from './pool.ts';

/**
 * The bytes of documents. They are written beside the write path, before the command that adds the document: a lane
 * would be held up by megabytes. Bytes that no document names count for nothing, and are swept.
 */

/** Keeps the sealed bytes of a document that is about to be added. */
export async function keepContent(
  pool: Pool,
  documentId: string,
  sealed: string,
  now: string,
): Promise<void> {
  await pool.query(
    'insert into identity_document_contents (bucket, id, content, created_at) values ($1, $2, $3, $4)',
    [bucketOfId(documentId), documentId, sealed, now],
  );
}

/** Deletes the bytes of a document that was not added after all. */
export async function dropContent(pool: Pool, documentId: string): Promise<void> {
  await pool.query('delete from identity_document_contents where bucket = $1 and id = $2', [
    bucketOfId(documentId),
    documentId,
  ]);
}

/**
 * Deletes the bytes of documents that their customers have taken back, and those of an hour ago and more that no
 * document names, some at once.
 *
 * @returns how many were deleted
 */
export async function sweepContents(pool: Pool, nowMs: number): Promise<number> {
  const removed = await pool.query(
    `delete from identity_document_contents where ctid = any (array(
      select c.ctid from identity_document_contents c
      join identity_documents d on d.bucket = c.bucket and d.id = c.id
      where d.removed_at is not null limit $1))`,
    [limits.sweepRows],
  );
  const abandoned = await pool.query(
    `delete from identity_document_contents where ctid = any (array(
      select c.ctid from identity_document_contents c
      where c.created_at between $1 and $2 and not exists (
        select from identity_documents d where d.bucket = c.bucket and d.id = c.id) limit $3))`,
    [
      new Date(nowMs - limits.contentSweepDays * 24 * 60 * 60 * 1000).toISOString(),
      new Date(nowMs - limits.contentAbandonedMs).toISOString(),
      limits.sweepRows,
    ],
  );
  return Math.max(removed.rowCount ?? 0, abandoned.rowCount ?? 0);
}
