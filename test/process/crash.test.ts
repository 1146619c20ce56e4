import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Caller,
  type CountingReceiver,
  createCaller,
  createDraw,
  forEachOf,
  type Ground,
  randomFrom,
  type Sent,
  sendUntilGone,
  startCountingReceiver,
  waitUntil,
  walk,
} from '../harness/crash-load.ts';
import {
  endLaunched,
  launchServer,
  makeTempDir,
  postgresPid,
  type ServerProcess,
  startServerProcess,
} from '../harness/process.ts';

/** kill -9 at random moments under load. `CRASH_ROUNDS` and `CRASH_SEED` say how often, and choose the moments. */
const rounds = Number(process.env.CRASH_ROUNDS ?? 20);
const seed = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31));
const clients = 32;
const longestLoadMs = 250;
/** What was claimed for delivery when the server died is tried again when the claim runs out, after 30 s. */
const calmMs = 60_000;

const random = randomFrom(seed);
const lanes = random() < 0.5 ? 1 : 4;

let directory: { path: string; remove(): Promise<void> };
let receiver: CountingReceiver;
let agent: Agent;
let server: ServerProcess;

beforeAll(async () => {
  directory = await makeTempDir();
  receiver = await startCountingReceiver();
});
afterAll(async () => {
  await endLaunched();
  await agent?.destroy();
  await receiver.close();
  await directory.remove();
});

const options = () => ({
  args: [
    ...['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off', '--lanes', String(lanes)],
    ...['--sandbox-step-ms', '20', '--log-level', 'error'],
  ],
});

let testKey = '';

async function start(): Promise<Caller> {
  await agent?.destroy();
  agent = new Agent({ connections: clients, headersTimeout: 20_000, bodyTimeout: 20_000 });
  server = await startServerProcess(options());
  testKey ||= server.testKey ?? '';
  expect(server.testKey).toBe(testKey);
  return createCaller(server.url, testKey, agent);
}

/** Makes a customer with wallets that hold enough, an empty wallet, and the webhook. */
async function prepareGround(caller: Caller): Promise<Ground> {
  const make = async (path: string, body: object): Promise<{ id: string }> => {
    const { status, text } = await caller.post(path, body);
    expect(status, text).toBe(200);
    return JSON.parse(text).data;
  };
  await make('/v1/webhooks', { url: receiver.url, events: ['*'] });
  const { id: customerId } = await make('/v1/customers', {
    email: 'ada@example.com',
    firstName: 'Ada',
    lastName: 'Lovelace',
  });
  await make(`/v1/sandbox/customers/${customerId}/kyc`, { kycStatus: 'approved' });
  const walletIds = [];
  for (let index = 0; index < 4; index += 1) {
    const { id: walletId } = await make('/v1/crypto-wallets', { customerId });
    await make('/v1/sandbox/crypto-deposits', {
      walletId,
      chain: 'base',
      currency: 'usdc',
      amount: '1000000',
    });
    walletIds.push(walletId);
  }
  const { id: emptyWalletId } = await make('/v1/crypto-wallets', { customerId });
  return { customerId, walletIds, emptyWalletId };
}

/** Kills the server, and now and then PostgreSQL with it, under load at a random moment. */
async function crashUnderLoad(caller: Caller, draw: () => Sent): Promise<Sent[]> {
  const killPostgres = random() < 0.25;
  const afterMs = 20 + random() * longestLoadMs;
  const postgres = await postgresPid(server.dataDir);
  const sending = sendUntilGone(caller, draw, clients);
  await sleep(afterMs);
  if (killPostgres && postgres !== undefined && random() < 0.5) process.kill(postgres, 'SIGKILL');
  server.child.kill('SIGKILL');
  if (killPostgres && postgres !== undefined) killQuietly(postgres);
  await server.exit();
  return sending;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}

/** Now and then the next start is killed too. */
async function maybeCrashStart(): Promise<void> {
  if (random() >= 0.2) return;
  const running = launchServer({ args: [...options().args, '--json', '--port', '0'] });
  await sleep(200 + random() * 600);
  running.child.kill('SIGKILL');
  await running.exit();
}

async function expectClean(caller: Caller): Promise<void> {
  const { text } = await caller.get('/v1/ledger/verify');
  expect(JSON.parse(text).data, text).toMatchObject({ ok: true, problems: [] });
}

/** Every acknowledged request's effect is there, and its key gives the same bytes again. */
async function expectKept(caller: Caller, sent: readonly Sent[]): Promise<void> {
  await forEachOf(sent, clients, async ({ answer, body, key, kind, path }) => {
    if (!answer) return;
    expect(answer.status, answer.text).toBe(kind === 'refused' ? 400 : 200);
    const again = await caller.post(path, body, key);
    expect(again, key).toEqual({ ...answer, replayed: true });
    if (kind === 'refused') return;
    const { id } = JSON.parse(answer.text).data;
    const found = await caller.get(`/v1/${kind === 'customer' ? 'customers' : 'transactions'}/${id}`);
    expect(found.status, key).toBe(200);
  });
}

/** What was cut off is sent again with its key, twice: it takes effect now, unless it had already. */
async function sendAgain(caller: Caller, sent: readonly Sent[]): Promise<number> {
  let effective = 0;
  await forEachOf(sent, clients, async (request) => {
    if (request.answer) return;
    const { replayed, status, text } = await caller.post(request.path, request.body, request.key);
    expect(status, text).toBe(request.kind === 'refused' ? 400 : 200);
    request.answer = { status, text };
    if (replayed) effective += 1;
    const again = await caller.post(request.path, request.body, request.key);
    expect(again).toEqual({ status, text, replayed: true });
  });
  return effective;
}

test(
  `nothing is lost when the server is killed ${rounds} times under load (CRASH_SEED=${seed}, ${lanes} lanes)`,
  async () => {
    console.log(`crash test: CRASH_SEED=${seed} CRASH_ROUNDS=${rounds} lanes=${lanes}`);
    let caller = await start();
    const ground = await prepareGround(caller);
    const draw = createDraw(ground, random);
    const all: Sent[] = [];
    const counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const sent = await crashUnderLoad(caller, draw);
      await maybeCrashStart();
      caller = await start();
      await expectClean(caller);
      counts.acknowledged += sent.filter(({ answer }) => answer).length;
      await expectKept(caller, sent);
      counts.cutOff += sent.filter(({ answer }) => !answer).length;
      counts.cutOffButEffective += await sendAgain(caller, sent);
      all.push(...sent);
    }
    await expectClean(caller);
    await expectExactlyOnce(caller, ground, all);
    const events = await expectEveryEvent(caller);
    const isDelivered = () => events.every((id) => receiver.deliveries.has(id));
    await waitUntil(isDelivered, calmMs);
    expect(events.filter((id) => !receiver.deliveries.has(id))).toEqual([]);
    const known = new Set(events);
    expect([...receiver.deliveries.keys()].filter((id) => !known.has(id))).toEqual([]);
    await expectClean(caller);
    expect((await server.stop()).code).toBe(0);
    console.log(`crash test: ${JSON.stringify({ ...counts, events: events.length })}`);
    expect(counts.acknowledged).toBeGreaterThan(rounds);
  },
  120_000 + rounds * 15_000,
);

/** Waits until the transfers have settled; then everything is there once, and the balances are what they must be. */
async function expectExactlyOnce(caller: Caller, ground: Ground, all: readonly Sent[]): Promise<void> {
  const isSettled = async (): Promise<boolean> => {
    const open = ['in_review', 'funds_received', 'payment_submitted'].map((status) =>
      walk(caller, `/v1/transactions?status=${status}`),
    );
    return (await Promise.all(open)).every((items) => items.length === 0);
  };
  expect(await waitUntil(isSettled, calmMs)).toBe(true);
  const ofKind = (kind: Sent['kind']) => all.filter((request) => request.kind === kind);
  const idsOf = (requests: readonly Sent[]) =>
    requests.map(({ answer }) => JSON.parse(answer?.text ?? '').data.id as string).sort();

  const transactions = await walk(caller, '/v1/transactions');
  const transfers = transactions.filter(({ type }) => type === 'transfer');
  expect(transfers.map(({ clientReferenceId }) => clientReferenceId).sort()).toEqual(
    ofKind('transfer')
      .map(({ key }) => key)
      .sort(),
  );
  expect(transfers.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('transfer')));
  const deposits = transactions.filter(({ amount, type }) => type === 'deposit' && amount !== '1000000.00');
  expect(deposits.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('deposit')));
  const customers = (await walk(caller, '/v1/customers')).filter(({ externalId }) => externalId !== null);
  expect(customers.map(({ id }) => id).sort()).toEqual(idsOf(ofKind('customer')));
  expect(new Set(customers.map(({ externalId }) => externalId)).size).toBe(customers.length);

  for (const walletId of ground.walletIds) {
    const minor = (kind: Sent['kind']) =>
      ofKind(kind)
        .map(({ body }) => body as { walletId: string; amount: string })
        .filter((body) => body.walletId === walletId)
        .reduce((sum, { amount }) => sum + toMinor(amount), 0n);
    const { text } = await caller.get(`/v1/crypto-wallets/${walletId}/balance`);
    const expected = 1_000_000_000_000n + minor('deposit') - minor('transfer');
    expect(toMinor(JSON.parse(text).data.balance)).toBe(expected);
  }
}

/**
 * Every customer and transaction has each of its events once.
 *
 * @returns the ids of all events
 */
async function expectEveryEvent(caller: Caller): Promise<string[]> {
  const events = await walk(caller, '/v1/events');
  expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  const found = new Map<string, string[]>();
  for (const { data, type } of events) {
    const name = type === 'transaction.updated' ? `${type} ${data.status}` : type;
    found.set(data.id, [...(found.get(data.id) ?? []), name]);
  }
  const deposit = ['transaction.completed', 'transaction.created'];
  const transfer = [
    ...deposit,
    'transaction.updated completed',
    'transaction.updated funds_received',
    'transaction.updated payment_submitted',
  ];
  for (const { id, type } of await walk(caller, '/v1/transactions')) {
    expect(found.get(id)?.sort(), id).toEqual(type === 'deposit' ? deposit : transfer);
  }
  for (const { externalId, id } of await walk(caller, '/v1/customers')) {
    if (externalId !== null) expect(found.get(id), id).toEqual(['customer.created']);
  }
  return events.map(({ id }) => id as string);
}

function toMinor(amount: string): bigint {
  const [whole = '0', fraction = ''] = amount.split('.');
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}
