import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { limits } from '../../server/src/platform/limits.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { decideKyc, newCustomer } from '../support/factories.ts';
import { endLaunched, makeTempDir, type ServerProcess, startServerProcess } from '../support/process.ts';
import { beginUpload, formTokenOf, pngOf, type RawUpload, uploadWhole } from '../support/uploads.ts';

/** What uploads cost a server process and its database. Figures of before are in decision 0032. */

const mib = 1024 * 1024;

let directory: { path: string; remove(): Promise<void> };
let server: ServerProcess;
let api: ApiClient;
let database: Client;
/** The greatest size of the server before any upload. */
let idleMib: number;

async function start(): Promise<void> {
  server = await startServerProcess({
    args: ['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off'],
  });
  api = await createClient(server.url, server.testKey ?? '');
  database = new Client(server.databaseUrl);
  database.on('error', () => undefined);
  await database.connect();
  await newSubject();
  idleMib = await greatestMib();
}
beforeAll(async () => {
  directory = await makeTempDir();
  await start();
});
afterAll(async () => {
  await database.end();
  await endLaunched();
  await directory.remove();
});

/** The greatest resident size that the server has had, in MiB. */
async function greatestMib(): Promise<number> {
  const status = await readFile(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

async function databaseMib(): Promise<number> {
  const { rows } = await database.query('select pg_database_size(current_database()) as size');
  return Number(rows[0].size) / mib;
}

async function count(table: string): Promise<number> {
  const { rows } = await database.query(`select count(*) as count from ${table}`);
  return Number(rows[0].count);
}

interface Subject {
  readonly id: string;
  readonly link: string;
  readonly form: string;
}

async function newSubject(): Promise<Subject> {
  const { id, kycLink } = await newCustomer(api);
  return { id, link: kycLink, form: await formTokenOf(kycLink) };
}

/** Begins uploads that send so much of a file and never end. */
function stalledUploads(subjects: readonly Subject[], sentBytes: number): RawUpload[] {
  return subjects.map(({ form, link }) => {
    const upload = beginUpload(link, form, limits.documentBytes);
    void upload.send(pngOf(sentBytes));
    return upload;
  });
}

function tally(statuses: readonly (number | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const status of statuses) counts[String(status)] = (counts[String(status)] ?? 0) + 1;
  return counts;
}

it('100 uploads that stall over one link take the memory of one', async () => {
  const subject = await newSubject();
  const uploads = stalledUploads(
    Array.from({ length: 100 }, () => subject),
    7 * mib,
  );
  const statuses = await Promise.all(uploads.map(({ status }) => status));
  const grownMib = Math.round((await greatestMib()) - idleMib);
  console.log(`uploads: 100 stalled over one link: ${grownMib} MiB, ${JSON.stringify(tally(statuses))}`);
  expect(tally(statuses)).toEqual({ 408: 1, 429: 99 });
  expect(grownMib).toBeLessThan(150);
  for (const upload of uploads) upload.abort();
  expect(await count('identity_uploads')).toBe(0);
}, 90_000);

it('60 finished uploads over one link keep ten, and the database grows by these; an approved case takes none', async () => {
  const subject = await newSubject();
  const beforeMib = await databaseMib();
  const chunksBefore = await count('identity_document_chunks');
  for (let sent = 0; sent < 60; sent += 1) {
    expect(await uploadWhole(subject.link, subject.form, pngOf(limits.documentBytes))).toBe(303);
  }
  const grownMib = (await databaseMib()) - beforeMib;
  const { length: keptBytes } = pngOf(limits.documentBytes * limits.documentsPerCase);
  console.log(`uploads: 60 finished over one link: ${Math.round(grownMib)} MiB of database`);
  expect(await count('identity_document_chunks')).toBe(chunksBefore + keptBytes / limits.documentChunkBytes);
  // Sealed bytes are stored as base64: a third more.
  expect(grownMib).toBeLessThan((keptBytes / mib) * 1.6);

  const approved = await newSubject();
  await decideKyc(api, approved.id, 'approved');
  const chunks = await count('identity_document_chunks');
  expect(await uploadWhole(approved.link, approved.form, pngOf(limits.documentBytes))).toBe(303);
  expect(await count('identity_document_chunks')).toBe(chunks);
}, 120_000);

it('200 uploads over 200 links, of which 150 stall, take a limited memory, and the others are all kept', async () => {
  const subjects: Subject[] = [];
  while (subjects.length < 200) subjects.push(await newSubject());
  const documentsBefore = await count('identity_documents');
  const stalled = stalledUploads(subjects.slice(0, 150), 3 * mib);
  const retried = { count: 0 };
  const untilTaken = async ({ form, link }: Subject): Promise<void> => {
    for (;;) {
      const status = await uploadWhole(link, form, pngOf(2 * mib));
      if (status === 303) return;
      expect(status).toBe(503);
      retried.count += 1;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  };
  await Promise.all(subjects.slice(150).map(untilTaken));
  const statuses = tally(await Promise.all(stalled.map(({ status }) => status)));
  const grownMib = Math.round((await greatestMib()) - idleMib);
  console.log(`uploads: 200 over 200 links: ${grownMib} MiB, stalled ${JSON.stringify(statuses)}`);
  const most = limits.uploadBudgetBytes / limits.uploadMemoryBytes;
  expect(statuses[408]).toBeGreaterThan(0);
  expect(statuses[408]).toBeLessThanOrEqual(most);
  expect((statuses[408] ?? 0) + (statuses[503] ?? 0)).toBe(150);
  expect(grownMib).toBeLessThan(250);
  expect(await count('identity_documents')).toBe(documentsBefore + 50);
  for (const upload of stalled) upload.abort();
  expect(await count('identity_uploads')).toBe(0);
}, 120_000);

it('what a server that is killed leaves of uploads is swept', async () => {
  const loose = `identity_document_chunks c where not exists (
    select from identity_documents d where d.bucket = c.bucket and d.id = c.id)`;
  const subject = await newSubject();
  const upload = beginUpload(subject.link, subject.form, limits.documentBytes);
  await upload.send(pngOf(2 * mib));
  await expect.poll(() => count(loose)).toBeGreaterThan(0);
  await server.stop('SIGKILL');
  await database.end().catch(() => undefined);
  await start();
  expect(await count(loose)).toBeGreaterThan(0);
  // The lease runs by the clock of the database; nobody waits here until it is over.
  await database.query('update identity_uploads set expires_at = now()');
  await server.stop();
  await database.end().catch(() => undefined);
  await start();
  await expect.poll(() => count(loose), { timeout: 20_000 }).toBe(0);
  expect(await count('identity_uploads')).toBe(0);
  const link = subject.link.replace(/^http:\/\/[^/]+/, server.url);
  expect(await uploadWhole(link, subject.form, pngOf(mib))).toBe(303);
}, 120_000);
