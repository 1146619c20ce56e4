import { bucketOfId } from '../platform/ids.ts';
import { limits } from '../platform/limits.ts';
import type { Pool } from './pool.ts';

/**
 * The bytes of documents. They are written outside the write path, before the command that adds the document, so that no
 * lane waits for megabytes. An upload claims its case first. Its chunks are stored only while it holds the claim, so that the
 * process that ends a claim can delete all of them. Leases are times of the database's clock.
 */

/** A sealed part of a document. */
interface Chunk {
  readonly number: number;
  readonly isLast: boolean;
  readonly content: string;
}

/**
 * Starts the upload of a document, unless another upload of the same case is in progress, in this process or another.
 *
 * @returns whether the upload was started
 */
export async function claimUpload(pool: Pool, caseId: string, documentId: string): Promise<boolean> {
  const claim = async (): Promise<boolean> => {
    const { rowCount } = await pool.query(
      `insert into identity_uploads (bucket, id, case_id, expires_at)
        values ($1, $2, $3, now() + $4 * interval '1 millisecond') on conflict (bucket, case_id) do nothing`,
      [bucketOfId(documentId), documentId, caseId, limits.uploadLeaseMs],
    );
    return rowCount === 1;
  };
  if (await claim()) return true;
  await endExpiredUploads(pool, caseId);
  return claim();
}

/**
 * Stores a chunk of an upload and renews its claim.
 *
 * @returns whether the upload still held its claim; if not, nothing is stored
 */
export async function keepChunk(
  pool: Pool,
  documentId: string,
  { content, isLast, number }: Chunk,
): Promise<boolean> {
  const { rowCount } = await pool.query(
    `with held as (
        update identity_uploads set expires_at = now() + $6 * interval '1 millisecond'
          where bucket = $1 and id = $2 and expires_at > now() returning bucket, id)
      insert into identity_document_chunks (bucket, id, number, is_last, content)
        select bucket, id, $3, $4, $5 from held`,
    [bucketOfId(documentId), documentId, number, isLast, content, limits.uploadLeaseMs],
  );
  return rowCount === 1;
}

/**
 * Ends the claim of an upload whose document has been added.
 *
 * @returns whether the claim was still held; if not, chunks may have been deleted before the document was added
 */
export async function finishUpload(pool: Pool, documentId: string): Promise<boolean> {
  const { rowCount } = await pool.query(
    'delete from identity_uploads where bucket = $1 and id = $2 and expires_at > now()',
    [bucketOfId(documentId), documentId],
  );
  return rowCount === 1;
}

/** Ends an upload whose document is not added, and deletes its chunks. */
export async function dropUpload(pool: Pool, documentId: string): Promise<void> {
  const bucket = bucketOfId(documentId);
  await pool.query(`update identity_uploads set expires_at = '-infinity' where bucket = $1 and id = $2`, [
    bucket,
    documentId,
  ]);
  await deleteEnded(pool, [{ bucket, id: documentId }]);
}

/**
 * Ends uploads whose claim has expired, because their process ended or lost the database, and deletes their chunks.
 *
 * @param caseId only the upload of this case; of all cases if omitted, at most `limits.expiredUploadRows` per call
 * @returns how many uploads were ended
 */
async function endExpiredUploads(pool: Pool, caseId?: string): Promise<number> {
  const { rows } = await pool.query<DocumentRef>(
    `update identity_uploads set expires_at = '-infinity'
      where expires_at <= now() and id = any (array(
        select id from identity_uploads where expires_at <= now() and ($1::text is null or case_id = $1) limit $2))
      returning bucket, id`,
    [caseId ?? null, limits.expiredUploadRows],
  );
  if (rows.length > 0) await deleteEnded(pool, rows);
  return rows.length;
}

interface DocumentRef {
  readonly bucket: number;
  readonly id: string;
}

/** Chunks first: if the process ends in between, the claim that remains leads to them. */
async function deleteEnded(pool: Pool, ended: readonly DocumentRef[]): Promise<void> {
  const named = [ended.map(({ bucket }) => bucket), ended.map(({ id }) => id)];
  await pool.query(
    `delete from identity_document_chunks c using unnest($1::int2[], $2::text[]) as ended (bucket, id)
      where c.bucket = ended.bucket and c.id = ended.id and not exists (
        select from identity_documents d where d.bucket = c.bucket and d.id = c.id)`,
    named,
  );
  await pool.query(
    `delete from identity_uploads u using unnest($1::int2[], $2::text[]) as ended (bucket, id)
      where u.bucket = ended.bucket and u.id = ended.id and u.expires_at = '-infinity'`,
    named,
  );
}

/** The chunks of a document in order, each read when it is consumed. */
export async function* readChunks(pool: Pool, documentId: string): AsyncGenerator<Chunk> {
  for (let above = -1; ; ) {
    const { rows } = await pool.query<Chunk>(
      `select number, is_last as "isLast", content from identity_document_chunks
        where bucket = $1 and id = $2 and number > $3 order by number limit 1`,
      [bucketOfId(documentId), documentId, above],
    );
    if (!rows[0]) return;
    yield rows[0];
    above = rows[0].number;
  }
}

/** The sealed bytes of a document that is stored in one piece; undefined if there are none. */
export async function findWholeContent(pool: Pool, documentId: string): Promise<string | undefined> {
  const { rows } = await pool.query<{ content: string }>(
    'select content from identity_document_contents where bucket = $1 and id = $2',
    [bucketOfId(documentId), documentId],
  );
  return rows[0]?.content;
}

/**
 * Deletes the bytes of documents that were removed, and bytes without a document: those of interrupted uploads, and those
 * stored in one piece after an hour. At most `limits.retentionRows` rows of each kind per call.
 *
 * @returns the largest number of rows deleted of one kind
 */
export async function deleteUnusedContents(pool: Pool, nowMs: number): Promise<number> {
  await endExpiredUploads(pool);
  const removed = [];
  for (const table of ['identity_document_chunks', 'identity_document_contents']) {
    const { rowCount } = await pool.query(
      `delete from ${table} where ctid = any (array(
        select c.ctid from ${table} c join identity_documents d on d.bucket = c.bucket and d.id = c.id
        where d.removed_at is not null limit $1))`,
      [limits.retentionRows],
    );
    removed.push(rowCount ?? 0);
  }
  const abandoned = await pool.query(
    `delete from identity_document_contents where ctid = any (array(
      select c.ctid from identity_document_contents c
      where c.created_at between $1 and $2 and not exists (
        select from identity_documents d where d.bucket = c.bucket and d.id = c.id) limit $3))`,
    [
      new Date(nowMs - limits.contentLookbackDays * 24 * 60 * 60 * 1000).toISOString(),
      new Date(nowMs - limits.contentAbandonedMs).toISOString(),
      limits.retentionRows,
    ],
  );
  return Math.max(...removed, abandoned.rowCount ?? 0);
}
