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
 * @throws ConfigError if Node's options would expose the keys
 */
export async function runKeyHolder(): Promise<void> {
  refuseInspector();
  const command = [process.execPath, ...process.argv.slice(1)];
  const [file = '', ...args] = canLimitToOneByte() ? withOneByte(command) : withNone(command);
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

/** No core file is written. Core dumps that are piped to a program ignore this limit. */
function withNone(command: readonly string[]): string[] {
  return ['/bin/sh', '-c', 'ulimit -c 0 && exec "$0" "$@"', ...command];
}

/** A limit of one byte prevents piped dumps too: the kernel takes it for a crash of that program (`do_coredump` in fs/coredump.c). */
function withOneByte(command: readonly string[]): string[] {
  return ['prlimit', '--core=1:1', ...command];
}

function canLimitToOneByte(): boolean {
  return spawnSync('prlimit', ['--core=1:1', '/bin/sh', '-c', 'exit 0'], { stdio: 'ignore' }).status === 0;
}

/** @returns an empty text where the file does not exist */
function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}

/**
 * Decides whether a core dump of a process would be written, or piped to a program.
 *
 * @param pattern the content of /proc/sys/kernel/core_pattern; empty where it does not exist
 * @param limits the content of /proc/self/limits
 */
export function coreExposure(pattern: string, limits: string): 'none' | 'file' | 'pipe' {
  const [, soft, hard] = /^Max core file size\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  if (soft === undefined || (soft === '1' && hard === '1')) return 'none';
  if (pattern.startsWith('|')) return 'pipe';
  return soft === '0' && hard === '0' ? 'none' : 'file';
}

const piped =
  '/proc/sys/kernel/core_pattern: must be a file name, or `prlimit` (util-linux) must be installed. The kernel pipes core dumps to a ' +
  'program, whatever their limit is, and they would contain the keys.';

/**
 * Verifies in the process that holds the keys that no core dump and no debugger exposes them.
 *
 * @param allowCoreHandler warns of a program that core dumps are piped to, instead of refusing
 * @throws ConfigError if something does
 */
export function refuseExposure(allowCoreHandler: boolean): void {
  refuseInspector();
  switch (coreExposure(readProc('/proc/sys/kernel/core_pattern'), readProc('/proc/self/limits'))) {
    case 'none':
      return;
    case 'file':
      throw new ConfigError('The limit of core dumps must be 0 for the signer.');
    case 'pipe':
      if (!allowCoreHandler) throw new ConfigError(`${piped} To start nevertheless: --allow-core-handler.`);
      printError(`warning: ${piped}`);
  }
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
