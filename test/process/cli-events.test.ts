import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventTypes } from '../../server/src/events/types.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { newCustomer, ok } from '../support/factories.ts';
import {
  endLaunched,
  freePort,
  type Launched,
  launch,
  makeTempDir,
  runScript,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';
import { type Received, type Receiver, startReceiver } from '../support/receiver.ts';
import { genuine } from '../support/webhooks.ts';

/** `openledger listen` and `openledger trigger`, against a real server and a real receiver. */

const tool = join(import.meta.dirname, '../../cli/bin/openledger.mjs');
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

let directory: { path: string; remove(): Promise<void> };
let dataDir: string;
let server: ServerProcess;
let api: ApiClient;
let port: number;
const startOn = () =>
  startServerProcess({
    args: ['--data-dir', dataDir, '--port', String(port), '--log-level', 'error', '--sandbox-step-ms', '20'],
  });

beforeAll(async () => {
  directory = await makeTempDir();
  dataDir = join(directory.path, 'data');
  port = await freePort();
  server = await startOn();
  api = await createClient(server.url, server.testKey ?? '');
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

const settings = (env: Record<string, string> = {}) => ({
  env: { OPENLEDGER_DATA_DIR: dataDir, OPENLEDGER_URL: server.url, ...env },
  cwd: directory.path,
});

/** Runs the tool to its end. */
const openledger = (args: readonly string[], env?: Record<string, string>) =>
  runScript('cli/bin/openledger.mjs', { args, ...settings(env) });

/** Starts to listen and waits until it does. */
async function listen(...args: string[]): Promise<Launched> {
  const running = launch(process.execPath, { args: [tool, 'listen', ...args], ...settings() });
  await expect.poll(() => running.stdout(), { timeout: 20_000 }).toContain('Listening to');
  return running;
}

/** Ends it as Ctrl-C does. */
async function interrupt(running: Launched): Promise<string> {
  running.child.kill('SIGINT');
  expect(await running.exit()).toEqual({ code: 0, signal: null });
  expect(running.stderr()).toBe('');
  return running.stdout();
}

const idOf = ({ body }: Received): string => JSON.parse(body).data.id;

describe('listen', () => {
  let receiver: Receiver;
  beforeEach(() => async () => receiver?.stop());

  test('forwards each event as a webhook would get it, and shows a line for it', async () => {
    receiver = await startReceiver(
      (response, count) => void response.writeHead(count === 2 ? 500 : 204).end(),
    );
    const secretFile = join(directory.path, 'secret');
    await writeFile(secretFile, `${secret}\n`);
    const running = await listen('--forward-to', receiver.url, '--secret-file', secretFile);
    const made = [await newCustomer(api), await newCustomer(api), await newCustomer(api)];
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(3);
    const said = await interrupt(running);
    expect(receiver.received.map(idOf)).toEqual(made.map(({ id }) => id));
    for (const received of receiver.received) {
      expect(genuine(received, secret)).toEqual({ ledger: true, standard: true, withoutLibrary: true });
      const event = JSON.parse(received.body);
      expect(await ok(api.get(`/v1/events/${event.id}`))).toEqual(event);
      expect(received.headers['x-ledger-event-type']).toBe('customer.created');
      expect(said).toContain(event.id);
    }
    expect(said).toContain(`Events are signed with ${secret}`);
    expect(said).toMatch(/customer\.created +evt_\w+ {2}→ 204 {2}\d+ ms/);
    expect(said).toMatch(/→ 500 /);
    expect(said).toContain('3 events, 1 not taken by the receiver');
    expect(said).not.toContain('ada@example.com');
  });

  test('chooses events, begins where it is told to, and makes a secret of its own', async () => {
    receiver = await startReceiver();
    const { id } = await newCustomer(api);
    await ok(api.post(`/v1/sandbox/customers/${id}/kyc`, { kycStatus: 'approved' }));
    const running = await listen(
      '--from-start',
      '--events',
      'customer.updated',
      '--forward-to',
      receiver.url,
    );
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(1);
    const [, own = ''] = /signed with (\S+)/.exec(running.stdout()) ?? [];
    expect(genuine(receiver.received[0] as Received, own).standard).toBe(true);
    await ok(api.post('/v1/crypto-wallets', { customerId: id }));
    await ok(api.post(`/v1/sandbox/customers/${id}/kyc`, { kycStatus: 'rejected' }));
    await expect.poll(() => receiver.received.length).toBe(2);
    expect(await interrupt(running)).toContain('2 events');
  });

  test('shows events without forwarding them, and goes on when the receiver is away', async () => {
    const running = await listen();
    const away = await listen('--forward-to', `127.0.0.1:${await freePort()}/hooks`);
    await newCustomer(api);
    await newCustomer(api);
    await expect.poll(() => away.stdout().match(/ECONNREFUSED/g)?.length).toBe(2);
    await expect.poll(() => running.stdout().match(/customer\.created/g)?.length).toBe(2);
    expect(await interrupt(running)).not.toContain('→');
    expect(await interrupt(away)).toContain('2 events, 2 not taken by the receiver');
  });

  test('misses nothing and sends nothing twice when the server is killed, and says that it waits', async () => {
    receiver = await startReceiver();
    const running = await listen('--forward-to', receiver.url);
    const made: string[] = [];
    for (let round = 0; round < 3; round += 1) {
      const all = await Promise.allSettled(Array.from({ length: 20 }, () => newCustomer(api)));
      made.push(...all.flatMap((one) => (one.status === 'fulfilled' ? [one.value.id] : [])));
      await server.stop('SIGKILL');
      server = await startOn();
      const times = () => running.stdout().match(/connected again; nothing was missed/g)?.length;
      await expect.poll(times, { timeout: 20_000 }).toBe(round + 1);
    }
    made.push((await newCustomer(api)).id);
    await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(made.length);
    const said = await interrupt(running);
    expect(receiver.received.map(idOf).sort()).toEqual(made.sort());
    expect(said.match(/waiting: No server answers/g)?.length).toBe(3);
  }, 60_000);

  test("the guide's commands run as they are written", async () => {
    receiver = await startReceiver();
    const guide = await readFile(join(import.meta.dirname, '../../docs/guides/command-line.md'), 'utf8');
    const [, written = ''] = /## Receive events locally[\s\S]*?```\n([\s\S]*?)```/.exec(guide) ?? [];
    const commands = written.trim().replace('localhost:3000/hooks', receiver.url.replace('http://', ''));
    const [first = [], second = []] = commands.split('\n').map((line) => line.split(' ').slice(2));
    expect([first[0], second]).toEqual(['listen', ['trigger', 'transaction.completed']]);
    const running = await listen(...first.slice(1));
    expect((await openledger(second)).code).toBe(0);
    const types = () => receiver.received.map(({ headers }) => headers['x-ledger-event-type']);
    await expect.poll(types, { timeout: 10_000 }).toContain('transaction.completed');
    await interrupt(running);
  });

  test('goes on with the new sandbox after a reset', async () => {
    const running = await listen();
    await ok(api.post('/v1/sandbox/reset'));
    const { id } = await newCustomer(api);
    const [event] = await ok(api.get(`/v1/events?objectId=${id}`));
    await expect.poll(() => running.stdout(), { timeout: 10_000 }).toContain(event.id);
    await interrupt(running);
  });

  test('ends when its key is revoked, and says why', async () => {
    const { stdout: key } = await openledger(['keys', 'create', '--env', 'test']);
    const running = launch(process.execPath, {
      args: [tool, 'listen'],
      ...settings({ OPENLEDGER_KEY: key.trim() }),
    });
    await expect.poll(() => running.stdout(), { timeout: 20_000 }).toContain('Listening to');
    const revoked = await openledger(['keys', 'revoke', key.split('_')[2] ?? '']);
    expect(revoked.code, revoked.stderr).toBe(0);
    expect(await running.exit()).toEqual({ code: 1, signal: null });
    expect(running.stderr()).toBe('error: The server ended the event stream: the API key was revoked.\n');
  });

  test.each([
    ['a wrong key', ['--key', 'ld_test_nobody_knows'], /^error: .*key/i],
    ['an unknown event', ['--events', 'customer.exploded'], /customer\.exploded.*customer\.created/],
    [
      'a server that is not there',
      ['--url', 'http://127.0.0.1:1'],
      /^error: No server answers at .*npm start/,
    ],
    ['no URL', ['--forward-to', 'ftp://example.com'], /--forward-to.*is wrong.*must be a URL/],
    ['a secret of another form', ['--secret-file', '/etc/hostname'], /--secret-file.*is wrong.*whsec_/],
    ['a live key on the command line', ['--key', 'ld_live_hunter2_x'], /^error: --key .*OPENLEDGER_KEY/],
    ['a data directory without a key', ['--data-dir', '/nowhere'], /^error: There is no key in \/nowhere/],
  ])('says what is wrong: %s', async (_, args, words) => {
    const { code, stderr, stdout } = await openledger(['listen', ...args]);
    expect([code, stdout], stderr).toEqual([1, '']);
    expect(stderr).toMatch(words);
    expect(stderr).not.toMatch(/\n\s+at |hunter2/);
  });
});

describe('trigger', () => {
  test.each(eventTypes)('%s: makes the calls that cause it', async (type) => {
    const { code, stderr, stdout } = await openledger(['trigger', type]);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const [, id = ''] = /\n\n(?:\S+) {2}(evt_\w+) /.exec(stdout) ?? [];
    const event = await ok(api.get(`/v1/events/${id}`));
    expect(event.type).toBe(type);
    expect(stdout).toMatch(/^POST {3}\/v1\/\S+ {2}\w+_\w+\n/);
    if (type !== 'webhook.test') expect(stdout).toContain(event.data.id);
  });

  test('lists what it knows, and refuses what it does not, and live keys', async () => {
    const { code, stdout } = await openledger(['trigger', '--help']);
    expect(code).toBe(0);
    for (const type of eventTypes) expect(stdout).toContain(type);
    const unknown = await openledger(['trigger', 'customer.exploded']);
    expect([unknown.code, unknown.stdout]).toEqual([1, '']);
    expect(unknown.stderr).toMatch(
      /^error: The event "customer.exploded" does not exist. The events are:\n {2}customer.created/,
    );
    const live = await openledger(['trigger', 'customer.created'], { OPENLEDGER_KEY: server.liveKey ?? '' });
    expect([live.code, live.stdout]).toEqual([1, '']);
    expect(live.stderr).toMatch(/must be a test key/);
    expect(await ok((await createClient(server.url, server.liveKey ?? '')).get('/v1/customers'))).toEqual([]);
  });
});
