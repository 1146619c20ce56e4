import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiError, rateLimited } from '../../server/src/platform/errors.ts';
import { createVault } from '../../server/src/platform/seal.ts';
import { evidenceContext } from '../../server/src/resources/identity/commands.ts';
import { documentBytes } from '../../server/src/resources/identity/document-queries.ts';
import { createCustomerSalts } from '../../server/src/store/customer-salts.ts';
import { deleteUnusedContents } from '../../server/src/store/document-contents.ts';
import type { Pool } from '../../server/src/store/pool.ts';
import {
  allRows,
  countRows,
  decideKyc,
  missingLike,
  newCustomer,
  newOrganisation,
  ok,
  rawExchange,
  stoppedClock,
} from '../support/factories.ts';
import {
  company,
  fileOf,
  fillIndividual,
  hidden,
  individual,
  openPage,
  owner,
  type Page,
  postForm,
  send,
  sendStep,
  submit,
} from '../support/hosted.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const masterKey = Buffer.alloc(32, 7);

/** What is sealed with a customer's key. */
async function opened(sealed: string, context: string, pool: Pool = server.app.pool): Promise<Buffer> {
  const vault = createVault(masterKey).withSalts(createCustomerSalts(pool));
  await vault.prepare([sealed]);
  return vault.openBytes(sealed, context);
}
beforeAll(async () => {
  server = await startServer({ masterKey });
});
afterAll(() => server.stop());

const week = 7 * 24 * 60 * 60 * 1000;
const customerOf = (id: string, api = server.api) => ok(api.get(`/v1/customers/${id}`));

/** The fields that a page says are wrong. */
function faultyFields({ html }: Page): string[] {
  const summary = /<div class="faults"[\s\S]*?<\/div>/.exec(html)?.[0] ?? '';
  return [...summary.matchAll(/href="#field-([^"]+)"/g)].map(([, field]) => field as string);
}

async function updates(customerId: string): Promise<number> {
  const events = await ok(server.api.get('/v1/events?type=customer.updated&limit=200'));
  return events.filter(({ data }: { data: { id: string } }) => data.id === customerId).length;
}

describe('an individual', () => {
  it('fills in the form, accepts the terms and may do everything', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    expect((await submit(customer.kycLink, 'approved')).location).toBe(`${customer.kycLink}/status`);
    const approved = await customerOf(customer.id);
    expect(approved).toMatchObject({ kycStatus: 'approved', kycLink: null, tosLink: customer.tosLink });
    expect(approved.requirements.missing).toEqual(['terms_of_service']);

    const terms = await openPage(customer.tosLink);
    const fields = { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') };
    expect((await postForm(customer.tosLink, fields)).location).toBe(customer.tosLink);
    const done = await customerOf(customer.id);
    expect(done).toMatchObject({ kycLink: null, tosLink: null });
    expect(done.capabilities).toEqual({ wallets: true, virtualAccounts: true, transfers: true });
    expect((await ok(server.api.get('/v1/events?type=customer.updated&limit=1')))[0].data).toEqual(done);
  });

  it('waits in the queue of the sandbox, and is told when that is full', async () => {
    const { kycLink } = await newCustomer(server.api);
    const queue = vi.spyOn(server.app.writer, 'submit');
    const fields = { ...individual.you, action: 'save' };
    await sendStep(kycLink, 'you', fields);
    const saved = queue.mock.calls.filter(([{ name }]) => name === 'save_identity_answers');
    expect(saved.map(([, , kind]) => kind)).toEqual(['test']);
    queue.mockRejectedValueOnce(new ApiError(rateLimited('server_busy', 'The queue is full.', 1)));
    const refused = await sendStep(kycLink, 'you', fields);
    queue.mockRestore();
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    expect(refused.html).toContain('wait a few seconds');
  });

  it('is led to the step where they left off', async () => {
    const { kycLink } = await newCustomer(server.api);
    expect((await openPage(kycLink)).location).toBe(`${kycLink}/you`);
    expect((await openPage(`${kycLink}/status`)).location).toBe(`${kycLink}/you`);
    const next = await sendStep(kycLink, 'you', { ...individual.you, action: 'save' });
    expect(next.location).toBe(`${kycLink}/address`);
    expect((await openPage(kycLink)).location).toBe(`${kycLink}/address`);
    const again = await openPage(`${kycLink}/you`);
    for (const text of ['value="Ada"', 'value="10"', 'value="1985"', 'value="GB" selected']) {
      expect(again.html).toContain(text);
    }
  });

  it('finds their occupation by searching, and loses nothing of what was typed', async () => {
    const { kycLink } = await newCustomer(server.api);
    const typed = { taxId: '98-765', sourceOfFunds: 'savings', 'occupation.search': 'registered nurse' };
    const found = await sendStep(kycLink, 'work', { ...typed, action: 'search' });
    expect([found.status, found.html.includes('Registered Nurses')]).toEqual([200, true]);
    expect(found.html).toContain('value="98-765"');
    expect(found.html).toContain('value="savings" checked');
    const nothing = await sendStep(kycLink, 'work', { 'occupation.search': 'zzzz', action: 'search' });
    expect(nothing.html).toContain('Nothing was found');
    const chosen = await sendStep(kycLink, 'work', { ...typed, occupation: '29-1141', action: 'save' });
    expect(chosen.status).toBe(303);
    expect((await openPage(`${kycLink}/work`)).html).toContain('value="29-1141" checked');
  });

  it.each([
    ['you', { firstName: ' ' }, ['firstName']],
    ['you', { lastName: 'x'.repeat(201) }, ['lastName']],
    ['you', { firstName: 'A\u202eda' }, ['firstName']],
    ['you', { firstName: 'A\u0000da' }, ['firstName']],
    ['you', { 'dateOfBirth.day': '31', 'dateOfBirth.month': '2' }, ['dateOfBirth']],
    ['you', { 'dateOfBirth.year': '85' }, ['dateOfBirth']],
    ['you', { 'dateOfBirth.year': '1885' }, ['dateOfBirth']],
    ['you', { 'dateOfBirth.year': String(new Date().getUTCFullYear() - 17) }, ['dateOfBirth']],
    ['you', { 'dateOfBirth.day': '', 'dateOfBirth.month': '', 'dateOfBirth.year': '' }, ['dateOfBirth']],
    ['you', { nationality: 'XX' }, ['nationality']],
    ['address', { addressLine1: '', city: '', country: '' }, ['addressLine1', 'city', 'country']],
    ['address', { postalCode: '1'.repeat(21) }, ['postalCode']],
    ['work', { taxId: '<b>' }, ['taxId']],
    ['work', { occupation: '00-0000' }, ['occupation']],
    ['work', { occupation: '', sourceOfFunds: 'theft' }, ['occupation', 'sourceOfFunds']],
  ] as const)('is told what is wrong: %s %j', async (step, change, fields) => {
    const { kycLink } = await newCustomer(server.api);
    const answer = await sendStep(kycLink, step, { ...individual[step], ...change, action: 'save' });
    expect([answer.status, faultyFields(answer)]).toEqual([422, fields]);
    for (const field of fields) expect(answer.html).toContain(`id="field-${field}"`);
    expect(answer.html).toContain('<title>Please check: ');
    expect((await openPage(kycLink)).location).toBe(`${kycLink}/you`);
  });

  it('is 18 on the birthday and not the day before', async () => {
    const { kycLink } = await newCustomer(server.api);
    const birthday = (date: Date) => ({
      ...individual.you,
      'dateOfBirth.day': String(date.getUTCDate()),
      'dateOfBirth.month': String(date.getUTCMonth() + 1),
      'dateOfBirth.year': String(date.getUTCFullYear() - 18),
      action: 'save',
    });
    const tomorrow = new Date(Date.now() + 24 * 60 * 60 * 1000);
    expect((await sendStep(kycLink, 'you', birthday(tomorrow))).status).toBe(422);
    expect((await sendStep(kycLink, 'you', birthday(new Date()))).status).toBe(303);
  });

  it('cannot submit before everything is there', async () => {
    const customer = await newCustomer(server.api);
    await sendStep(customer.kycLink, 'you', { ...individual.you, action: 'save' });
    const review = await openPage(`${customer.kycLink}/review`);
    expect(review.html).toContain('Something is still missing');
    expect(review.html).not.toContain('name="version"');
    const forced = { form: hidden(await openPage(`${customer.kycLink}/you`), 'form'), version: '1' };
    expect((await postForm(`${customer.kycLink}/review`, forced)).status).toBe(422);
    expect((await customerOf(customer.id)).kycStatus).toBe('not_started');
  });
});

describe('a business', () => {
  const fill = async (link: string): Promise<void> => {
    for (const [step, fields] of Object.entries(company)) {
      expect((await sendStep(link, step, { ...fields, action: 'save' })).status).toBe(303);
    }
  };

  it('gives its owners, sends its register extract and is approved', async () => {
    const customer = await newCustomer(server.api, { type: 'business', businessName: 'Engines & Sons' });
    const { kycLink } = customer;
    expect((await openPage(`${kycLink}/business`)).html).toContain('value="Engines &amp; Sons"');
    await fill(kycLink);
    expect((await openPage(kycLink)).location).toBe(`${kycLink}/owners`);
    const none = await sendStep(kycLink, 'owners', { action: 'next' });
    expect([none.status, faultyFields(none)]).toEqual([422, ['firstName']]);

    expect((await sendStep(kycLink, 'owners', { ...owner, action: 'add' })).location).toBe(
      `${kycLink}/owners`,
    );
    const second = { ...owner, firstName: 'Charles', lastName: 'Babbage', share: '40,5', action: 'add' };
    const over = await sendStep(kycLink, 'owners', second);
    expect([over.status, faultyFields(over)]).toEqual([422, ['share']]);
    await sendStep(kycLink, 'owners', { ...second, share: '33.33 %' });
    const listed = await openPage(`${kycLink}/owners`);
    expect(listed.html).toMatch(/Charles Babbage[\s\S]*33\.33 %/);
    const [, key = ''] = /name="owner" value="([^"]+)"/.exec(listed.html) ?? [];
    await sendStep(kycLink, 'owners', { owner: key, action: 'remove' });
    const left = await openPage(`${kycLink}/owners`);
    expect(left.html).not.toContain('Ada Lovelace');
    expect(left.html).toContain('Charles Babbage');
    expect((await sendStep(kycLink, 'owners', { action: 'next' })).location).toBe(`${kycLink}/documents`);

    await sendStep(kycLink, 'documents', { action: 'upload', kind: 'ownership', file: fileOf('pdf') });
    const missing = await sendStep(kycLink, 'documents', { action: 'next' });
    expect([missing.status, faultyFields(missing)]).toEqual([422, ['kind']]);
    await sendStep(kycLink, 'documents', { action: 'upload', kind: 'registration', file: fileOf('png') });
    await submit(kycLink, 'approved');
    expect((await customerOf(customer.id)).kycStatus).toBe('approved');
  });

  it.each([
    [{ share: '101' }, ['share']],
    [{ share: '-1' }, ['share']],
    [{ share: 'half' }, ['share']],
    [{ share: '' }, ['share']],
    [{ country: '', firstName: '' }, ['firstName', 'country']],
    [{ 'dateOfBirth.month': '13' }, ['dateOfBirth']],
  ])('is told what is wrong with an owner: %j', async (change, fields) => {
    const { kycLink } = await newCustomer(server.api, { type: 'business' });
    const answer = await sendStep(kycLink, 'owners', { ...owner, ...change, action: 'add' });
    expect([answer.status, faultyFields(answer)]).toEqual([422, fields]);
    expect(answer.html).not.toContain('name="owner"');
  });

  it('has no pages of an individual, nor the other way round', async () => {
    const business = await newCustomer(server.api, { type: 'business' });
    const person = await newCustomer(server.api);
    for (const url of [`${business.kycLink}/you`, `${person.kycLink}/owners`, `${person.kycLink}/nothing`]) {
      expect((await openPage(url)).status).toBe(404);
    }
  });

  it('has 25 owners at most', async () => {
    const { kycLink } = await newCustomer(server.api, { type: 'business' });
    for (let count = 0; count < 26; count += 1) {
      await sendStep(kycLink, 'owners', { ...owner, share: '1', action: 'add' });
    }
    const { html } = await openPage(`${kycLink}/owners`);
    expect(html.match(/name="owner"/g)).toHaveLength(25);
    expect(html).not.toContain('value="add"');
  });
});

describe('a document', () => {
  it('is kept sealed, is listed, and can be taken back', async () => {
    const customer = await newCustomer(server.api);
    const { kycLink } = customer;
    const file = fileOf('png', 'the picture of a passport', 'My <Passport> ümlaut.png');
    const sent = await sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file });
    expect(sent.location).toBe(`${kycLink}/documents`);
    const page = await openPage(`${kycLink}/documents`);
    expect(page.html).toContain('My &lt;Passport&gt; ümlaut.png');
    const id = /name="document" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const { rows } = await server.app.pool.query(
      'select * from identity_documents d join identity_document_chunks c using (bucket, id) where id = $1',
      [id],
    );
    expect(rows[0]).toMatchObject({
      customer_id: customer.id,
      content_type: 'image/png',
      byte_size: file.size,
      removed_at: null,
    });
    const bytes = [];
    const vault = createVault(masterKey).withSalts(createCustomerSalts(server.app.pool));
    const chunks = await server.app.pool.query('select content from identity_document_chunks');
    await vault.prepare(chunks.rows.map(({ content }) => content));
    for await (const chunk of documentBytes(server.app.pool, vault, rows[0])) bytes.push(chunk);
    expect(Buffer.concat(bytes)).toEqual(Buffer.from(await file.arrayBuffer()));

    await sendStep(kycLink, 'documents', { document: id, action: 'remove' });
    await sendStep(kycLink, 'documents', { document: id, action: 'remove' });
    expect((await openPage(`${kycLink}/documents`)).html).not.toContain('name="document"');
    const removed = await server.app.pool.query('select removed_at from identity_documents where id = $1', [
      id,
    ]);
    expect(removed.rows[0].removed_at).not.toBeNull();

    await sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file });
    await deleteUnusedContents(server.app.pool, Date.now());
    const kept = await server.app.pool.query(
      `select c.id is not null as kept from identity_documents d
        left join identity_document_chunks c using (bucket, id) where d.customer_id = $1 order by d.id`,
      [customer.id],
    );
    expect(kept.rows.map((row) => row.kept)).toEqual([false, true]);
  });

  it('of an earlier version that was never added leaves nothing behind', async () => {
    const { pool } = server.app;
    const ids = ['doc_01jhmbxq7ve2r8n5d0kz3c6tga', 'doc_01jhmbxq7ve2r8n5d0kz3c6tgb'];
    const keep = (id: string | undefined, createdAtMs: number) =>
      pool.query(
        `insert into identity_document_contents (bucket, id, content, created_at) values (10, $1, 'sealed.v1.x', $2)`,
        [id, new Date(createdAtMs).toISOString()],
      );
    await keep(ids[0], Date.now() - 61 * 60 * 1000);
    await keep(ids[1], Date.now());
    await deleteUnusedContents(pool, Date.now());
    const left = 'select id from identity_document_contents where id = any ($1)';
    expect((await pool.query(left, [ids])).rows).toEqual([{ id: ids[1] }]);
    await pool.query('delete from identity_document_contents where id = any ($1)', [ids]);
  });

  it('of another customer cannot be taken back', async () => {
    const theirs = await newCustomer(server.api);
    const upload = { action: 'upload', kind: 'passport', file: fileOf('jpg') };
    await sendStep(theirs.kycLink, 'documents', upload);
    const page = await openPage(`${theirs.kycLink}/documents`);
    const id = /name="document" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    // In the same bucket, where the row is found.
    let own = await newCustomer(server.api);
    for (let tries = 0; own.id.slice(-2) !== theirs.id.slice(-2) && tries < 2000; tries += 1) {
      own = await newCustomer(server.api);
    }
    expect(own.id.slice(-2)).toBe(theirs.id.slice(-2));
    expect((await sendStep(own.kycLink, 'documents', { document: id, action: 'remove' })).status).toBe(303);
    expect((await openPage(`${theirs.kycLink}/documents`)).html).toContain(id);
    const { rows } = await server.app.pool.query('select removed_at from identity_documents where id = $1', [
      id,
    ]);
    expect(rows[0].removed_at).toBeNull();
    expect((await sendStep(own.kycLink, 'documents', { document: 'x', action: 'remove' })).status).toBe(400);
  });

  const html = new File(['<script>alert(1)</script>'], 'scan.png', { type: 'image/png' });
  const disguised = new File([fileOf('png')], 'scan.html', { type: 'text/html' });
  const mislabelled = new File([fileOf('pdf')], 'a.png', { type: 'image/png' });
  it.each([
    ['what is no picture', html, 'passport', ['file']],
    ['a picture that says it is a page', disguised, 'passport', ['file']],
    ['a PDF that says it is a picture', mislabelled, 'passport', ['file']],
    ['an empty file', new File([], 'empty.png', { type: 'image/png' }), 'passport', ['file']],
    ['no file', new File([], '', { type: 'application/octet-stream' }), 'passport', ['file']],
    ['too much', fileOf('png', 'x'.repeat(8 * 1024 * 1024)), 'passport', ['file']],
    ['a kind that there is not', fileOf('png'), 'library_card', ['kind']],
    ['a kind for businesses', fileOf('png'), 'registration', ['kind']],
    ['nothing at all', html, '', ['kind', 'file']],
  ])('is refused: %s', async (_name, file, kind, fields) => {
    const { kycLink } = await newCustomer(server.api);
    const before = await countRows(server.app, 'identity_document_chunks');
    const answer = await sendStep(kycLink, 'documents', { action: 'upload', kind, file });
    expect([answer.status, faultyFields(answer)]).toEqual([422, fields]);
    expect(await countRows(server.app, 'identity_document_chunks')).toBe(before);
    expect(await countRows(server.app, 'identity_uploads')).toBe(0);
  });

  it('of 8 MiB is taken', async () => {
    const { kycLink } = await newCustomer(server.api);
    const file = fileOf('png', 'x'.repeat(8 * 1024 * 1024 - 8));
    const answer = await sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file });
    expect([file.size, answer.status]).toEqual([8 * 1024 * 1024, 303]);
    expect((await openPage(`${kycLink}/documents`)).html).toContain('8.0 MB');
  });

  it('is the tenth at most, also when many are sent concurrently', async () => {
    const { kycLink } = await newCustomer(server.api);
    const upload = () =>
      sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file: fileOf('jpg') });
    const statuses = new Set<number>();
    const listed = async () =>
      (await openPage(`${kycLink}/documents`)).html.match(/name="document"/g)?.length ?? 0;
    for (let rounds = 0; rounds < 20 && (await listed()) < 10; rounds += 1) {
      for (const { status } of await Promise.all(Array.from({ length: 14 }, upload))) statuses.add(status);
    }
    await upload();
    expect([...statuses].sort()).toEqual([303, 429]);
    const page = await openPage(`${kycLink}/documents`);
    expect(page.html.match(/name="document"/g)).toHaveLength(10);
    const orphans = await server.app.pool.query(
      `select from identity_document_chunks c
        where not exists (select from identity_documents d where d.id = c.id)`,
    );
    expect(orphans.rowCount).toBe(0);
    expect(page.html).not.toContain('type="file"');
  });

  it('is refused when the body is broken', async () => {
    const { kycLink } = await newCustomer(server.api);
    const url = `${kycLink}/documents`;
    const multipart = { 'content-type': 'multipart/form-data; boundary=x' };
    const part = '--x\r\nContent-Disposition: form-data; name="kind"\r\n\r\npassport\r\n';
    const broken = [
      await send(url, { method: 'POST', body: part, headers: multipart }),
      await send(url, { method: 'POST', body: 'x', headers: { 'content-type': 'multipart/form-data' } }),
      await send(url, { method: 'POST', body: `${part.repeat(60)}--x--`, headers: multipart }),
    ];
    expect(broken.map(({ status }) => status)).toEqual([400, 400, 400]);
    const json = { 'content-type': 'application/json' };
    expect((await send(url, { method: 'POST', body: '{}', headers: json })).status).toBe(415);
    const large = `a=${'x'.repeat(70_000)}`;
    const urlencoded = { 'content-type': 'application/x-www-form-urlencoded' };
    expect((await send(url, { method: 'POST', body: large, headers: urlencoded })).status).toBe(413);
    const many = Array.from({ length: 60 }, (_, index) => `a${index}=1`).join('&');
    expect((await send(url, { method: 'POST', body: many, headers: urlencoded })).status).toBe(400);
  });
});

describe('a submission', () => {
  it('waits for a decision in live, whatever was chosen', async () => {
    const customer = await newCustomer(server.live);
    await fillIndividual(customer.kycLink, { lastName: 'Denied' });
    const review = await openPage(`${customer.kycLink}/review`);
    expect(review.html).not.toMatch(/Sandbox|name="decision"/);
    await submit(customer.kycLink, 'approved');
    expect(await customerOf(customer.id, server.live)).toMatchObject({
      kycStatus: 'under_review',
      status: 'active',
    });
    const status = await openPage(`${customer.kycLink}/status`);
    expect(status.html).toContain('We are checking your details');
    expect(status.html).not.toContain('name="decision"');
    const fields = { form: hidden(review, 'form'), decision: 'approved' };
    expect((await postForm(`${customer.kycLink}/decide`, fields)).status).toBe(404);
    expect((await customerOf(customer.id, server.live)).kycStatus).toBe('under_review');
  });

  it.each([
    ['approved', 'approved', 'active'],
    ['under_review', 'under_review', 'active'],
    ['rejected', 'rejected', 'rejected'],
    ['nonsense', 'under_review', 'active'],
  ])('is decided in the sandbox as chosen: %s', async (decision, kycStatus, status) => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    await submit(customer.kycLink, decision);
    expect(await customerOf(customer.id)).toMatchObject({ kycStatus, status });
    expect(await updates(customer.id)).toBe(1);
  });

  it.each([
    ['Review', {}, 'under_review'],
    ['denied', {}, 'rejected'],
    ['Lovelace', { lastName: 'Denied' }, 'rejected'],
  ])('is decided in the sandbox by a test value as last name: %s %j', async (lastName, body, kycStatus) => {
    const customer = await newCustomer(server.api, body);
    await fillIndividual(customer.kycLink, { lastName });
    await submit(customer.kycLink, 'approved');
    expect((await customerOf(customer.id)).kycStatus).toBe(kycStatus);
  });

  it('under review is decided on its page in the sandbox, once', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    await submit(customer.kycLink);
    const status = await openPage(`${customer.kycLink}/status`);
    const fields = { form: hidden(status, 'form') };
    expect((await postForm(`${customer.kycLink}/decide`, { ...fields, decision: 'x' })).status).toBe(400);
    await postForm(`${customer.kycLink}/decide`, { ...fields, decision: 'incomplete' });
    expect((await customerOf(customer.id)).kycStatus).toBe('incomplete');

    const again = await openPage(customer.kycLink);
    expect(again.location).toBe(`${customer.kycLink}/status`);
    expect((await openPage(`${customer.kycLink}/status`)).html).toContain('href="review"');
    expect((await sendStep(customer.kycLink, 'you', { ...individual.you, action: 'save' })).status).toBe(303);
    await submit(customer.kycLink, 'approved');
    await postForm(`${customer.kycLink}/decide`, { ...fields, decision: 'rejected' });
    expect((await customerOf(customer.id)).kycStatus).toBe('approved');
  });

  it('that was never made can be decided all the same, where the sandbox put it under review', async () => {
    const customer = await newCustomer(server.api);
    await decideKyc(server.api, customer.id, 'under_review');
    const form = hidden(await openPage(`${customer.kycLink}/status`), 'form');
    await postForm(`${customer.kycLink}/decide`, { form, decision: 'approved' });
    expect((await customerOf(customer.id)).kycStatus).toBe('approved');
  });

  it('goes on at another process of the same deployment', async () => {
    const other = await server.second();
    const customer = await newCustomer(server.api);
    const there = customer.kycLink.replace(server.app.url, other.url);
    await sendStep(customer.kycLink, 'you', { ...individual.you, action: 'save' });
    await sendStep(there, 'address', { ...individual.address, action: 'save' });
    await sendStep(customer.kycLink, 'work', { ...individual.work, action: 'save' });
    await sendStep(there, 'documents', { action: 'upload', kind: 'passport', file: fileOf('jpg') });
    const both = await Promise.all([submit(customer.kycLink, 'approved'), submit(there, 'approved')]);
    expect(both.map(({ status }) => status)).toEqual([303, 303]);
    expect((await customerOf(customer.id)).kycStatus).toBe('approved');
    expect(await updates(customer.id)).toBe(1);
    await other.stop();
  });

  it('made many times concurrently takes effect once', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    const review = await openPage(`${customer.kycLink}/review`);
    const fields = { form: hidden(review, 'form'), version: hidden(review, 'version'), decision: 'approved' };
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => postForm(`${customer.kycLink}/review`, fields)),
    );
    for (const { location, status } of answers) {
      expect([status, location]).toEqual([303, `${customer.kycLink}/status`]);
    }
    expect(await updates(customer.id)).toBe(1);
  });

  it('of something else than what was shown is not taken', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    const review = await openPage(`${customer.kycLink}/review`);
    const fields = { form: hidden(review, 'form'), version: hidden(review, 'version'), decision: 'approved' };
    await sendStep(customer.kycLink, 'you', { ...individual.you, firstName: 'Augusta', action: 'save' });
    const answer = await postForm(`${customer.kycLink}/review`, fields);
    expect([answer.status, answer.html.includes('Something has changed')]).toEqual([422, true]);
    expect((await customerOf(customer.id)).kycStatus).toBe('not_started');
  });

  it('leaves nothing to be changed', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    const { form } = { form: hidden(await openPage(`${customer.kycLink}/you`), 'form') };
    await submit(customer.kycLink);
    const before = await allRows(server.app);
    for (const [step, fields] of [
      ['you', individual.you],
      ['documents', { action: 'remove', document: 'doc_01jhmbxq7ve2r8n5d0kz3c6tga' }],
      ['review', { version: '7' }],
    ] as const) {
      const answer = await postForm(`${customer.kycLink}/${step}`, { form, ...fields });
      expect([answer.status, answer.location]).toEqual([303, `${customer.kycLink}/status`]);
      expect((await openPage(`${customer.kycLink}/${step}`)).location).toBe(`${customer.kycLink}/status`);
    }
    expect((await allRows(server.app)).get('identity_cases')).toEqual(before.get('identity_cases'));
  });

  it('shows the reasons that are meant for the customer, and no others', async () => {
    const customer = await newCustomer(server.api);
    await fillIndividual(customer.kycLink);
    await submit(customer.kycLink);
    const reasons = [
      { code: 'blurred', message: 'secret score 12', customerMessage: 'Take <b>another</b> photo' },
    ];
    await decideKyc(server.api, customer.id, 'incomplete', { reasons });
    const { html } = await openPage(`${customer.kycLink}/status`);
    expect(html).toContain('Take &lt;b&gt;another&lt;/b&gt; photo');
    expect(html).not.toContain('secret score');
    await decideKyc(server.api, customer.id, 'rejected', { reasons });
    expect((await openPage(`${customer.kycLink}/status`)).html).toContain('could not verify');
    expect((await customerOf(customer.id)).kycLink).toBeNull();
  });
});

describe('the terms', () => {
  it('are accepted once, with time, version, words and address', async () => {
    const customer = await newCustomer(server.api);
    const terms = await openPage(customer.tosLink);
    expect(terms.html).toContain('Terms of service');
    expect(terms.html).toContain('Version 2026-11-01');
    const fields = { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') };
    const browser = { 'user-agent': 'Mozilla/5.0 (Analytical Engine)' };
    await Promise.all(Array.from({ length: 6 }, () => postForm(customer.tosLink, fields, browser)));
    const { tosAcceptedAt } = await customerOf(customer.id);
    const { rows } = await server.app.pool.query('select * from terms_acceptances where customer_id = $1', [
      customer.id,
    ]);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ version: '2026-11-01', accepted_at: tosAcceptedAt });
    expect(rows[0].text_sha256.toString('hex')).toBe(fields.terms);
    const evidence = await opened(rows[0].evidence, evidenceContext(rows[0].id));
    expect(JSON.parse(evidence.toString())).toEqual({
      address: '127.0.0.1',
      userAgent: browser['user-agent'],
    });
    expect(await updates(customer.id)).toBe(1);
    const change = server.app.pool.query(`update terms_acceptances set version = '1'`);
    await expect(change).rejects.toThrow('permission denied');
    expect((await openPage(customer.tosLink)).html).toContain('You have accepted the terms');
  });

  it('are accepted from the address that a trusted proxy names, and no other', async () => {
    const proxied = await startServer({ masterKey, trustProxy: ['loopback'] });
    try {
      const forwarded = { 'x-forwarded-for': '203.0.113.9, 198.51.100.7' };
      const addresses: string[] = [];
      for (const { api, app } of [server, proxied]) {
        const { tosLink } = await newCustomer(api);
        const terms = await openPage(tosLink);
        const fields = { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') };
        await postForm(tosLink, fields, forwarded);
        const { rows } = await app.pool.query('select * from terms_acceptances order by id desc limit 1');
        const { evidence, id } = rows[0];
        const text = (await opened(evidence, evidenceContext(id), app.pool)).toString();
        addresses.push(JSON.parse(text).address);
      }
      expect(addresses).toEqual(['127.0.0.1', '198.51.100.7']);
    } finally {
      await proxied.stop();
    }
  });

  it('are those of the operator, when there is a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'openledger-terms-'));
    const termsFile = join(folder, 'acme-7.md');
    const text = '# Acme & <b>Co</b>\r\n\r\n## Fees\r\n\r\nNone <i>yet</i>.\r\n\r\n- one\r\n- two\r\n';
    await writeFile(termsFile, text);
    const own = await startServer({ termsFile });
    try {
      const { id, tosLink } = await newCustomer(own.api);
      const terms = await openPage(tosLink);
      expect(terms.html).toContain('<h1>Acme &amp; &lt;b&gt;Co&lt;/b&gt;</h1>');
      expect(terms.html).toMatch(/<h2>Fees<\/h2>\s*<p>None &lt;i&gt;yet&lt;\/i&gt;\.<\/p>/);
      expect(terms.html).toContain('<ul><li>one</li><li>two</li></ul>');
      await postForm(tosLink, { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') });
      const accepted = 'select version from terms_acceptances where customer_id = $1';
      expect((await own.app.pool.query(accepted, [id])).rows).toEqual([{ version: 'acme-7' }]);
      await writeFile(termsFile, ' \n');
      await expect(own.second()).rejects.toThrow('OPENLEDGER_TERMS_FILE');
      await expect(own.second({ termsFile: join(folder, 'none.md') })).rejects.toThrow('ENOENT');
    } finally {
      await own.stop();
      await rm(folder, { recursive: true });
    }
  });

  it('that are not those that were shown are not accepted', async () => {
    const customer = await newCustomer(server.api);
    const form = hidden(await openPage(customer.tosLink), 'form');
    for (const terms of ['', '0'.repeat(64)]) {
      const answer = await postForm(customer.tosLink, { form, terms });
      expect([answer.status, answer.html.includes('The terms have changed')]).toEqual([422, true]);
    }
    expect((await customerOf(customer.id)).tosAcceptedAt).toBeNull();
  });
});

describe('a link', () => {
  it('stays the same for a week, and lives for two at most', async () => {
    const clock = stoppedClock();
    const other = await startServer({ clock });
    try {
      const first = await newCustomer(other.api);
      const read = () => customerOf(first.id, other.api);
      clock.advance(week - 1000);
      expect(await read()).toEqual(first);
      clock.advance(2000);
      const second = await read();
      expect(second.kycLink).not.toBe(first.kycLink);
      expect((await openPage(`${first.kycLink}/you`)).status).toBe(200);
      clock.advance(week);
      const expired = await openPage(`${first.kycLink}/you`);
      expect([expired.status, expired.html.includes('has expired')]).toEqual([410, true]);
      expect((await openPage(first.tosLink)).status).toBe(410);
      const form = { form: hidden(await openPage(`${second.kycLink}/you`), 'form') };
      expect((await postForm(`${first.kycLink}/you`, form)).status).toBe(410);
      expect((await openPage(`${second.kycLink}/you`)).status).toBe(200);
    } finally {
      await other.stop();
    }
  });

  const termsLinkOf = ({ html }: Page, from: string): string | undefined => {
    const href = /href="([^"]*\/terms\/[^"]+)"/.exec(html)?.[1];
    return href === undefined ? undefined : new URL(href, from).href;
  };

  it('to the terms leads to no page about the identity', async () => {
    const customer = await newCustomer(server.api);
    const terms = await openPage(customer.tosLink);
    await postForm(customer.tosLink, { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') });
    const accepted = await openPage(customer.tosLink);
    expect(accepted.html).toContain('verify your identity');
    for (const { html } of [terms, accepted]) {
      expect(html).not.toContain('kyc');
      expect(html).not.toContain(customer.kycLink.split('.').at(-1));
    }
  });

  it('that is reached by another one ends when that one does', async () => {
    const clock = stoppedClock();
    const other = await startServer({ clock });
    try {
      const customer = await newCustomer(other.api);
      clock.advance(week + 1000);
      await fillIndividual(customer.kycLink);
      await submit(customer.kycLink);
      const status = `${customer.kycLink}/status`;
      const reached = termsLinkOf(await openPage(status), status);
      const { tosLink } = await customerOf(customer.id, other.api);
      const expiryOf = (link = '') => link.split('/').at(-1)?.split('.')[0];
      expect(expiryOf(reached)).toBe(expiryOf(customer.kycLink));
      expect(expiryOf(reached)).not.toBe(expiryOf(tosLink));
      expect((await openPage(reached ?? '')).status).toBe(200);
      clock.advance(week);
      const pages = [reached ?? '', customer.kycLink, tosLink].map((link) => openPage(link));
      expect((await Promise.all(pages)).map((page) => page.status)).toEqual([410, 410, 200]);
    } finally {
      await other.stop();
    }
  });

  it('ends when links are revoked, with all others that are out, on every server; new ones work', async () => {
    const other = await server.second();
    const customer = await newCustomer(server.api);
    await sendStep(customer.kycLink, 'you', { ...individual.you, action: 'save' });
    const form = hidden(await openPage(`${customer.kycLink}/you`), 'form');
    const stranger = await newCustomer(server.api);
    const revoked = await ok(server.api.post(`/v1/customers/${customer.id}/links/revoke`));
    expect(await customerOf(customer.id)).toEqual(revoked);
    expect(revoked.updatedAt >= customer.updatedAt).toBe(true);
    expect([revoked.kycLink === customer.kycLink, revoked.tosLink === customer.tosLink]).toEqual([
      false,
      false,
    ]);
    for (const base of [server.app.url, other.url]) {
      const at = (link: string) => link.replace(server.app.url, base);
      for (const link of [`${customer.kycLink}/you`, customer.kycLink, customer.tosLink].map(at)) {
        const page = await openPage(link);
        expect([page.status, page.html.includes('no longer valid')], link).toEqual([410, true]);
        expect(page.html).toContain('ask the company that sent it to you');
        expect(page.html).not.toContain('Ada');
      }
      expect((await postForm(at(`${customer.kycLink}/you`), { form })).status).toBe(410);
      expect((await openPage(at(`${revoked.kycLink}/you`))).html).toContain('value="Ada"');
      expect((await openPage(at(revoked.tosLink))).status).toBe(200);
    }
    expect((await openPage(revoked.kycLink)).location).toBe(`${revoked.kycLink}/address`);
    expect((await openPage(stranger.kycLink)).status).toBe(303);
    const [event] = await ok(
      server.api.get(`/v1/events?type=customer.updated&objectId=${customer.id}&limit=1`),
    );
    expect(event.data).toEqual(revoked);

    const again = await ok(server.api.post(`/v1/customers/${customer.id}/links/revoke`));
    expect((await openPage(revoked.kycLink)).status).toBe(410);
    expect((await openPage(again.kycLink)).status).toBe(303);
    await other.stop();
  });

  it('that is revoked under an idempotency key is revoked once', async () => {
    const { id } = await newCustomer(server.api);
    const key = { 'idempotency-key': `revoke-${id}` };
    const first = await server.api.post(`/v1/customers/${id}/links/revoke`, undefined, key);
    const second = await server.api.post(`/v1/customers/${id}/links/revoke`, undefined, key);
    expect([first.status, second.text]).toEqual([200, first.text]);
    expect((await openPage(first.data.kycLink)).status).toBe(303);
  });

  it('that does not work tells whom to ask', async () => {
    const clock = stoppedClock();
    const supportContact = 'Acme & Co (help@acme.example)';
    const other = await startServer({ clock, supportContact });
    try {
      const expired = await newCustomer(other.api);
      clock.advance(3 * week);
      const revoked = await newCustomer(other.api);
      await ok(other.api.post(`/v1/customers/${revoked.id}/links/revoke`));
      for (const link of [expired.kycLink, revoked.tosLink, `${revoked.kycLink}x`]) {
        const { html } = await openPage(link);
        expect(html).toMatch(/ask Acme &amp; Co \(help@acme\.example\) for/i);
      }
    } finally {
      await other.stop();
    }
  });

  it('that was tampered with, or is for something else, shows nothing', async () => {
    const { kycLink, tosLink } = await newCustomer(server.api);
    const stranger = await newCustomer(server.api);
    const token = kycLink.split('/').at(-1) as string;
    const [expiry, id, environment, code = ''] = token.split('.');
    const base = `${server.app.url}/hosted/kyc`;
    const forged = [
      [Number.parseInt(expiry ?? '', 36) + 1]
        .map((later) => later.toString(36))
        .concat(id ?? '', environment ?? '', code),
      [expiry, stranger.id, environment, code],
      [expiry, id, missingLike(environment ?? ''), code],
      [expiry, id, environment, `${code.slice(0, -2)}AA`],
      [expiry, id, environment, ''],
      [expiry, id, environment],
      [id],
    ].map((parts) => `${base}/${parts.join('.')}`);
    const urls = [
      ...forged,
      `${base}/${tosLink.split('/').at(-1)}`,
      kycLink.replace('/kyc/', '/terms/'),
      `${base}/%00`,
      `${base}/..%2f..%2fv1%2fhealth`,
      `${base}/${'x'.repeat(200)}`,
    ];
    for (const url of urls.flatMap((one) => [one, `${one}/you`])) {
      const page = await openPage(url);
      expect(page.status, url).toBe(404);
      expect(page.html).not.toContain('Ada');
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    }
    expect((await openPage(kycLink)).status).toBe(303);
  });

  it('opens one customer only, and dies with the sandbox that was reset', async () => {
    const other = await newOrganisation(server, 'hosted pages');
    const customer = await newCustomer(other.api, { firstName: 'Zuleika' });
    expect((await openPage(`${customer.kycLink}/you`)).html).toContain('Zuleika');
    await ok(other.api.post('/v1/sandbox/reset'));
    const gone = await openPage(`${customer.kycLink}/you`);
    expect([gone.status, gone.html.includes('Zuleika')]).toEqual([404, false]);
  });

  it('is refused under another master key', async () => {
    const { kycLink } = await newCustomer(server.api);
    const other = await startServer();
    const page = await openPage(kycLink.replace(server.app.url, other.app.url));
    await other.stop();
    expect(page.status).toBe(404);
  });
});

describe('a form', () => {
  it('is taken from its own page only', async () => {
    const { kycLink } = await newCustomer(server.api);
    const { kycLink: other } = await newCustomer(server.api);
    const url = `${kycLink}/you`;
    const form = hidden(await openPage(url), 'form');
    const foreign = hidden(await openPage(`${other}/you`), 'form');
    const fields = { ...individual.you, action: 'save' };
    const origin = new URL(server.app.url).origin;
    const attempts: [Record<string, string>, Record<string, string>, number][] = [
      [{}, {}, 403],
      [{ form: '' }, {}, 403],
      [{ form: foreign }, {}, 403],
      [{ form: form.slice(1) }, {}, 403],
      [{ form }, { 'sec-fetch-site': 'cross-site' }, 403],
      [{ form }, { 'sec-fetch-site': 'same-site' }, 403],
      [{ form }, { origin: 'https://evil.example' }, 403],
      [{ form }, { origin: 'nonsense' }, 403],
      [{ form }, { 'sec-fetch-site': 'same-origin', origin: 'null' }, 303],
      [{ form }, { origin }, 303],
      [{ form }, { origin: 'null' }, 303],
      [{ form }, {}, 303],
    ];
    for (const [proof, headers, status] of attempts) {
      const before = await countRows(server.app, 'identity_cases');
      const answer = await postForm(url, { ...fields, ...proof }, headers);
      expect(answer.status, JSON.stringify([proof, headers])).toBe(status);
      if (status === 403) expect(await countRows(server.app, 'identity_cases')).toBe(before);
    }
  });

  it('shows hostile input as text', async () => {
    const hostile = `"><script>alert('x')</script>&amp;{{7*7}}`;
    const customer = await newCustomer(server.api, {
      firstName: hostile,
      lastName: '</title><svg onload=1>',
    });
    const { kycLink } = customer;
    const prefilled = await openPage(`${kycLink}/you`);
    const wrong = await sendStep(kycLink, 'address', { city: hostile, 'country.search': hostile });
    await sendStep(kycLink, 'you', { ...individual.you, firstName: hostile, action: 'save' });
    const file = fileOf('jpg', 'x', 'x" onerror="alert(1).jpg');
    await sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file });
    const searched = await sendStep(kycLink, 'work', { 'occupation.search': hostile, action: 'search' });
    const pages = [
      prefilled,
      wrong,
      searched,
      await openPage(`${kycLink}/review`),
      await openPage(`${kycLink}/documents`),
    ];
    for (const { html } of pages) {
      expect(html).not.toMatch(/<script|<svg onload|" onerror=/);
    }
    for (const { html } of [prefilled, wrong, searched]) {
      expect(html).toContain(
        'value="&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;amp;{{7*7}}"',
      );
    }
  });

  it('keeps the answers that several tabs give concurrently', async () => {
    const { kycLink } = await newCustomer(server.api);
    await Promise.all(
      (['you', 'address', 'work'] as const).map((step) =>
        sendStep(kycLink, step, { ...individual[step], action: 'save' }),
      ),
    );
    expect((await openPage(kycLink)).location).toBe(`${kycLink}/documents`);
  });
});

describe('every page', () => {
  const headers = {
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'cache-control': 'no-store',
  };

  it('allows nothing but its own style sheet and its own forms, errors included', async () => {
    const { kycLink, tosLink } = await newCustomer(server.api);
    const pages = [
      await openPage(`${kycLink}/you`),
      await openPage(tosLink),
      await openPage(kycLink),
      await openPage(`${kycLink}x`),
      await openPage(`${server.app.url}/hosted/nothing`),
      await openPage(`${server.app.url}/hosted/kyc`),
      await postForm(`${kycLink}/you`, {}),
      await send(`${kycLink}/you`, { method: 'PUT' }),
    ];
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 303, 404, 404, 404, 403, 404]);
    for (const page of pages) {
      expect(page.headers).toMatchObject(headers);
      expect(page.headers['content-security-policy']).toMatch(
        /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$/,
      );
      expect(page.headers['x-request-id']).toMatch(/^req_/);
      expect(page.headers['set-cookie']).toBeUndefined();
    }
  });

  it('is no part of the API, whose errors and bodies stay as they are', async () => {
    const document = await (await fetch(`${server.app.url}/openapi.json`)).text();
    expect(document).not.toContain('"/hosted');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await server.api.raw('POST', '/v1/customers', '{"email":"a@b.co"}', form);
    expect([answer.status, answer.error.reason]).toEqual([400, 'unsupported_content_type']);
    expect((await server.api.get('/v1/nothing')).error.reason).toBe('route_not_found');
  });

  it('comes at a limited rate for an address', async () => {
    const limited = await startServer({ rateLimit: { writesPerSecond: 500, readsPerSecond: 2000 } });
    try {
      const { kycLink } = await newCustomer(limited.api);
      const pages = await Promise.all(Array.from({ length: 40 }, () => openPage(`${kycLink}/you`)));
      const refused = pages.filter(({ status }) => status === 429);
      expect(refused.length).toBeGreaterThan(10);
      expect(refused[0]?.headers['retry-after']).toBe('1');
      expect(refused[0]?.html).toContain('Wait a minute');
      await newCustomer(limited.api);
    } finally {
      await limited.stop();
    }
  });

  it('is cut off when far too much is sent', async () => {
    const { kycLink } = await newCustomer(server.api);
    const { pathname } = new URL(`${kycLink}/documents`);
    const head =
      `POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n` +
      `Content-Length: ${64 * 1024 * 1024}\r\n\r\n--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n`;
    const answer = await rawExchange(
      server.app.url,
      Buffer.concat([Buffer.from(head), Buffer.alloc(40 * 1024 * 1024)]),
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(answer).toMatch(/connection: close/i);
  });

  it('without a valid link reads no body at all', async () => {
    const { kycLink } = await newCustomer(server.api);
    const { pathname } = new URL(`${kycLink}x/documents`);
    const head = `POST ${pathname} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n`;
    const answer = await rawExchange(
      server.app.url,
      `${head}Content-Length: 8000000\r\nConnection: close\r\n\r\n--x`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
  });
});

it('leaves nothing that is personal in plain text in any table', async () => {
  const customer = await newCustomer(server.api, { type: 'business', businessName: 'Quagmire Holdings' });
  const secrets = {
    legalName: 'Quagmire Holdings',
    registrationNumber: 'HRB-778899',
    addressLine1: 'Winterbourne Alley 3',
    city: 'Nether Wallop',
    postalCode: 'NW7 7WN',
    taxId: 'TAX-556677',
    ownerName: 'Peregrine',
    fileName: 'peregrine-passport.png',
    content: 'the bytes of a passport',
    agent: 'Mozilla/5.0 (Quagmire)',
  };
  const { kycLink, tosLink } = customer;
  await sendStep(kycLink, 'business', { ...company.business, ...secrets, action: 'save' });
  await sendStep(kycLink, 'address', { ...company.address, ...secrets, action: 'save' });
  await sendStep(kycLink, 'activity', { ...company.activity, taxId: secrets.taxId, action: 'save' });
  await sendStep(kycLink, 'owners', { ...owner, firstName: secrets.ownerName, action: 'add' });
  const file = fileOf('png', secrets.content, secrets.fileName);
  await sendStep(kycLink, 'documents', { action: 'upload', kind: 'registration', file });
  const terms = await openPage(tosLink);
  const fields = { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') };
  await postForm(tosLink, fields, { 'user-agent': secrets.agent });
  await submit(kycLink);
  expect((await customerOf(customer.id)).kycStatus).toBe('under_review');

  const rows = await allRows(server.app);
  expect(rows.get('identity_cases')?.join()).toContain(customer.id);
  const stored = [...rows.values()].flat().join('\n').toLowerCase();
  const traces = Object.values(secrets).flatMap((text) => [
    text,
    Buffer.from(text).toString('hex'),
    Buffer.from(text).toString('base64').slice(0, -4),
  ]);
  expect(traces.filter((trace) => stored.includes(trace.toLowerCase()))).toEqual([]);
  const acceptances = rows.get('terms_acceptances')?.join('\n');
  expect(acceptances).toContain(customer.id);
  expect(acceptances).not.toContain('127.0.0.1');
});
