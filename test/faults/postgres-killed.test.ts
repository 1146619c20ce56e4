import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPool } from '../../server/src/store/pool.ts';
import { faultOptions, report } from '../support/fault-options.ts';
import { createFaultServers, type FaultServer, type FaultServers } from '../support/fault-servers.ts';
import { createDraw, prepareFixture, randomFrom, type Sent } from '../support/load.ts';
import { type Counts, expectSound, recoverFrom } from '../support/load-outcome.ts';
import { sendThrough } from '../support/load-rounds.ts';
import { createOwnPostgres, type OwnPostgres } from '../support/postgres.ts';
import { endLaunched, makeTempDir } from '../support/process.ts';

/**
 * Kills PostgreSQL with SIGKILL under load, all of it or the process of one connection, and starts it again.
 *
 * Outcome: the server stays up, responds with error envelopes meanwhile, and recovers by itself. Verification finds nothing,
 * and every acknowledged request exists exactly once with the same response.
 */
const { rounds, seed } = faultOptions('postgres-killed', { short: 2, long: 20 });
const clients = 32;
const random = randomFrom(seed);
const lanes = random() < 0.5 ? 1 : 4;

let directory: { path: string; remove(): Promise<void> };
let postgres: OwnPostgres;
let servers: FaultServers;
let server: FaultServer;

beforeAll(async () => {
  directory = await makeTempDir();
  postgres = await createOwnPostgres(directory.path);
  await postgres.start();
  const dataDir = join(directory.path, 'server');
  const urls = { databaseUrl: postgres.url(), migrationUrl: postgres.migrationUrl() };
  servers = createFaultServers({ dataDir, ...urls, lanes, clients });
  server = await servers.start();
});
afterAll(async () => {
  await endLaunched();
  await servers?.close();
  await postgres?.remove();
  await directory.remove();
});

async function killPostgres(): Promise<void> {
  await sleep(50 + random() * 300);
  if (random() < 0.5) return killLane();
  await postgres.kill();
  await sleep(random() * 500);
  await postgres.start();
}

/** After one process of a connection was killed PostgreSQL ends all others, and recovers by itself. */
async function killLane(): Promise<void> {
  const pool = createPool(postgres.url(), 'killer');
  try {
    const { rows } = await pool.query<{ pid: number }>(
      `select pid from pg_stat_activity where application_name like 'openledger lane%'`,
    );
    const { pid } = rows[Math.floor(random() * rows.length)] as { pid: number };
    process.kill(pid, 'SIGKILL');
  } finally {
    await pool.end().catch(() => undefined);
  }
}

test(
  `nothing is lost when PostgreSQL is killed ${rounds} times under load (seed ${seed}, ${lanes} lanes)`,
  async () => {
    const { caller } = server;
    const fixture = await prepareFixture(caller);
    const draw = createDraw(fixture, random);
    const all: Sent[] = [];
    const counts: Counts = { acknowledged: 0, cutOff: 0, cutOffButEffective: 0 };
    for (let round = 1; round <= rounds; round += 1) {
      const sent = await sendThrough([server], draw, clients, killPostgres);
      await recoverFrom(caller, sent, counts);
      all.push(...sent);
      report('postgres-killed', round, rounds, counts);
    }
    await expectSound(caller, fixture, all);
    expect((await server.process.stop()).code).toBe(0);
    expect(counts.acknowledged).toBeGreaterThan(rounds);
  },
  120_000 + rounds * 60_000,
);
