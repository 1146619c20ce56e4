import { spawn, spawnSync } from 'node:child_process';
import { fstatSync, readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { ConfigError } from '@openledger/server/platform/config.ts';
import { printError } from './print.ts';

/**
 * The signer is two processes: the one that was started, and its child, which holds the keys. The child writes no core dump, has no
 * debugger, and ends with its parent.
 */

/** Marks the process that holds the keys. */
const childMark = 'OPENLEDGER_SIGNER_WITHOUT_CORES';
/** The descriptor of a pipe of which the parent has the other end: the kernel closes that when the parent ends, however it ends. */
const parentPipe = 3;
/** A parent that is gone does not wait for its child: requests that are being answered get so long. */
const endWithinMs = 2000;

/** Whether this process holds the keys. */
export function isKeyHolder(): boolean {
  return process.env[childMark] !== undefined;
}

/**
 * Runs this command in a child process without core dumps. Node cannot set its own resource limits; `prlimit` and a shell can. Forwards
 * signals, and exits with the child's code.
 *
 * @throws ConfigError if the keys would be exposed
 */
export async function runKeyHolder(allowCoreHandler: boolean): Promise<void> {
  refuseInspector();
  const command = [process.execPath, ...process.argv.slice(1)];
  const [file = '', ...args] =
    isCorePiped() && canLimitToOneByte() ? withOneByte(command) : withNone(command);
  if (isCorePiped() && !canLimitToOneByte()) requireAllowed(allowCoreHandler);
  const child = spawn(file, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, [childMark]: '1' },
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done(code ?? 1));
  });
}

/** No core file is written. Core dumps that are piped to a handler ignore this limit. */
function withNone(command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'ulimit -c 0 && exec "$0" "$@"', ...command];
}

/** A limit of one byte also prevents dumps that are piped: the kernel takes the process for a handler (`fs/coredump.c`). */
function withOneByte(command: readonly string[]): string[] {
  return ['prlimit', '--core=1:1', ...command];
}

function canLimitToOneByte(): boolean {
  return spawnSync('prlimit', ['--core=1:1', '/bin/sh', '-c', 'exit 0'], { stdio: 'ignore' }).status === 0;
}

/** Whether the kernel pipes core dumps to a program. */
function isCorePiped(): boolean {
  return readProc('/proc/sys/kernel/core_pattern').startsWith('|');
}

/** @returns an empty text where the file does not exist */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

const piped =
  '/proc/sys/kernel/core_pattern: must be a file name, or `prlimit` (util-linux) must be installed. The kernel pipes core dumps to a ' +
  'program, whatever their limit is, and they would contain the keys.';

function requireAllowed(allowCoreHandler: boolean): void {
  if (!allowCoreHandler) throw new ConfigError(`${piped} To start nevertheless: --allow-core-handler.`);
  printError(`warning: ${piped}`);
}

/**
 * Verifies in the process that holds the keys that no core dump and no debugger exposes them.
 *
 * @throws ConfigError if something does
 */
export function refuseExposure(allowCoreHandler: boolean): void {
  refuseInspector();
  const limits = readProc('/proc/self/limits');
  const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  if (limits !== '' && isCorePiped() && !(soft === '1' && hard === '1')) requireAllowed(allowCoreHandler);
  const isLimited = [soft, hard].every((limit) => limit === '0' || limit === '1');
  if (limits !== '' && !isLimited) throw new ConfigError('The limit of core dumps must be 0 for the signer.');
}

/** A debugger, a report or a heap snapshot would expose the keys. */
function refuseInspector(): void {
  const options = [...process.execArgv, process.env.NODE_OPTIONS ?? ''].join(' ');
  if (/--(inspect|heapsnapshot|heap-prof|report|diagnostic-dir)/.test(options)) {
    throw new ConfigError(
      'NODE_OPTIONS: must not enable a debugger, reports or heap snapshots for the signer.',
    );
  }
}

/**
 * Resolves when the parent has ended, also if it was killed. The process ends soon afterwards even if something hangs.
 *
 * @throws ConfigError if the process was not started by `runKeyHolder`
 */
export function whenParentEnds(): Promise<void> {
  if (!isPipe(parentPipe)) throw new ConfigError(`${childMark}: must not be set.`);
  return new Promise((resolve) => {
    const pipe = new Socket({ fd: parentPipe, readable: true, writable: false });
    const end = (): void => {
      setTimeout(() => process.exit(1), endWithinMs).unref();
      resolve();
    };
    pipe.once('end', end).once('error', end).once('close', end).resume();
    pipe.unref();
  });
}

function isPipe(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor);
    return found.isFIFO() || found.isSocket();
  } catch {
    return false;
  }
}
