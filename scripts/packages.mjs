/** The packages of package-lock.json: installed only when something has changed. */
import { createHash } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, readText, root, say, whileLocked } from './checkout.mjs';
import { npmInstall, removePackages } from './npm.mjs';

const installStamp = join(root, 'node_modules/.openledger-installed');
/** npm's own record of what it has installed. */
const installRecord = join(root, 'node_modules/.package-lock.json');
const folders = ['', 'server', 'cli'];

/**
 * What has to be installed: the packages that the server and the command line tool need to be built and to run, or those
 * of tests, checks and benchmarks too.
 *
 * @typedef {'run' | 'develop'} Purpose
 */

/**
 * Installs the packages of package-lock.json that a purpose needs, if they are not installed.
 *
 * @param {Purpose} purpose
 * @throws PrepareError if npm fails
 */
export async function ensureInstalled(purpose) {
  if (isInstalled(purpose)) return;
  await whileLocked(async () => {
    if (isInstalled(purpose)) return;
    const isNew = !existsSync(join(root, 'node_modules'));
    // npm would remove what a developer has installed.
    const wanted = hasPackagesOfDevelopers() ? 'develop' : purpose;
    say(`Installing packages (${isNew ? 'first run' : whyAgain()})…`);
    // npm writes its record last: without one, an installation was interrupted.
    if (!existsSync(installRecord)) removePackages(root);
    await npmInstall(root, [wanted === 'develop' ? '--include=dev' : '--omit=dev']);
    writeStamp(wanted);
  });
}

/** The stamp of an installation: its purpose, and what it depended on. */
function readStamp() {
  const [purpose, hash] = (readText(installStamp) ?? '').split(' ');
  return { purpose, hash };
}

/** @param {string} purpose */
function writeStamp(purpose) {
  writeFileSync(installStamp, `${purpose} ${packagesHash()}`);
}

/** @param {Purpose} purpose */
function wasFor(purpose) {
  const stamp = readStamp().purpose;
  return stamp === purpose || stamp === 'develop';
}

function whyAgain() {
  return readStamp().hash === packagesHash() ? 'for tests and checks' : 'package-lock.json has changed';
}

/** @param {Purpose} purpose */
function isInstalled(purpose) {
  if (wasFor(purpose) && readStamp().hash === packagesHash()) return true;
  // Somebody may have run npm by hand.
  const found = /** @type {const} */ (['develop', 'run']).find(hasPackagesFor);
  if (found === undefined || (purpose === 'develop' && found === 'run')) return false;
  writeStamp(found);
  return true;
}

function hasPackagesOfDevelopers() {
  const record = readText(installRecord);
  if (record === undefined) return false;
  return Object.values(lockedPackages(JSON.parse(record))).some(({ dev }) => dev);
}

/** What an installation depends on: the lock file, and the dependencies that each package.json asks for. */
function packagesHash() {
  const hash = createHash('sha256').update(readText(join(root, 'package-lock.json')) ?? '');
  for (const folder of folders) {
    const { dependencies, devDependencies, optionalDependencies, workspaces } = readJson(
      join(root, folder, 'package.json'),
    );
    hash.update(JSON.stringify([folder, dependencies, devDependencies, optionalDependencies, workspaces]));
  }
  return hash.digest('hex');
}

/**
 * Whether npm's own record of what it installed has every package of the lock file that a purpose needs on this machine.
 *
 * @param {Purpose} purpose
 */
function hasPackagesFor(purpose) {
  if (!existsSync(installRecord)) return false;
  const installed = lockedPackages(readJson(installRecord));
  const wanted = lockedPackages(readJson(join(root, 'package-lock.json')));
  if (!asksForTheSame(wanted)) return false;
  return Object.entries(wanted).every(([path, { dev, version, optional, devOptional, peer }]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    if (dev && purpose === 'run') return true;
    const found = installed[path];
    return found ? found.version === version : Boolean(optional || devOptional || peer);
  });
}

/**
 * Whether the lock file knows the dependencies that each package.json asks for now.
 *
 * @param {Record<string, Locked>} locked
 */
function asksForTheSame(locked) {
  return folders.every((folder) => {
    const asked = readJson(join(root, folder, 'package.json'));
    return /** @type {const} */ (['dependencies', 'devDependencies', 'optionalDependencies']).every(
      (kind) => {
        /** @param {Record<string, string> | undefined} list */
        const sorted = (list) => JSON.stringify(Object.entries(list ?? {}).sort());
        return sorted(asked[kind]) === sorted(locked[folder]?.[kind]);
      },
    );
  });
}

/**
 * A package in a lock file.
 *
 * @typedef {{
 *   version?: string, dev?: boolean, optional?: boolean, devOptional?: boolean, peer?: boolean,
 *   dependencies?: Record<string, string>, devDependencies?: Record<string, string>,
 *   optionalDependencies?: Record<string, string>,
 * }} Locked
 */

/**
 * @param {{ packages: Record<string, Locked> }} lock
 */
function lockedPackages(lock) {
  return lock.packages;
}
