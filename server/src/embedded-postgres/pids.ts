import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const pollMs = 10;

/**
 * When a process was started, to distinguish it from a later one with the same id.
 *
 * @returns clock ticks since boot (proc(5), field 22 of `stat`), or undefined without /proc or without the process
 */
export function startTicks(pid: number): string | undefined {
  return statFields(pid)?.[19];
}

/** Whether a process is running. A zombie is not. */
export function isRunning(pid: number): boolean {
  if (!hasId(pid)) return false;
  const state = statFields(pid)?.[0];
  return state !== 'Z' && state !== 'X';
}

/** Whether the id is in use, possibly by a zombie: the check that PostgreSQL makes when it finds a lock file. */
export function hasId(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The command line of a process, separated by spaces; empty if there is no such process. */
export function commandLine(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    return execFileSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  } catch {
    return '';
  }
}

/**
 * Waits until a process that is not a child of this one has ended.
 *
 * @returns false if it is still running after `timeoutMs`
 */
export async function waitUntilEnded(pid: number, timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isRunning(pid)) {
    if (Date.now() > deadline) return false;
    await sleep(pollMs);
  }
  return true;
}

/** The fields of /proc/<pid>/stat after the name, which may itself hold spaces and brackets: state, parent, … */
function statFields(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}
