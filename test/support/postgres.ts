import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCluster, removeCluster } from '../../server/src/embedded-postgres/cluster.ts';
import { type GuardedProcess, startGuarded } from '../../server/src/embedded-postgres/process.ts';
import { createLogger } from '../../server/src/platform/logger.ts';
import { createClient } from '../../server/src/store/pool.ts';
import { freePort } from './process.ts';

/** A PostgreSQL of a test's own, apart from any server: it can be killed and started again on the same port. */
export interface OwnPostgres {
  readonly port: number;
  /** `postgres://…/openledger` at its own port, or at another one (a proxy's). */
  url(port?: number): string;
  /** The same as the role that owns the database, to migrate. */
  migrationUrl(): string;
  /** Starts it and waits until it answers. */
  start(): Promise<void>;
  /** SIGKILL for the first process; the others end when they notice. */
  kill(): Promise<void>;
  /** Shuts it down and removes its files. */
  remove(): Promise<void>;
}

const startTimeoutMs = 60_000;

/**
 * Makes a cluster from the embedded binaries; it is not started yet.
 *
 * @param dataDir where its files go
 * @param settings PostgreSQL's own, beside the server's usual ones
 */
export async function createOwnPostgres(
  dataDir: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgres> {
  const cluster = await openCluster(dataDir, createLogger('silent'));
  const port = await freePort();
  const log: string[] = [];
  let running: GuardedProcess | undefined;
  const args = Object.entries({
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(port),
    fsync: 'on',
    synchronous_commit: 'on',
    timezone: 'UTC',
    ...settings,
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

  const url = (at = port): string =>
    `postgres://openledger:${cluster.passwords.openledger}@127.0.0.1:${at}/openledger`;
  const migrationUrl = (): string =>
    `postgres://openledger_owner:${cluster.passwords.owner}@127.0.0.1:${port}/openledger`;
  const launch = async (): Promise<GuardedProcess> =>
    startGuarded(join(cluster.binaries, 'bin/postgres'), ['-D', cluster.dir, ...args], {
      user: cluster.user,
      onLine: (line) => void log.push(line),
    });

  const start = async (): Promise<void> => {
    const deadline = Date.now() + startTimeoutMs;
    running = await launch();
    let hasEnded = false;
    const watch = (one: GuardedProcess) => void one.ended.then(() => (hasEnded = one === running));
    watch(running);
    while (!(await answers(url()))) {
      if (Date.now() > deadline) throw new Error(`PostgreSQL does not start: ${log.slice(-10).join('\n')}`);
      await sleep(50);
      // Processes of the one that was killed may still hold its memory: it is started until they have let go.
      if (!hasEnded) continue;
      hasEnded = false;
      running = await launch();
      watch(running);
    }
  };

  return {
    port,
    url,
    migrationUrl,
    start,
    async kill() {
      running?.kill('SIGKILL');
      await running?.ended;
    },
    async remove() {
      running?.kill('SIGINT');
      await running?.ended;
      await removeCluster(dataDir);
    },
  };
}

async function answers(url: string): Promise<boolean> {
  const client = createClient(url, 'test');
  try {
    await client.connect();
    await client.query('select 1');
    return true;
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
