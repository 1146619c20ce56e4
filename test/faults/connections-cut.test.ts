import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { faultOptions, report } from '../support/fault-options.ts';
import { createFaultServers, type FaultServer, type FaultServers } from '../support/fault-servers.ts';
import { createDraw, prepareFixture, randomFrom, type Sent } from '../support/load.ts';
import { type Counts, expectSound, recoverFrom } from '../support/load-outcome.ts';
import { sendThrough } from '../support/load-rounds.ts';
import { endLaunched, makeTempDir } from '../support/process.ts';
import { type Meddler, startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

/**
 * Cuts connections between server and database under load: all of them together, before a statement arrives, after it has
 * arrived, and before its result returns. In the long form some also stop responding without being closed.
 *
 * Outcome: the server stays up and recovers by itself. Verification finds nothing, and every acknowledged request exists
 * exactly once with the same response.
 */
const { isLong, rounds, seed } = faultOptions('connections-cut', { short: 4, long: 30 });
const clients = 32;
const random = randomFrom(seed);
const lanes = random() < 0.5 ? 1 : 4;
/** How many of a hundred packets a fault applies to. */
const often = 0.03;
/** Longer than the server waits for a result. */
const silenceMs = 45_000;

let directory: { path: string; remove(): Promise<void> };
let database: TestDatabase;
let proxy: TcpProxy;
let servers: FaultServers;
let server: FaultServer;

beforeAll(async () => {
  directory = await makeTempDir();
  database = await createDatabase();
  const url = new URL(database.servingUrl);
  const target = { host: url.hostname, port: Number(url.port) };
  proxy = await startTcpProxy(() => target);
  url.port = String(proxy.port);
  const dataDir = join(directory.path, 'server');
  servers = createFaultServers({ dataDir, databaseUrl: url.href, lanes, clients });
  server = await servers.start();
});
afterAll(async () => {
  await endLaunched();
  await servers?.close();
  await proxy?.close();
  await database?.drop();
  await directory.remove();
});

const now = (): boolean => random() < often;

const fates: readonly Meddler[] = [
  { toDatabase: () => (now() ? 'reset' : 'pass') },
  { toDatabase: () => (now() ? 'resetAfter' : 'pass') },
  { toServer: () => (now() ? 'swallowAndReset' : 'pass') },
];

/** Applies one fault after the other; the first rounds have one of each kind. */
async function cut(round: number): Promise<void> {
  await sleep(50 + random() * 100);
  const fate = fates[(round - 1) % (fates.length + 1)];
  if (!fate) return proxy.resetAll();
  proxy.meddle(fate);
  await sleep(200 + random() * 300);
  proxy.meddle(undefined);
}

/** Drops results silently, like a firewall that has lost the state of its connections. */
async function silence(): Promise<void> {
  await sleep(100);
  proxy.meddle({ toServer: () => 'swallow' });
  await sleep(200);
  proxy.meddle(undefined);
  await sleep(silenceMs);
}

test(
  `nothing is lost when connections are cut in ${rounds} rounds (seed ${seed}, ${lanes} lanes)`,
  async () => {
    const { caller } = server;
    const fixture = await prepareFixture(caller);
    const draw = createDraw(fixture, random);
    const all: Sent[] = [];
    const counts: Counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    const through = async (round: number, fault: () => Promise<void>): Promise<void> => {
      const sent = await sendThrough([server], draw, clients, fault);
      await recoverFrom(caller, sent, counts);
      all.push(...sent);
      report('connections-cut', round, rounds, counts);
    };
    for (let round = 1; round <= rounds; round += 1) await through(round, () => cut(round));
    if (isLong) await through(rounds, silence);
    await expectSound(caller, fixture, all);
    expect((await server.process.stop()).code).toBe(0);
    expect(counts.acknowledged).toBeGreaterThan(rounds);
  },
  240_000 + rounds * 60_000,
);
