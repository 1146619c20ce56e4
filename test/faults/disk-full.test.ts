import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { faultOptions, report } from '../support/fault-options.ts';
import { createFaultServers, type FaultServer, type FaultServers } from '../support/fault-servers.ts';
import { createDraw, prepareFixture, randomFrom, type Sent, sendWhile, waitUntil } from '../support/load.ts';
import { type Counts, expectSound, recoverFrom } from '../support/load-outcome.ts';
import { endLaunched, makeTempDir } from '../support/process.ts';
import { openSmallDisk, type SmallDisk } from '../support/small-disk.ts';

/**
 * Fills the disk of the data directory under load, and frees space some time later.
 *
 * Outcome: the server refuses requests with error envelopes, or ends with its PostgreSQL and is started again. Verification
 * finds nothing, and every acknowledged request exists exactly once with the same response.
 */
const { rounds, seed } = faultOptions('disk-full', { short: 1, long: 15 });
const clients = 32;
const random = randomFrom(seed);
const lanes = random() < 0.5 ? 1 : 4;
const diskMegabytes = 320;
/** The free space at most, in bytes: at times a table, at times the write-ahead log finds no space. */
const spareBytes = 12 * 1024 * 1024;
const troubleMs = 30_000;

let directory: { path: string; remove(): Promise<void> };
let disk: SmallDisk | string;
let servers: FaultServers;
let server: FaultServer;

beforeAll(async () => {
  directory = await makeTempDir();
  disk = await openSmallDisk(directory.path, diskMegabytes);
  if (typeof disk === 'string') return;
  servers = createFaultServers({ dataDir: join(disk.path, 'data'), lanes, clients });
  server = await servers.start();
});
afterAll(async () => {
  await endLaunched();
  await servers?.close();
  if (typeof disk === 'object') await disk.remove();
  await directory.remove();
});

/** Sends requests until the disk has been full for some time. @returns what was sent */
async function fillUnderLoad(full: SmallDisk, draw: () => Sent): Promise<Sent[]> {
  let isOver = false;
  let unanswered = 0;
  const counting = (): Sent => {
    const next = draw();
    drawn.push(next);
    return next;
  };
  const drawn: Sent[] = [];
  const onLost = (): void => {
    unanswered += 1;
  };
  const sending = sendWhile([server.caller], counting, clients, () => !isOver, { onLost });
  await sleep(100 + random() * 300);
  await full.fill(random() < 0.5 ? 0 : random() * spareBytes);
  const before = drawn.length;
  const isInTrouble = (): boolean =>
    unanswered > 0 || drawn.slice(before, -clients).some(({ answer }) => !answer);
  expect(await waitUntil(isInTrouble, troubleMs)).toBe(true);
  await sleep(random() * 1000);
  isOver = true;
  const sent = await sending;
  await full.empty();
  return sent;
}

/** After space was freed: the server accepts requests, after a start if it has ended. */
async function recovered(): Promise<void> {
  let hasEnded = false;
  const { process } = server;
  void process
    .exit(10 * 60_000)
    .catch(() => undefined)
    .then(() => {
      hasEnded = true;
    });
  const isWell = async (): Promise<boolean> => {
    if (hasEnded) return true;
    const found = await server.caller.get('/v1/ledger/verify').catch(() => undefined);
    return found?.status === 200;
  };
  expect(await waitUntil(isWell, 60_000), process.stderr()).toBe(true);
  if (!hasEnded) return;
  expect(process.stderr()).toContain('The embedded PostgreSQL has stopped, so the server stops');
  server = await servers.start();
}

test(
  `nothing is lost when the disk is full ${rounds} times under load (seed ${seed}, ${lanes} lanes)`,
  async ({ skip }) => {
    if (typeof disk === 'string') return skip(disk);
    const fixture = await prepareFixture(server.caller);
    const draw = createDraw(fixture, random);
    const all: Sent[] = [];
    const counts: Counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const sent = await fillUnderLoad(disk, draw);
      await recovered();
      await recoverFrom(server.caller, sent, counts);
      all.push(...sent);
      report('disk-full', round, rounds, counts);
    }
    await expectSound(server.caller, fixture, all);
    expect((await server.process.stop()).code).toBe(0);
    expect(counts.acknowledged).toBeGreaterThan(rounds);
  },
  120_000 + rounds * 120_000,
);
