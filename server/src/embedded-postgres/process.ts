import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SystemUser } from './user.ts';

/** A program of PostgreSQL that this process started and that does not outlive it. */
export interface GuardedProcess {
  readonly pid: number;
  /** Resolves with the exit code, or the signal's name, when it has ended for whatever reason. Never rejects. */
  readonly ended: Promise<number | string>;
  /** Resolves when the last line of its output has been read. */
  readonly linesDone: Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

interface GuardedOptions {
  /** Whom it runs as; undefined for the user we are. */
  readonly user: SystemUser | undefined;
  /** What it reads on stdin. */
  readonly input?: string;
  /** Takes each line that it writes to stderr. */
  onLine(line: string): void;
}

/**
 * The guard: a shell that waits in the background, holding a pipe from us. Should we die without a word, the pipe ends
 * and it asks PostgreSQL to shut down; a line says that all is done. It forks off before the program takes the shell's
 * place (so there is no moment without it), and twice (so that PostgreSQL does not meet a child it never had).
 */
const guardScript = '( { read -r _ <&3 || kill -INT "$$"; } </dev/null >/dev/null 2>&1 & ) && exec "$@" 3<&-';

/** Nothing of ours: no settings for libpq, no keys. C keeps the messages in English, which we look at. */
const environment = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

const shutdownSteps: readonly (readonly [NodeJS.Signals, number])[] = [
  ['SIGINT', 10_000],
  ['SIGQUIT', 5_000],
  ['SIGKILL', 5_000],
];

/**
 * Starts a program in a session of its own (a Ctrl-C in the terminal does not reach it) and under a guard, that
 * interrupts it when this process dies.
 *
 * @throws Error when it cannot be started at all
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
 * Shuts PostgreSQL down: fast (open transactions are rolled back), then at once, then by force.
 *
 * @param kill sends a signal to it
 * @param gone waits until it has ended, for so many milliseconds; false when it has not
 */
export async function shutDown(
  kill: (signal: NodeJS.Signals) => void,
  gone: (timeoutMs: number) => Promise<boolean>,
): Promise<void> {
  for (const [signal, timeoutMs] of shutdownSteps) {
    kill(signal);
    if (await gone(timeoutMs)) return;
  }
  throw new Error('PostgreSQL cannot be stopped');
}

function exitOf(child: ChildProcess): Promise<number | string> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown')));
}
