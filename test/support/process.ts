import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, chown, mkdtemp, readFile, readlink, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isRunning, waitUntilEnded } from '../../server/src/embedded-postgres/pids.ts';

/** The top of the checkout. */
const root = fileURLToPath(new URL('../..', import.meta.url));
const startScript = join(root, 'scripts/start.mjs');

const readyTimeoutMs = 40_000;
const endTimeoutMs = 40_000;

/** How a process ended. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A program under test, started as a user would. */
export interface Launched {
  readonly child: ChildProcess;
  readonly pid: number;
  stdout(): string;
  stderr(): string;
  /** How it ended, once it has. @throws Error when it does not end in time: 40 s, unless told otherwise */
  exit(timeoutMs?: number): Promise<Exit>;
}

/** What the server prints with `--json --show-secrets`. */
export interface ReadyLine {
  readonly ready: true;
  readonly url: string;
  readonly adminUrl: string | null;
  readonly testKey: string | null;
  readonly liveKey: string | null;
  readonly dataDir: string;
  readonly databaseUrl: string;
}

/** A server process that is ready. */
export interface ServerProcess extends Launched, ReadyLine {
  /** Sends the signal and waits for the end. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

export interface LaunchOptions {
  readonly args?: readonly string[];
  /** Beside a bare environment: no setting of the tests' own gets in. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly uid?: number;
  readonly gid?: number;
}

const launched = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of launched) child.kill('SIGTERM');
});

/** Starts a program and collects what it says. */
export function launch(command: string, { args = [], env = {}, ...options }: LaunchOptions): Launched {
  const { HOME, PATH, TMPDIR } = process.env;
  const child = spawn(command, args, {
    cwd: root,
    ...options,
    env: definedOnly({ PATH, HOME, TMPDIR, ...env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  launched.add(child);
  const said = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text;
    });
  }
  const ended = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      launched.delete(child);
      resolve({ code, signal });
    });
  });
  ended.catch(() => undefined);
  return {
    child,
    pid: child.pid ?? 0,
    stdout: () => said.stdout,
    stderr: () => said.stderr,
    exit: (timeoutMs = endTimeoutMs) =>
      within(ended, timeoutMs, () => `${command} ${args.join(' ')} does not end: ${said.stderr}`),
  };
}

/** Runs a program of the checkout with this Node, to its end. */
export async function runScript(
  script: string,
  options: LaunchOptions,
): Promise<Exit & { stdout: string; stderr: string }> {
  const args = [join(root, script), ...(options.args ?? [])];
  const running = launch(process.execPath, { ...options, args });
  const exit = await running.exit();
  return { ...exit, stdout: running.stdout(), stderr: running.stderr() };
}

/** Starts a server with this Node; it need not become ready. */
export function launchServer(options: LaunchOptions): Launched {
  return launch(process.execPath, { ...options, args: [startScript, ...(options.args ?? [])] });
}

/** Starts a server on a free port and waits until it is ready. */
export async function startServerProcess(options: LaunchOptions = {}): Promise<ServerProcess> {
  return untilReady(
    launchServer({ ...options, args: ['--json', '--show-secrets', '--port', '0', ...(options.args ?? [])] }),
  );
}

/** Waits for the line that a server prints with `--json`. */
export async function untilReady(running: Launched, timeoutMs = readyTimeoutMs): Promise<ServerProcess> {
  let ended = false;
  void running
    .exit(timeoutMs)
    .catch(() => undefined)
    .then(() => {
      ended = true;
    });
  const deadline = Date.now() + timeoutMs;
  while (!running.stdout().includes('\n')) {
    if (ended || Date.now() > deadline) {
      throw new Error(
        `The server is not ready (${ended ? 'it has ended' : 'too late'}): ${running.stderr()}`,
      );
    }
    await sleep(10);
  }
  const ready = JSON.parse(running.stdout()) as ReadyLine;
  return {
    ...running,
    ...ready,
    stop(signal = 'SIGTERM') {
      running.child.kill(signal);
      return running.exit();
    },
  };
}

/** Ends what a failed test has left running. */
export async function endLaunched(): Promise<void> {
  const left = [...launched];
  const gone = left.map((child) => new Promise((resolve) => child.once('close', resolve)));
  for (const child of left) child.kill('SIGTERM');
  const late = sleep(10_000, undefined, { ref: false }).then(() => {
    for (const child of left) child.kill('SIGKILL');
  });
  await Promise.race([Promise.all(gone), late]);
}

/**
 * The process id of the PostgreSQL that runs on a data directory.
 *
 * @returns undefined when none does
 */
export async function postgresPid(dataDir: string): Promise<number | undefined> {
  const cluster = join(dataDir, 'postgres');
  const target = resolve(dataDir, await readlink(cluster).catch(() => cluster));
  const text = await readFile(join(target, 'postmaster.pid'), 'utf8').catch(() => '');
  const pid = Number(text.split('\n')[0]);
  return pid > 0 && isRunning(pid) ? pid : undefined;
}

/** Waits until a process that is not our child has ended. */
export async function processGone(pid: number): Promise<void> {
  if (!(await waitUntilEnded(pid, endTimeoutMs))) throw new Error(`Process ${pid} does not end`);
}

/** An empty directory that everybody may pass through, and what removes it. */
export async function makeTempDir(
  owner?: { uid: number; gid: number },
  mode = 0o711,
): Promise<{ path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'openledger-process-'));
  await chmod(path, mode);
  if (owner) await chown(path, owner.uid, owner.gid);
  // PostgreSQL may take a moment to let go after its server was killed.
  return {
    path,
    remove: () => rm(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }),
  };
}

/**
 * A port of 127.0.0.1 that was free a moment ago, and so is the next one. It lies below those that systems give to connections and to
 * servers that ask for any port: other tests take none of it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * 20_000);
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const isListening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (isListening) await new Promise((resolve) => server.close(resolve));
  return isListening;
}

async function within<Value>(promise: Promise<Value>, timeoutMs: number, late: () => string): Promise<Value> {
  const timer = new AbortController();
  const timeout = sleep(timeoutMs, undefined, { signal: timer.signal }).then(() => {
    throw new Error(late());
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    timer.abort();
    timeout.catch(() => undefined);
  }
}

function definedOnly(env: Record<string, string | undefined>): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
