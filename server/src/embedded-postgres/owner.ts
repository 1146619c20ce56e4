import { link, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseObject, randomSuffix, readTextFile, writeJsonFile } from './files.ts';
import { isRunning, startTicks } from './pids.ts';

/** The process that a data directory belongs to. */
interface Owner {
  readonly pid: number;
  readonly startedAt: string;
  /** Absent where there is no /proc: then the process id alone identifies the process. */
  readonly startTicks?: string;
}

/** A running server of this machine, for the command line tool. */
export interface RunningServer {
  readonly databaseUrl: string;
  /** The server's own process id, not PostgreSQL's. */
  readonly pid: number;
}

/** Another living process uses the data directory. */
export class DataDirInUseError extends Error {
  override readonly name = 'DataDirInUseError';

  constructor(dataDir: string, pid: number) {
    super(
      `The data directory ${dataDir} is in use by process ${pid}. Choose another OPENLEDGER_DATA_DIR, or let several ` +
        'servers share one database by DATABASE_URL.',
    );
  }
}

const claimAttempts = 20;
const ownerFile = (dataDir: string) => join(dataDir, 'owner.json');
const runningFile = (dataDir: string) => join(dataDir, 'running.json');

/**
 * Makes this process the exclusive owner of a data directory. A directory whose owner has ended is taken over.
 *
 * @returns a function that releases the directory
 * @throws DataDirInUseError while its owner is running
 */
export async function claimDataDir(dataDir: string): Promise<() => Promise<void>> {
  const ticks = startTicks(process.pid);
  const me: Owner = {
    pid: process.pid,
    startedAt: new Date().toISOString(),
    ...(ticks === undefined ? {} : { startTicks: ticks }),
  };
  const text = `${JSON.stringify(me)}\n`;
  for (let attempt = 0; attempt < claimAttempts; attempt += 1) {
    if (await linkNew(ownerFile(dataDir), text)) {
      await removeLeftovers(dataDir);
      return () => rm(ownerFile(dataDir), { force: true });
    }
    const found = await readTextFile(ownerFile(dataDir));
    if (found === undefined) continue;
    const owner = runningOwner(found);
    if (owner) throw new DataDirInUseError(dataDir, owner.pid);
    await removeStaleOwner(ownerFile(dataDir), found);
  }
  throw new Error(`Several processes are trying to claim the data directory ${dataDir}; try again.`);
}

/** Publishes this process's database for `findRunning`. Only the same user (or root) may read the file. */
export async function announceRunning(dataDir: string, databaseUrl: string): Promise<() => Promise<void>> {
  const running: RunningServer = { databaseUrl, pid: process.pid };
  await writeJsonFile(runningFile(dataDir), running, 0o600);
  return () => rm(runningFile(dataDir), { force: true });
}

/**
 * Finds the server that runs on a data directory.
 *
 * @returns undefined if there is none, or it is not ready yet
 * @throws Error when this user may not read its password
 */
export async function findRunning(dataDir: string): Promise<RunningServer | undefined> {
  const found = await readTextFile(ownerFile(dataDir));
  const owner = found === undefined ? undefined : runningOwner(found)?.pid;
  const text = owner === undefined ? undefined : await readTextFile(runningFile(dataDir));
  const running = text === undefined ? undefined : parseObject(text);
  // A file that a killed owner left behind names another process.
  if (running?.pid !== owner || owner === undefined) return undefined;
  return typeof running?.databaseUrl === 'string'
    ? { databaseUrl: running.databaseUrl, pid: owner }
    : undefined;
}

/** The owner that the file names, if it is running. */
function runningOwner(text: string): { pid: number } | undefined {
  const owner = parseObject(text);
  const pid = owner?.pid;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid < 1 || !isRunning(pid)) return undefined;
  const ticks = startTicks(pid);
  const sameProcess = ticks === undefined || owner?.startTicks === undefined || ticks === owner.startTicks;
  return sameProcess ? { pid } : undefined;
}

/** Creates a file unless it exists. `link` is atomic, while exclusive creation would expose an incomplete file. */
async function linkNew(path: string, text: string): Promise<boolean> {
  const temporary = `${path}.${randomSuffix()}`;
  await writeFile(temporary, text, { flag: 'wx', mode: 0o644 });
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // ENOENT: the new owner has removed the temporary file.
    if (code === 'EEXIST' || code === 'ENOENT') return false;
    throw error;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Removes the file of an owner that has ended. If another process has claimed the directory meanwhile, its file is restored. */
async function removeStaleOwner(path: string, expected: string): Promise<void> {
  const aside = `${path}.${randomSuffix()}`;
  try {
    await rename(path, aside);
    if ((await readTextFile(aside)) !== expected) await link(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function removeLeftovers(dataDir: string): Promise<void> {
  const names = await readdir(dataDir);
  for (const name of names) {
    if (/^(owner|running|postgres)\.json\./.test(name)) await rm(join(dataDir, name), { force: true });
  }
}
