import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ApiClient, createClient } from '../support/client.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { fundedWallet, newCustomer, ok, transferBody } from '../support/factories.ts';
import {
  endLaunched,
  launch,
  makeTempDir,
  runScript,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';

const script = 'cli/bin/openledger.mjs';
let directory: { path: string; remove(): Promise<void> };
let database: TestDatabase;
let servers: ServerProcess[];
let env: Record<string, string>;
beforeAll(async () => {
  directory = await makeTempDir();
  database = await createDatabase();
  // Two servers with one key file.
  env = { DATABASE_URL: database.url, OPENLEDGER_DATA_DIR: join(directory.path, 'data') };
  const first = await startServerProcess({ args: ['--rate-limit', 'off'], env });
  servers = [first, await startServerProcess({ args: ['--rate-limit', 'off'], env })];
});
afterAll(async () => {
  await endLaunched();
  await database.drop();
  await directory.remove();
});

const run = (...args: string[]) => runScript(script, { args, env, cwd: directory.path });

const keyFile = async (): Promise<string[]> =>
  (await readFile(join(directory.path, 'data/master.key'), 'utf8')).trim().split('\n');

async function query(text: string) {
  const client = new Client(database.url);
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

async function clients(which: 'testKey' | 'liveKey'): Promise<ApiClient[]> {
  const key = servers[0]?.[which] ?? '';
  return Promise.all(servers.map(({ url }) => createClient(url, key)));
}

test('the master key is rotated under two running servers, through a kill, and the old one forgotten', {
  timeout: 240_000,
}, async () => {
  const apis = await clients('testKey');
  const ids: string[] = [];
  for (let count = 0; count < 60; count += 1) {
    const api = apis[count % 2] as ApiClient;
    ids.push((await newCustomer(api, { email: `ada${count}@example.com` })).id);
  }
  const [api] = apis as [ApiClient];
  const wallet = await fundedWallet(api, '100.00');
  const { id: transfer } = await ok(api.post('/v1/transfers', transferBody(wallet)));
  await expect
    .poll(async () => (await ok(api.get(`/v1/transactions/${transfer}`))).status, { timeout: 30_000 })
    .toBe('completed');
  const [before] = await keyFile();
  let isOver = false;
  let answers = 0;
  const working = apis.map(async (api, index) => {
    for (let count = 0; !isOver; count += 1) {
      await newCustomer(api, { email: `while${index}.${count}@example.com` });
      const id = ids[count % ids.length] as string;
      await ok(api.patch(`/v1/customers/${id}`, { metadata: { count: String(count) } }));
      await ok(api.get(`/v1/customers/${ids[(count * 7) % ids.length]}`));
      answers += 3;
      // A load that leaves the machine to the command, too.
      await sleep(20);
    }
  });

  const broken = launch(process.execPath, {
    args: [new URL(`../../${script}`, import.meta.url).pathname, 'master-key', 'rotate'],
    env,
    cwd: directory.path,
  });
  await expect.poll(async () => (await keyFile()).length, { timeout: 30_000 }).toBe(2);
  broken.child.kill('SIGKILL');
  await broken.exit();
  const status = await run('master-key', 'status');
  expect(status.code, status.stderr).toBe(1);
  expect(status.stdout).toMatch(/customers\.personal: \d+ not sealed under it/);
  const early = await run('master-key', 'forget');
  expect(early.stderr).toContain('run `openledger master-key rotate` first');

  const rotated = await run('master-key', 'rotate');
  expect(rotated.code, rotated.stderr).toBe(0);
  expect(rotated.stderr).toMatch(/customers\.personal: \d+ sealed anew/);
  expect(rotated.stderr).not.toContain('A new master key was added');
  isOver = true;
  await Promise.all(working);
  expect(answers).toBeGreaterThan(0);

  expect(await keyFile()).toHaveLength(2);
  expect((await keyFile())[1]).toBe(before);
  const after = await run('master-key', 'status');
  expect({ code: after.code, last: after.stdout.trim().split('\n').at(-1) }).toEqual({
    code: 0,
    last: 'Everything is sealed under it.',
  });
  const [proven] = await query(
    `update transactions set status = 'in_review', transfer_proof = 'proof.v1.00000000.1.1.x' where id = '${transfer}'
      returning id`,
  );
  expect(proven).toBeDefined();
  const tooEarly = await run('master-key', 'forget');
  expect([tooEarly.code, tooEarly.stderr]).toEqual([
    1,
    expect.stringContaining('Transfers that are under way (1) are proven with a previous key'),
  ]);
  await query(`update transactions set status = 'completed', transfer_proof = null where id = '${transfer}'`);
  expect((await run('master-key', 'forget')).code).toBe(0);
  expect(await keyFile()).toHaveLength(1);
  for (const api of apis) {
    await expect
      .poll(async () => (await api.get('/v1/customers?email=ADA7@example.com')).data.length)
      .toBe(1);
    for (const id of ids) expect((await ok(api.get(`/v1/customers/${id}`))).firstName).toBe('Ada');
    expect((await ok(api.get('/v1/ledger/verify'))).problems).toEqual([]);
  }
  // And a start afterwards, when nothing is remembered any more.
  expect((await servers[1]?.stop())?.code).toBe(0);
  servers[1] = await startServerProcess({ args: ['--rate-limit', 'off'], env });
  const [, again] = await clients('testKey');
  expect((await ok((again as ApiClient).get(`/v1/customers/${ids[0]}`))).firstName).toBe('Ada');
});

test('the operator erases a live customer before time only with a reason, which is kept', {
  timeout: 180_000,
}, async () => {
  const [live] = await clients('liveKey');
  const { id } = await newCustomer(live as ApiClient);
  const refused = await run('customers', 'erase', id);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringMatching(/^error: .* must be kept until 20/),
  ]);
  const silent = await run('customers', 'erase', id, '--force');
  expect([silent.code, silent.stderr]).toEqual([1, 'error: --force requires --reason.\n']);
  const done = await run('customers', 'erase', id, '--force', '--reason', 'a court has ordered it');
  expect([done.code, done.stdout], done.stderr).toEqual([0, `${id} is erased.\n`]);
  const [record] = await query(`select * from customer_erasures where id = '${id}'`);
  expect(record).toMatchObject({ reason: 'a court has ordered it', forced: true });
  expect(record.erased_by).not.toBe('');
  expect(record.retained_until).not.toBeNull();
  expect(record.scrubbed_at).not.toBeNull();
  expect((await ok((live as ApiClient).get(`/v1/customers/${id}`))).firstName).toBe('erased');
  const shown = await run('kyc', 'show', id);
  expect([shown.code, shown.stderr]).toEqual([1, `error: The customer ${id} was erased.\n`]);
  const other = await run('customers', 'erase', 'cus_01jhmbxq7ve2r8n5d0kz3c6tga');
  expect(other.code).toBe(1);
});
