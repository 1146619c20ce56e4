/** The files of this checkout. Needs nothing but Node's own modules, and runs on every Node that can start a script of ours. */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The top of the checkout, with a slash at its end. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const lockFile = join(root, 'dist/preparing');
const lockPollMs = 200;
/** No installation takes longer: a lock of this age belongs to a process that is gone and whose id was reused. */
const lockMaxAgeMs = 30 * 60_000;

/** An error that the user can correct; only its message is shown. */
export class PrepareError extends Error {}

/**
 * Runs `work` while no other process prepares this checkout.
 *
 * @param {() => Promise<void>} work
 * @throws PrepareError if this process may not write here
 */
export async function whileLocked(work) {
  for (let tries = 0; !takeLock(); tries += 1) {
    if (tries === 1) say('Waiting for another process that installs or builds here…');
    await sleep(lockPollMs);
  }
  try {
    await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

/** `link` makes the lock appear together with the process id of its owner. */
function takeLock() {
  const temporary = `${lockFile}.${randomBytes(6).toString('hex')}`;
  try {
    mkdirSync(dirname(lockFile), { recursive: true });
    writeFileSync(temporary, String(process.pid));
  } catch (error) {
    if (codeOf(error) !== 'EACCES' && codeOf(error) !== 'EROFS') throw error;
    throw new PrepareError(`${root} must be writable: something has to be installed or built in it first.`);
  }
  try {
    linkSync(temporary, lockFile);
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeStaleLock();
    return false;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function removeStaleLock() {
  const owner = Number(readText(lockFile));
  const since = statSync(lockFile, { throwIfNoEntry: false })?.mtimeMs;
  if (since === undefined || (isAlive(owner) && Date.now() - since < lockMaxAgeMs)) return;
  // Renamed first: of two processes that find it stale only one removes it, and never a lock that was taken since.
  const aside = `${lockFile}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(lockFile, aside);
    if (Number(readText(aside)) !== owner) linkSync(aside, lockFile);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT' && codeOf(error) !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/**
 * Writes a file; a reader sees all of it or none of it.
 *
 * @param {string} path
 * @param {string | Uint8Array} content
 */
export function writeAtomically(path, content) {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

/**
 * @param {string} path
 * @returns the text of a file; undefined if there is no such file
 */
export function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/**
 * @param {string} path
 * @returns {any}
 */
export function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/**
 * Tells the user something, on stderr: stdout belongs to the program that is started afterwards.
 *
 * @param {string} text
 */
export function say(text) {
  process.stderr.write(`${text}\n`);
}

/**
 * @param {unknown} error
 * @returns the code of a system error, such as `ENOENT`
 */
function codeOf(error) {
  return /** @type {NodeJS.ErrnoException} */ (error).code;
}
