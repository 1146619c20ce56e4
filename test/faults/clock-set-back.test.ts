import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { faultOptions, report } from '../support/fault-options.ts';
import { createFaultServers, type FaultServer, type FaultServers } from '../support/fault-servers.ts';
import { createDraw, prepareFixture, randomFrom, type Sent, waitUntil } from '../support/load.ts';
import { type Counts, expectSound, recoverFrom } from '../support/load-outcome.ts';
import { sendThrough } from '../support/load-rounds.ts';
import { endLaunched, makeTempDir } from '../support/process.ts';

/**
 * Sets the server's clock back under load repeatedly, by seconds to hours. Every other time it kills the server and starts it
 * with the new clock.
 *
 * Outcome: the server accepts requests as before. Verification finds nothing, and every acknowledged request exists exactly
 * once with the same response. What was due by the old clock happens when the new clock has reached that time.
 */
const { rounds, seed } = faultOptions('clock-set-back', { short: 3, long: 30 });
const clients = 32;
const random = randomFrom(seed);
const lanes = random() < 0.5 ? 1 : 4;
const furthestMs = 2 * 60 * 60 * 1000;
const preload = pathToFileURL(join(import.meta.dirname, '../support/shifted-clock.mjs')).href;

let directory: { path: string; remove(): Promise<void> };
let clockFile: string;
let database: TestDatabase;
let servers: FaultServers;
let server: FaultServer;
let offsetMs = 0;

beforeAll(async () => {
  directory = await makeTempDir();
  clockFile = join(directory.path, 'clock');
  await writeFile(clockFile, '0');
  database = await createDatabase();
  const env = { NODE_OPTIONS: `--import ${preload}`, CLOCK_FILE: clockFile };
  const dataDir = join(directory.path, 'server');
  servers = createFaultServers({ dataDir, databaseUrl: database.servingUrl, lanes, clients, env });
  server = await servers.start();
});
afterAll(async () => {
  await endLaunched();
  await servers?.close();
  await database?.drop();
  await directory.remove();
});

/** Sets the server's clock, and waits until the server uses it. */
async function setClock(toMs: number): Promise<void> {
  offsetMs = Math.round(toMs);
  await writeFile(clockFile, String(offsetMs));
  server.process.child.kill('SIGUSR2');
  const isSet = async (): Promise<boolean> => Math.abs((await shownOffsetMs()) - offsetMs) < 5000;
  expect(await waitUntil(isSet, 20_000)).toBe(true);
}

async function shownOffsetMs(): Promise<number> {
  const { text } = await server.caller.get('/v1/sandbox/clock');
  return Date.parse(JSON.parse(text).data.now) - Date.now();
}

async function setBack(): Promise<void> {
  await sleep(50 + random() * 200);
  await setClock(offsetMs - (10_000 + random() ** 4 * furthestMs));
  await sleep(100);
}

test(
  `nothing is lost when the clock is set back ${rounds} times under load (seed ${seed}, ${lanes} lanes)`,
  async () => {
    const fixture = await prepareFixture(server.caller);
    const draw = createDraw(fixture, random);
    const all: Sent[] = [];
    const counts: Counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const sent = await sendThrough([server], draw, clients, setBack);
      if (round % 2 === 0) {
        await server.process.stop('SIGKILL');
        server = await servers.start();
      }
      await recoverFrom(server.caller, sent, counts);
      all.push(...sent);
      report('clock-set-back', round, rounds, counts);
    }
    expect(counts.cutOff).toBe(0);
    await setClock(0);
    await expectSound(server.caller, fixture, all);
    expect((await server.process.stop()).code).toBe(0);
  },
  120_000 + rounds * 30_000,
);
