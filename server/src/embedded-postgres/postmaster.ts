import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '../store/pool.ts';
import { sqlState } from '../store/transaction.ts';
import { type Cluster, servingRole } from './cluster.ts';
import { readTextFile } from './files.ts';
import { type EmbeddedLogger, forwardLog, logLinePrefix } from './log.ts';
import { commandLine, hasId, waitUntilEnded } from './pids.ts';
import { type GuardedProcess, shutDown, startGuarded } from './process.ts';

/** A running PostgreSQL server that accepts connections. */
export interface Postmaster {
  /** The URL of its database for a role. */
  url(role: string, password: string): string;
  readonly pid: number;
  /** Resolves when it has ended, for any reason. */
  readonly ended: Promise<void>;
  /** Shuts it down; resolves when it has ended. */
  stop(): Promise<void>;
}

const host = '127.0.0.1';
const pollMs = 20;
const portAttempts = 5;
/** The last backends of a killed server take a moment to release its shared memory. */
const leftoverMemoryMs = 15_000;
/** Recovery after a crash replays up to `max_wal_size`. */
const readyTimeoutMs = 10 * 60_000;

const defaultConnections = 100;

/** Settings on the command line rather than in the cluster's files, so that they change with the program. */
const settings: Readonly<Record<string, string>> = {
  listen_addresses: host,
  unix_socket_directories: '',
  cluster_name: 'openledger',
  shared_buffers: '128MB',
  max_wal_size: '2GB',
  fsync: 'on',
  synchronous_commit: 'on',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_line_prefix: logLinePrefix,
  // No statement, parameter or value of a row is ever logged.
  log_statement: 'none',
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_min_duration_statement: '-1',
  log_parameter_max_length: '0',
  log_parameter_max_length_on_error: '0',
};

/**
 * Starts PostgreSQL on a free port of 127.0.0.1 and waits until it accepts connections.
 *
 * @throws Error with the end of its log when it does not start
 */
export async function startPostmaster(
  cluster: Cluster,
  logger: EmbeddedLogger,
  maxConnections = defaultConnections,
): Promise<Postmaster> {
  const leftoverDeadline = Date.now() + leftoverMemoryMs;
  for (let attempt = 1; ; ) {
    const port = await freePort();
    const url = (role: string, password: string): string =>
      `postgres://${role}:${password}@${host}:${port}/openledger`;
    const log = forwardLog(logger);
    const running = await startGuarded(
      join(cluster.binaries, 'bin/postgres'),
      postmasterArgs(cluster.dir, port, maxConnections),
      {
        user: cluster.user,
        onLine: log.onLine,
      },
    );
    const stop = () => shutDown(running.kill, (timeoutMs) => endsWithin(running, timeoutMs));
    try {
      if (await becomesReady(running, url(servingRole, cluster.passwords.openledger))) {
        return { url, pid: running.pid, ended: running.ended.then(() => undefined), stop };
      }
    } catch (error) {
      await stop();
      throw error;
    }
    await Promise.race([running.linesDone, sleep(500)]);
    const tail = log.tail();
    if (/could not (bind|create any TCP)/.test(tail) && attempt < portAttempts) attempt += 1;
    else if (/is still in use|lock file .* already exists/.test(tail) && Date.now() < leftoverDeadline)
      await sleep(100);
    else throw new Error(`PostgreSQL did not start (${await running.ended}): ${tail}`);
  }
}

/**
 * Prepares a cluster for a new server: stops a server whose owner was killed, and removes a lock file whose process id now
 * belongs to an unrelated process. A lock file whose process has ended is left to PostgreSQL, which uses it to find the shared
 * memory of that process.
 *
 * @param clusterDir must be claimed by this process (see `claimDataDir`)
 */
export async function endOrphan(clusterDir: string, logger: EmbeddedLogger): Promise<void> {
  const lockFile = join(clusterDir, 'postmaster.pid');
  const pid = Number((await readTextFile(lockFile))?.split('\n')[0]);
  if (!Number.isSafeInteger(pid) || pid < 1) return;
  if (commandLine(pid).includes(`bin/postgres -D ${clusterDir} `)) {
    logger.warn({ pid }, 'stopping a PostgreSQL whose server was killed');
    await shutDown(
      (signal) => killIfThere(pid, signal),
      (timeoutMs) => waitUntilEnded(pid, timeoutMs),
    );
  } else if (hasId(pid)) {
    await rm(lockFile, { force: true });
  }
}

function postmasterArgs(clusterDir: string, port: number, maxConnections: number): string[] {
  const options = Object.entries({
    ...settings,
    port: String(port),
    max_connections: String(maxConnections),
  });
  return ['-D', clusterDir, ...options.flatMap(([name, value]) => ['-c', `${name}=${value}`])];
}

/**
 * Tries to connect until a connection succeeds.
 *
 * @returns false if PostgreSQL has ended
 * @throws Error when PostgreSQL runs but refuses the role or the database
 */
async function becomesReady(running: GuardedProcess, url: string): Promise<boolean> {
  let hasEnded = false;
  void running.ended.then(() => {
    hasEnded = true;
  });
  const deadline = Date.now() + readyTimeoutMs;
  for (;;) {
    const client = createClient(url, 'openledger start');
    try {
      await client.connect();
      return !hasEnded;
    } catch (error) {
      if (hasEnded) return false;
      // Class 28 is a wrong password or role, 3D a missing database: waiting does not help.
      if (/^(28|3D)/.test(sqlState(error) ?? '') || Date.now() > deadline) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
    await endsWithin(running, pollMs);
  }
}

async function endsWithin(running: GuardedProcess, timeoutMs: number): Promise<boolean> {
  const timer = new AbortController();
  const ended = running.ended.then(() => true);
  const timeout = sleep(timeoutMs, false, { signal: timer.signal }).catch(() => false);
  try {
    return await Promise.race([ended, timeout]);
  } finally {
    timer.abort();
  }
}

function killIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A free port. Another process may take it before PostgreSQL does: then the start is tried again. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, host, () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('No free port'));
      });
    });
  });
}
