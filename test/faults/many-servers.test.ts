import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { faultOptions, report } from '../support/fault-options.ts';
import { createFaultServers, type FaultServer, type FaultServers } from '../support/fault-servers.ts';
import {
  type Caller,
  createDraw,
  type Fixture,
  prepareFixture,
  randomFrom,
  type Sent,
} from '../support/load.ts';
import { expectKept, expectSound } from '../support/load-outcome.ts';
import { endLaunched, makeTempDir } from '../support/process.ts';

/**
 * Two and four server processes share one database, with one lane and with four. Every request is sent to two of them
 * concurrently with the same key. Half of the requests are transfers from one wallet, which has money for two thirds of them.
 *
 * Outcome: both responses are equal byte for byte, and so is that of a third server later. The hot wallet ends at exactly
 * zero. Verification finds nothing, and every acknowledged request exists exactly once.
 */
const { isLong, seed } = faultOptions('many-servers', { short: 1, long: 1 });
const clients = 24;
const hotTransfers = isLong ? 3000 : 150;
const hotMoney = (hotTransfers / 3) * 2;

/** Numbers of processes and lanes; the short form has one of each. */
const settings = isLong
  ? ([
      [2, 1],
      [2, 4],
      [4, 1],
      [4, 4],
    ] as const)
  : ([
      [2, 1],
      [4, 4],
    ] as const);

let directory: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  directory = await makeTempDir();
});
afterAll(async () => {
  await endLaunched();
  await directory.remove();
});

/** A request of the load, sent to two servers concurrently. @returns the request with the response of both */
async function sendTwice(callers: readonly Caller[], request: Sent): Promise<Sent> {
  const answers = await Promise.all(
    callers.map(async (caller) => {
      const { status, text } = await caller.post(request.path, request.body, request.key);
      return { status, text };
    }),
  );
  const [answer, other] = answers;
  expect(other).toEqual(answer);
  if (!answer) throw new Error('There is a server at least');
  return { ...request, answer };
}

function hotTransfer(fixture: Fixture, walletId: string, key: string): Sent {
  const body = {
    customerId: fixture.customerId,
    walletId,
    amount: '1.00',
    destinationCurrency: 'usdc',
    destinationPaymentRail: 'base',
    destinationAddress: '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045',
    clientReferenceId: key,
  };
  return { kind: 'transfer', path: '/v1/transfers', key, body };
}

/** A wallet with little money. Its deposit is one of the requests that were sent. */
async function openHotWallet(caller: Caller, fixture: Fixture): Promise<{ walletId: string; deposit: Sent }> {
  const { text } = await caller.post('/v1/crypto-wallets', { customerId: fixture.customerId });
  const walletId = JSON.parse(text).data.id as string;
  const money = { walletId, chain: 'base', currency: 'usdc', amount: `${hotMoney}.00` };
  const path = '/v1/sandbox/crypto-deposits';
  const { status, text: answer } = await caller.post(path, money, 'hot-deposit');
  const deposit: Sent = {
    kind: 'deposit',
    path,
    key: 'hot-deposit',
    body: money,
    answer: { status, text: answer },
  };
  return { walletId, deposit };
}

/** Lets all clients send until all hot transfers are sent, with as many other requests in between. */
async function load(callers: readonly Caller[], fixture: Fixture, random: () => number): Promise<Sent[]> {
  const hot = await openHotWallet(callers[0] as Caller, fixture);
  const draw = createDraw(fixture, random);
  const all: Sent[] = [hot.deposit];
  let left = hotTransfers;
  const client = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      const first = Math.floor(random() * callers.length);
      const second = (first + 1 + Math.floor(random() * (callers.length - 1))) % callers.length;
      const pair = [callers[first], callers[second]] as Caller[];
      const found = await sendTwice(pair, hotTransfer(fixture, hot.walletId, `hot-${left}`));
      all.push(
        found.answer?.status === 400 ? { ...found, kind: 'refused' } : found,
        await sendTwice(pair, draw()),
      );
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const accepted = all.filter(({ key, kind }) => kind === 'transfer' && key.startsWith('hot-'));
  expect(accepted).toHaveLength(hotMoney);
  for (const caller of callers) {
    const { text } = await caller.get(`/v1/crypto-wallets/${hot.walletId}/balance`);
    expect(JSON.parse(text).data.balance).toBe('0.00');
  }
  return all;
}

test.each(settings)(
  `%i processes on one database with %i lanes act as one (seed ${seed})`,
  async (processes, lanes) => {
    const random = randomFrom(seed);
    const database: TestDatabase = await createDatabase();
    const dataDir = join(directory.path, `${processes}-${lanes}`);
    const servers: FaultServers = createFaultServers({
      dataDir,
      databaseUrl: database.servingUrl,
      lanes,
      clients: 2 * clients,
    });
    try {
      const running: FaultServer[] = [await servers.start()];
      while (running.length < processes) running.push(await servers.start());
      const callers = running.map(({ caller }) => caller);
      const fixture = await prepareFixture(callers[0] as Caller);
      const all = await load(callers, fixture, random);
      await expectKept(callers.at(-1) as Caller, all);
      await expectSound(callers.at(-1) as Caller, fixture, all);
      for (const { process } of running) expect((await process.stop()).code).toBe(0);
      report(`many-servers ${processes}/${lanes}`, 1, 1, {
        acknowledged: all.length,
        cutOff: 0,
        cutOffButEffective: 0,
      });
    } finally {
      await endLaunched();
      await servers.close();
      await database.drop();
    }
  },
  isLong ? 600_000 : 120_000,
);
