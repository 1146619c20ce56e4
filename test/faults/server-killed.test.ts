import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultOptions, report } from '../support/fault-options.ts';
import {
  type Caller,
  type CountingReceiver,
  createCaller,
  createDraw,
  prepareFixture,
  randomFrom,
  type Sent,
  sendUntilGone,
  startCountingReceiver,
  waitUntil,
} from '../support/load.ts';
import { type Counts, expectSound, recoverFrom } from '../support/load-outcome.ts';
import {
  endLaunched,
  launchServer,
  makeTempDir,
  postgresPid,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';

/**
 * Kills the server with SIGKILL at random moments under load, sometimes together with PostgreSQL, and starts it again.
 *
 * Outcome: it starts again. Verification finds nothing, every acknowledged request exists exactly once with the same response,
 * and every event is delivered.
 */
const { rounds, seed } = faultOptions('server-killed', { short: 8, long: 40 });
const clients = 32;
const longestLoadMs = 250;
/** A delivery that was claimed when the server was killed is tried again after its claim has expired, in 30 s. */
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

/** Kills the server, and sometimes PostgreSQL with it, under load at a random moment. */
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

/** Sometimes the next start is killed too. */
async function maybeCrashStart(): Promise<void> {
  if (random() >= 0.2) return;
  const running = launchServer({ args: [...options().args, '--json', '--port', '0'] });
  await sleep(200 + random() * 600);
  running.child.kill('SIGKILL');
  await running.exit();
}

test(
  `nothing is lost when the server is killed ${rounds} times under load (seed ${seed}, ${lanes} lanes)`,
  async () => {
    let caller = await start();
    const fixture = await prepareFixture(caller, receiver.url);
    const draw = createDraw(fixture, random);
    const all: Sent[] = [];
    const counts: Counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const sent = await crashUnderLoad(caller, draw);
      await maybeCrashStart();
      caller = await start();
      await recoverFrom(caller, sent, counts);
      all.push(...sent);
      report('server-killed', round, rounds, counts);
    }
    const events = await expectSound(caller, fixture, all);
    const isDelivered = () => events.every((id) => receiver.deliveries.has(id));
    await waitUntil(isDelivered, calmMs);
    expect(events.filter((id) => !receiver.deliveries.has(id))).toEqual([]);
    const known = new Set(events);
    expect([...receiver.deliveries.keys()].filter((id) => !known.has(id))).toEqual([]);
    expect((await server.stop()).code).toBe(0);
    expect(counts.acknowledged).toBeGreaterThan(rounds);
  },
  120_000 + rounds * 15_000,
);
