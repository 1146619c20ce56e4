import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemUser } from './user.ts';

/** A program of PostgreSQL that this process started, and that does not outlive this process. */
export interface GuardedProcess {
  readonly pid: number;
  /** Resolves with the exit code or the signal's name when it has ended. Never rejects. */
  readonly ended: Promise<number | string>;
  /** Resolves when the last line of its output has been read. */
  readonly linesDone: Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

interface GuardedOptions {
  /** The user it runs as; undefined for the user of this process. */
  readonly user: SystemUser | undefined;
  /** Its input on stdin. */
  readonly input?: string;
  /** Is called with each line that it writes to stderr. */
  onLine(line: string): void;
}

/**
 * The guard: a shell in the background that reads from a pipe of this process. If this process is killed, the pipe ends, and the
 * guard asks PostgreSQL to shut down; a line on the pipe ends the guard instead. It is forked before the program replaces the
 * shell, so that it is always there, and forked twice, so that it is not a child of PostgreSQL.
 */
const guardScript = '( { read -r _ <&3 || kill -INT "$$"; } </dev/null >/dev/null 2>&1 & ) && exec "$@" 3<&-';

/** No variables of this process, such as settings of libpq or keys. Messages are in English (C), because they are parsed. */
const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

const shutdownSteps: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/**
 * Starts a program in a session of its own, so that Ctrl-C in the terminal does not reach it, and under a guard, which interrupts
 * it if this process is killed.
 *
 * @throws Error when it cannot be started
 */
export async function startGuarded(
  program: string,
  args: readonly string[],
  options: GuardedOptions,
): Promise<GuardedProcess> {
  const child = spawn('/bin/sh', ['-c', guardScript, 'openledger', program, ...args], {
    ...(options.user ?? {}),
    cwd: '/',
    env: environment,
    detached: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe', 'pipe'],
  });
  await new Promise((resolve, reject) => child.once('spawn', resolve).on('error', reject));
  const guard = child.stdio[3] as Writable;
  const lines = createInterface({ input: child.stderr as Readable }).on('line', options.onLine);
  const linesDone = new Promise<void>((resolve) => lines.once('close', resolve));
  for (const stream of [guard, child.stdin]) stream?.on('error', () => undefined);
  child.stdin?.end(options.input);
  return {
    pid: child.pid as number,
    ended: exitOf(child).finally(() => guard.end('done\n')),
    linesDone,
    kill: (signal) => child.kill(signal),
  };
}

/**
 * Runs a program to its end.
 *
 * @throws Error with the last lines of its output when it fails
 */
export async function runGuarded(
  program: string,
  args: readonly string[],
  options: Omit<GuardedOptions, 'onLine'>,
): Promise<void> {
  const output: string[] = [];
  const running = await startGuarded(program, args, { ...options, onLine: (line) => output.push(line) });
  const code = await running.ended;
  if (code === 0) return;
  await Promise.race([running.linesDone, sleep(500)]);
  throw new Error(`${program} failed (${code}): ${output.slice(-10).join('\n')}`);
}

/**
 * Shuts PostgreSQL down in its modes "fast" (open transactions are rolled back) and "immediate", and at last kills it.
 *
 * @param kill sends a signal to it
 * @param hasEnded waits until it has ended, for at most `timeoutMs`; false if it has not
 * @throws Error when it is still running
 */
export async function shutDown(
  kill: (signal: NodeJS.Signals) => void,
  hasEnded: (timeoutMs: number) => Promise<boolean>,
): Promise<void> {
  for (const [signal, timeoutMs] of shutdownSteps) {
    kill(signal);
    if (await hasEnded(timeoutMs)) return;
  }
  throw new Error('PostgreSQL cannot be stopped');
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
}
