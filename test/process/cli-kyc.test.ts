import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiClient, createClient } from '../support/client.ts';
import { newCustomer, ok } from '../support/factories.ts';
import { fileOf, fillIndividual, hidden, openPage, postForm, sendStep, submit } from '../support/hosted.ts';
import {
  endLaunched,
  makeTempDir,
  runScript,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';

let directory: { path: string; remove(): Promise<void> };
let server: ServerProcess;
let live: ApiClient;

beforeAll(async () => {
  directory = await makeTempDir();
  server = await startServerProcess({
    args: ['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off'],
  });
  live = await createClient(server.url, server.liveKey ?? '');
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

/** Runs `openledger kyc …` on the server's data. */
async function kyc(args: readonly string[], env: Record<string, string> = {}) {
  return runScript('cli/bin/openledger.mjs', {
    args: ['kyc', ...args],
    env: { OPENLEDGER_DATA_DIR: join(directory.path, 'data'), ...env },
    cwd: directory.path,
  });
}

async function succeeds(args: readonly string[]): Promise<string> {
  const { code, stderr, stdout } = await kyc(args);
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  return stdout;
}

async function fails(args: readonly string[], env?: Record<string, string>): Promise<string> {
  const { code, stderr, stdout } = await kyc(args, env);
  expect({ code, stdout }, stderr).toEqual({ code: 1, stdout: '' });
  expect(stderr).not.toMatch(/\n\s+at /);
  return stderr;
}

const reject = (id: string, ...more: string[]) => [
  'reject',
  id,
  '--code',
  'blurred',
  '--message',
  'The photo is blurred',
  '--customer-message',
  'Please send a sharper photo.',
  ...more,
];

/** A live customer who has submitted their form. */
async function waiting(): Promise<{ id: string; kycLink: string; tosLink: string }> {
  const customer = await newCustomer(live);
  await fillIndividual(customer.kycLink, { firstName: 'Augusta\u00a0Ada' });
  await submit(customer.kycLink);
  return customer;
}

const read = (id: string) => ok(live.get(`/v1/customers/${id}`));

describe('beside a running server', () => {
  test('who waits is listed without personal data, shown in full, and approved', async () => {
    expect(await succeeds(['list'])).toBe('Nobody waits for a decision.\n');
    const { id, tosLink } = await waiting();
    const list = await succeeds(['list']);
    expect(list).toMatch(new RegExp(`^${id} {2}live {2}individual {2}\\d{4}-\\d\\d-\\d\\dT[\\d:.]+Z\\n$`));

    const shown = await succeeds(['show', id]);
    for (const text of ['Augusta Ada', 'Lovelace', '10 December 1985', 'Software Developers', 'SW1Y 4JH']) {
      expect(shown).toContain(text);
    }
    expect(shown).toContain('ada@example.com');
    expect(shown).toMatch(/Passport +doc_[0-9a-z]{26} {2}scan\.jpg/);

    expect(await succeeds(['approve', id])).toBe(`${id} is approved.\n`);
    const approved = await read(id);
    // The links of the event were made by the command: they are those that the server makes.
    expect(approved).toMatchObject({ kycStatus: 'approved', kycLink: null, tosLink });
    const [event] = await ok(live.get('/v1/events?type=customer.updated&limit=1'));
    expect(event.data).toEqual(approved);
    expect(await succeeds(['list'])).toBe('Nobody waits for a decision.\n');
    expect(await fails(['approve', id])).toContain('must be under review; its identity is approved');

    const terms = await openPage(tosLink);
    await postForm(tosLink, { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') });
    expect(await succeeds(['show', id])).toMatch(/Version 2026-11-01 +accepted \S+Z from 127\.0\.0\.1/);
    expect((await read(id)).capabilities.transfers).toBe(true);
  });

  test('a rejection reaches the client and the customer; asking again opens the form again', async () => {
    const { id, kycLink } = await waiting();
    expect(await succeeds(reject(id, '--ask-again'))).toBe(`${id} is asked to submit again.\n`);
    const reason = {
      code: 'blurred',
      message: 'The photo is blurred',
      customerMessage: 'Please send a sharper photo.',
    };
    expect(await read(id)).toMatchObject({
      status: 'active',
      kycStatus: 'incomplete',
      kycLink,
      kycRejectionReasons: [reason],
    });
    expect((await openPage(`${kycLink}/status`)).html).toContain(reason.customerMessage);
    expect(await fails(reject(id))).toContain('must be under review; its identity is incomplete');
    await submit(kycLink);
    expect(await succeeds(reject(id))).toBe(`${id} is rejected.\n`);
    expect(await read(id)).toMatchObject({
      status: 'rejected',
      kycStatus: 'rejected',
      kycLink: null,
      kycRejectionReasons: [reason],
    });
  });

  test('documents are written to files that only their owner can read, and overwrite none', async () => {
    const { id, kycLink } = await newCustomer(live);
    const out = join(directory.path, 'documents');
    expect(await fails(['documents', id, '--out', out])).toContain('has sent no documents');
    const files = [fileOf('pdf', 'first'), fileOf('png', 'second', '../../escape.png')];
    for (const file of files)
      await sendStep(kycLink, 'documents', { action: 'upload', kind: 'passport', file });
    const printed = await succeeds(['documents', id, '--out', out]);
    const names = (await readdir(out)).sort();
    expect(printed).toBe(names.map((name) => `${join(out, name)}\n`).join(''));
    expect(names).toEqual([
      expect.stringMatching(/^passport-doc_[0-9a-z]{26}\.pdf$/),
      expect.stringMatching(/^passport-doc_[0-9a-z]{26}\.png$/),
    ]);
    for (const [index, file] of files.entries()) {
      const path = join(out, names[index] as string);
      expect(await readFile(path)).toEqual(Buffer.from(await file.arrayBuffer()));
      expect((await stat(path)).mode & 0o777).toBe(0o600);
    }
    expect(await fails(['documents', id, '--out', out])).toContain('exists already');
  });

  test('what is asked wrongly is reported with a clear message', async () => {
    const { id } = await newCustomer(live);
    expect(await fails(['show', 'cus_nobody'])).toContain('There is no customer cus_nobody');
    expect(await fails(['approve', id])).toContain('must be under review; its identity is not_started');
    expect(await fails(['reject', id])).toContain('--code');
    expect(await fails(['reject', id, '--code', 'x', '--message', 'y'])).toContain('--customer-message');
    expect(await fails(reject(id).map((word) => (word === 'blurred' ? ' ' : word)))).toContain(
      '--code must have 1 to 255',
    );
    expect(await fails(['documents', id])).toContain('--out');
    const other = { OPENLEDGER_MASTER_KEY: 'ab'.repeat(32) };
    for (const args of [
      ['show', id],
      ['approve', id],
      ['documents', id, '--out', 'x'],
    ]) {
      expect(await fails(args, other)).toContain('must be the key that this database was encrypted with');
    }
  });
});

test('--help names what there is', async () => {
  const help = await succeeds(['--help']);
  for (const name of ['list', 'show', 'documents', 'approve', 'reject']) expect(help).toContain(name);
  expect(await succeeds(['reject', '--help'])).toMatch(/--code[\s\S]*--customer-message[\s\S]*--ask-again/);
});

test('without a master key nothing personal is shown, and no key is made', async () => {
  const { id } = await waiting();
  await server.stop();
  const { databaseUrl } = server;
  expect(databaseUrl).toBeDefined();
  const again = await startServerProcess({
    args: ['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off'],
  });
  const empty = { DATABASE_URL: again.databaseUrl ?? '', OPENLEDGER_DATA_DIR: join(directory.path, 'empty') };
  expect((await kyc(['list'], empty)).stdout).toContain(id);
  expect(await fails(['show', id], empty)).toContain(
    'OPENLEDGER_MASTER_KEY (or OPENLEDGER_MASTER_KEY_FILE) must be set',
  );
  await expect(stat(join(directory.path, 'empty'))).rejects.toThrow('ENOENT');
});
