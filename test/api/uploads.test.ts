import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DocumentDamagedError } from '../../server/src/identity/document-seal.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { documentBytes } from '../../server/src/resources/identity/document-queries.ts';
import { deleteUnusedContents } from '../../server/src/store/document-contents.ts';
import { decideKyc, newCustomer, ok } from '../support/factories.ts';
import { openPage } from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { beginUpload, formTokenOf, pngOf, type RawUpload, uploadWhole } from '../support/uploads.ts';

const mib = 1024 * 1024;
const patience = { timeout: 20_000 };
const masterKey = Buffer.alloc(32, 9);
const vault = createVault(masterKey);

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ masterKey });
});
afterAll(() => server.stop());

interface Subject {
  readonly id: string;
  readonly link: string;
  readonly form: string;
}

async function newSubject(api = server.api): Promise<Subject> {
  const { id, kycLink } = await newCustomer(api);
  return { id, link: kycLink, form: await formTokenOf(kycLink) };
}

async function count(query: string, values: unknown[] = []): Promise<number> {
  const { rows } = await server.app.pool.query<{ count: bigint }>(query, values);
  return Number(rows[0]?.count);
}

const uploadsOf = ({ id }: Subject) =>
  count('select count(*) as count from identity_uploads where case_id = $1', [id.replace('cus_', 'idc_')]);
/** The chunks that belong to no document: only those of uploads under way. */
const looseChunks = () =>
  count(`select count(*) as count from identity_document_chunks c
    where not exists (select from identity_documents d where d.id = c.id)`);
const documentsOf = ({ id }: Subject) =>
  count('select count(*) as count from identity_documents where customer_id = $1', [id]);

/** An upload of which some chunks are stored, and which goes on. */
async function underWay({ form, link }: Subject, bytes = 4 * mib): Promise<RawUpload> {
  const before = await looseChunks();
  const upload = beginUpload(link, form, bytes);
  await upload.send(pngOf(mib));
  await expect.poll(looseChunks, patience).toBeGreaterThan(before);
  return upload;
}

async function nothingIsLeft(subject: Subject): Promise<void> {
  await expect.poll(() => uploadsOf(subject), patience).toBe(0);
  await expect.poll(looseChunks, patience).toBe(0);
  expect(await documentsOf(subject)).toBe(0);
}

describe('before a byte of an upload is read', () => {
  /** The answer to headers alone. */
  const answerTo = async ({ form, link }: Subject, bytes = mib): Promise<RawUpload> => {
    const upload = beginUpload(link, form, bytes, { isBodyHeldBack: true });
    await upload.status;
    upload.abort();
    return upload;
  };

  it('its case must be open', async () => {
    const subject = await newSubject();
    await decideKyc(server.api, subject.id, 'approved');
    const answer = await answerTo(subject);
    expect(answer.text()).toMatch(/^HTTP\/1\.1 303 [\s\S]*location: status\r\n/);
  });

  it('its case must have room for it', async () => {
    const subject = await newSubject();
    for (let sent = 0; sent < limits.documentsPerCase; sent += 1) {
      expect(await uploadWhole(subject.link, subject.form, pngOf(100))).toBe(303);
    }
    const answer = await answerTo(subject);
    expect(answer.text()).toMatch(/^HTTP\/1\.1 303 [\s\S]*location: documents\r\n/);
    expect(await documentsOf(subject)).toBe(limits.documentsPerCase);
  });

  it('its link must be the newest generation, on every server', async () => {
    const subject = await newSubject();
    const other = await server.second();
    await ok(server.api.post(`/v1/customers/${subject.id}/links/revoke`));
    const there = { ...subject, link: subject.link.replace(server.app.url, other.url) };
    expect((await answerTo(subject)).text()).toMatch(/^HTTP\/1\.1 410 /);
    expect((await answerTo(there)).text()).toMatch(/^HTTP\/1\.1 410 /);
    await other.stop();
  });

  it('its size must be one that a document may have', async () => {
    const subject = await newSubject();
    expect((await answerTo(subject, 9 * mib)).text()).toMatch(/^HTTP\/1\.1 422 /);
    const huge = await answerTo(subject, 64 * mib);
    expect(huge.text()).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close\r\n/);
    expect(await uploadsOf(subject)).toBe(0);
  });

  it('no other upload of its case may be under way, on any server', async () => {
    const subject = await newSubject();
    const other = await server.second();
    const there = { ...subject, link: subject.link.replace(server.app.url, other.url) };
    const first = await underWay(subject);
    for (const where of [subject, there]) {
      const answer = await answerTo(where);
      expect(answer.text()).toMatch(/^HTTP\/1\.1 429 [\s\S]*retry-after: \d+\r\n/);
      expect(answer.text()).toContain('One file at a time');
    }
    await first.send(Buffer.alloc(3 * mib, 'x'));
    first.finish();
    expect(await first.status).toBe(303);
    expect(await uploadWhole(there.link, there.form, pngOf(100))).toBe(303);
    expect(await documentsOf(subject)).toBe(2);
    await other.stop();
  });

  it('there must be memory for it: what test data takes is not taken from live', async () => {
    const most = limits.uploadBudgetBytes / limits.uploadMemoryBytes;
    const subjects = await Promise.all(Array.from({ length: most }, () => newSubject()));
    const uploads = await Promise.all(subjects.map(({ form, link }) => beginUpload(link, form, mib)));
    await expect.poll(() => count('select count(*) as count from identity_uploads'), patience).toBe(most);
    const refused = await answerTo(await newSubject());
    expect(refused.text()).toMatch(/^HTTP\/1\.1 503 [\s\S]*retry-after: \d+\r\n/);
    const live = await newSubject(server.live);
    expect(await uploadWhole(live.link, live.form, pngOf(mib))).toBe(303);
    for (const upload of uploads) upload.abort();
    await expect.poll(() => count('select count(*) as count from identity_uploads'), patience).toBe(0);
    const next = await newSubject();
    expect(await uploadWhole(next.link, next.form, pngOf(mib))).toBe(303);
  });
});

describe('an upload leaves nothing behind', () => {
  it('when its client goes away', async () => {
    const subject = await newSubject();
    const upload = await underWay(subject);
    upload.abort();
    await nothingIsLeft(subject);
  });

  it('when its bytes are not of the type that they are said to be, which is said before the rest is sent', async () => {
    const subject = await newSubject();
    const upload = beginUpload(subject.link, subject.form, 4 * mib);
    await upload.send(Buffer.from('<script>alert(1)</script>'));
    expect(await upload.status).toBe(422);
    expect(upload.text()).toContain('Choose a JPEG, PNG or PDF file');
    upload.abort();
    await nothingIsLeft(subject);
  });

  it('when it is larger than it may be, and did not say so', async () => {
    const subject = await newSubject();
    const upload = beginUpload(subject.link, subject.form, undefined);
    void upload.send(pngOf(limits.documentBytes + 1));
    expect(await upload.status).toBe(422);
    await expect.poll(upload.text, patience).toContain('Choose a file of 8 MB at most');
    upload.abort();
    await nothingIsLeft(subject);
  });

  it('when its form is not one of ours, whatever of it comes first', async () => {
    const subject = await newSubject();
    const other = await newSubject();
    for (const form of ['', other.form]) {
      const upload = beginUpload(subject.link, form, 4 * mib);
      await upload.send(pngOf(100));
      expect(await upload.status).toBe(403);
      upload.abort();
    }
    await nothingIsLeft(subject);
  });

  it('when its form ends in the middle of the file', async () => {
    const subject = await newSubject();
    const upload = beginUpload(subject.link, subject.form, 2 * mib);
    await upload.send(pngOf(2 * mib));
    // As long as it was said to be, but without what ends the form.
    await upload.send(Buffer.alloc(100, 'x'));
    expect(await upload.status).toBe(400);
    upload.abort();
    await nothingIsLeft(subject);
  });

  it('when it stalls: it is ended, and the answer says why', async () => {
    const subject = await newSubject();
    const upload = await underWay(subject);
    expect(await upload.status).toBe(408);
    expect(upload.text()).toMatch(/connection: close\r\n/i);
    await upload.isClosed;
    await nothingIsLeft(subject);
  });

  it('when the case is closed while it is under way', async () => {
    const subject = await newSubject();
    const upload = await underWay(subject);
    await decideKyc(server.api, subject.id, 'rejected');
    await upload.send(Buffer.alloc(3 * mib, 'x'));
    upload.finish();
    expect(await upload.status).toBe(303);
    expect(upload.text()).toMatch(/location: status\r\n/);
    upload.abort();
    await nothingIsLeft(subject);
  });

  it('when its process lost the claim: another process takes the case over, retention deletes the rest', async () => {
    const subject = await newSubject();
    const expire = 'update identity_uploads set expires_at = now() where case_id = $1';
    const caseId = subject.id.replace('cus_', 'idc_');
    const lost = await underWay(subject);
    await server.app.pool.query(expire, [caseId]);
    const other = await server.second();
    const there = { ...subject, link: subject.link.replace(server.app.url, other.url) };
    const next = await newSubjectUpload(there, 2 * mib);
    await lost.send(Buffer.alloc(3 * mib, 'x'));
    expect(await lost.status).toBe(400);
    lost.abort();
    await next.send(Buffer.alloc(mib, 'x'));
    next.finish();
    expect(await next.status).toBe(303);
    expect([await documentsOf(subject), await looseChunks()]).toEqual([1, 0]);

    const dead = await underWay(subject);
    await server.app.pool.query(expire, [caseId]);
    await deleteUnusedContents(server.app.pool, Date.now());
    expect([await uploadsOf(subject), await looseChunks()]).toEqual([0, 0]);
    await dead.send(Buffer.alloc(3 * mib, 'x'));
    expect(await dead.status).toBe(400);
    dead.abort();
    expect([await documentsOf(subject), await looseChunks()]).toEqual([1, 0]);
    await other.stop();
  });

  /** An upload that has been let in, with a whole chunk stored. */
  async function newSubjectUpload({ form, link }: Subject, bytes: number): Promise<RawUpload> {
    const upload = beginUpload(link, form, bytes);
    await upload.send(pngOf(mib));
    const held = `select count(*) as count from identity_uploads where expires_at > now()`;
    await expect.poll(() => count(held), patience).toBe(1);
    return upload;
  }
});

describe('the bytes of a document', () => {
  const file = Buffer.concat([pngOf(100_000), Buffer.alloc(400_000, 'y'), Buffer.alloc(300_000, 'z')]);
  let ids: string[];
  beforeAll(async () => {
    const subject = await newSubject();
    for (const bytes of [file, pngOf(800_000), pngOf(limits.documentChunkBytes), pngOf(9)]) {
      expect(await uploadWhole(subject.link, subject.form, bytes)).toBe(303);
    }
    const { rows } = await server.app.pool.query<{ id: string }>(
      'select id from identity_documents where customer_id = $1 order by id',
      [subject.id],
    );
    ids = rows.map(({ id }) => id);
  });

  async function read(id: string | undefined): Promise<Buffer> {
    const { pool } = server.app;
    const { rows } = await pool.query('select * from identity_documents where id = $1', [id]);
    const customers = await pool.query('select * from customers where id = $1', [rows[0].customer_id]);
    const own = vault.forCustomer(customers.rows[0]);
    const chunks: Buffer[] = [];
    for await (const chunk of documentBytes(pool, own, rows[0])) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  it('are kept in sealed chunks of a limited size, and come back as they were', async () => {
    expect((await read(ids[0])).equals(file)).toBe(true);
    expect((await read(ids[2])).equals(pngOf(limits.documentChunkBytes))).toBe(true);
    expect((await read(ids[3])).equals(pngOf(9))).toBe(true);
    const { rows } = await server.app.pool.query(
      `select number, is_last, length(content) as length from identity_document_chunks where id = $1 order by number`,
      [ids[0]],
    );
    expect(rows.map(({ is_last: isLast, number }) => [number, isLast])).toEqual(
      Array.from({ length: 7 }, (_, number) => [number, number === 6]),
    );
    for (const { length } of rows) expect(length).toBeLessThan(limits.documentChunkBytes * 1.4);
  });

  const chunk = 'identity_document_chunks';
  it.each([
    ['the last chunk is missing', `delete from ${chunk} where id = $1 and is_last`],
    [
      'the last chunks are missing, and the one before is said to be the last',
      `with gone as (delete from ${chunk} where id = $1 and number > 3)
        update ${chunk} set is_last = true where id = $1 and number = 3`,
    ],
    ['a chunk is missing', `delete from ${chunk} where id = $1 and number = 2`],
    ['every chunk is missing', `delete from ${chunk} where id = $1`],
    [
      'two chunks are exchanged',
      `update ${chunk} c set content = o.content from ${chunk} o
        where c.id = $1 and o.id = $1 and (c.number, o.number) in ((1, 2), (2, 1))`,
    ],
    [
      'a chunk comes from another document',
      `update ${chunk} c set content = o.content from ${chunk} o
        where c.id = $1 and o.id = $2 and c.number = 1 and o.number = 1`,
    ],
    [
      'a chunk comes twice',
      `insert into ${chunk} select bucket, id, 7, true, content from ${chunk} where id = $1 and is_last`,
    ],
    [
      'a chunk was changed',
      `update ${chunk} set content = overlay(content placing 'AAAA' from 500) where id = $1 and number = 1`,
    ],
  ])('are refused when %s', async (_name, sql) => {
    const { ownerPool: pool } = server;
    const kept = await pool.query(`select * from ${chunk} where id = $1`, [ids[0]]);
    await pool.query(sql, sql.includes('$2') ? [ids[0], ids[1]] : [ids[0]]);
    await expect(read(ids[0])).rejects.toThrow(DocumentDamagedError);
    await pool.query(`delete from ${chunk} where id = $1`, [ids[0]]);
    for (const row of kept.rows) {
      await pool.query(`insert into ${chunk} values ($1, $2, $3, $4, $5)`, Object.values(row));
    }
    expect((await read(ids[0])).equals(file)).toBe(true);
  });

  it('that an earlier version has kept as one value are read as well', async () => {
    const { ownerPool: pool } = server;
    const id = ids[1] as string;
    const bytes = await read(id);
    await pool.query(`delete from ${chunk} where id = $1`, [id]);
    await pool.query(
      `insert into identity_document_contents (bucket, id, content, created_at)
        select bucket, id, $2, created_at from identity_documents where id = $1`,
      [id, vault.seal(bytes, `identity_document_contents.content:${id}`)],
    );
    expect((await read(id)).equals(bytes)).toBe(true);
  });
});

it('a file that is sent as a form of another page is not read', async () => {
  const { form, id, link } = await newSubject();
  const { tosLink } = await ok(server.api.get(`/v1/customers/${id}`));
  const page = await openPage(tosLink);
  expect(page.status).toBe(200);
  // `beginUpload` sends to the step of documents: here it names the step before.
  const upload = beginUpload(`${link}/you?`, form, mib, { isBodyHeldBack: true });
  expect(await upload.status).toBe(415);
  upload.abort();
});
