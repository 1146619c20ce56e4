import { chmod, mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openCluster, removeCluster } from './cluster.ts';
import type { EmbeddedLogger } from './log.ts';
import { announceRunning, claimDataDir } from './owner.ts';
import { endOrphan, startPostmaster } from './postmaster.ts';
import { openRoles } from './roles.ts';
import { isRoot } from './user.ts';

export { DataDirInUseError, findRunning, type RunningServer } from './owner.ts';

/** The embedded PostgreSQL server, ready for connections. */
export interface EmbeddedServer {
  /** `postgres://openledger:<password>@127.0.0.1:<port>/openledger`; the port differs at each start. */
  readonly url: string;
  /** The same with the role that owns the database, `openledger_owner`. */
  readonly migrationUrl: string;
  /** The process id of the postmaster. */
  readonly pid: number;
  /** Resolves when PostgreSQL has ended, after `stop` or otherwise. */
  readonly ended: Promise<void>;
  /** Shuts PostgreSQL down and releases the data directory. May be called several times; all calls wait for the same end. */
  stop(): Promise<void>;
}

/**
 * Starts the embedded PostgreSQL on a data directory. The first start creates both (about 2 s, later 0.3 s). PostgreSQL ends with
 * this process, also if the process is killed.
 *
 * The directory then holds `postgres` (the cluster, or a link to it where root had to place it elsewhere),
 * `postgres.json` (passwords, mode 0600), and while it runs `owner.json` and `running.json` (see `findRunning`).
 *
 * @throws DataDirInUseError while another process uses the directory
 * @throws Error with the output of PostgreSQL when it does not start
 */
export async function startEmbedded(options: {
  dataDir: string;
  logger: EmbeddedLogger;
  /** How many connections it accepts; 100 by default. */
  maxConnections?: number;
}): Promise<EmbeddedServer> {
  const { logger } = options;
  const dataDir = await makeDataDir(options.dataDir);
  const release = await claimDataDir(dataDir);
  try {
    const cluster = await openCluster(dataDir, logger);
    await endOrphan(cluster.dir, logger);
    const postmaster = await startPostmaster(cluster, logger, options.maxConnections);
    const urls = await openRoles(dataDir, cluster, postmaster).catch(async (error) => {
      await postmaster.stop();
      throw error;
    });
    const conceal = await announceRunning(dataDir, urls.url);
    let stopping: Promise<void> | undefined;
    void postmaster.ended.then(() => {
      if (!stopping) logger.warn('PostgreSQL ended unexpectedly');
    });
    const stop = async () => {
      await conceal();
      await postmaster.stop();
      await release();
    };
    const { ended, pid } = postmaster;
    return { ...urls, pid, ended, stop: () => (stopping ??= stop()) };
  } catch (error) {
    await release();
    throw error;
  }
}

/**
 * Removes what `startEmbedded` created: the cluster and its files. The data directory itself stays.
 *
 * @throws DataDirInUseError while a process uses it
 */
export async function removeEmbedded(dataDir: string): Promise<void> {
  const release = await claimDataDir(dataDir);
  try {
    await removeCluster(dataDir);
    await rm(join(dataDir, 'running.json'), { force: true });
  } finally {
    await release();
  }
}

/** Creates the data directory. If root creates it, PostgreSQL's user may traverse it; each file in it has its own mode. */
async function makeDataDir(path: string): Promise<string> {
  const made = await mkdir(path, { recursive: true, mode: isRoot() ? 0o755 : 0o700 });
  if (made !== undefined) await chmod(path, isRoot() ? 0o711 : 0o700);
  return realpath(path);
}
