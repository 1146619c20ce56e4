/**
 * Makes a fresh clone ready to run: installs the packages and builds, each only when something has changed. What only
 * tests and checks need is installed when they are run. Needs
 * nothing but Node's own modules, because there may be no others yet. Says what it does on stderr only: stdout belongs
 * to the program that is started afterwards.
 */
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The top of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const oldestNode = [20, 19];
const installStamp = join(root, 'node_modules/.openledger-installed');
/** npm's own record of what it has installed. */
const installRecord = join(root, 'node_modules/.package-lock.json');
const buildStamp = join(root, 'dist/built');
const lockFile = join(root, 'dist/preparing');
const sources = ['server/src', 'server/migrations', 'server/data', 'cli/src', 'scripts', 'package-lock.json'];
const entries = ['server', 'cli'];
const lockPollMs = 200;
/** No installation takes longer: a lock of this age is a dead process's whose id somebody else was given. */
const lockMaxAgeMs = 30 * 60_000;

/** Something that the user can mend; only its message is shown. */
export class PrepareError extends Error {}

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
 * @throws PrepareError when Node is too old or npm fails
 */
export async function ensureInstalled(purpose) {
  checkNode();
  if (isInstalled(purpose)) return;
  await whileLocked(async () => {
    if (isInstalled(purpose)) return;
    const isNew = !existsSync(join(root, 'node_modules'));
    // npm would remove what a developer has installed.
    const wanted = hasPackagesOfDevelopers() ? 'develop' : purpose;
    say(`Installing packages (${isNew ? 'first run' : whyAgain()})…`);
    await npmInstall(wanted);
    writeStamp(wanted);
  });
}

/**
 * Builds the server and the command line tool if a source has changed since they were built.
 *
 * @throws PrepareError when a source is wrong
 */
export async function ensureBuilt() {
  if (isBuilt(sourcesHash())) return;
  await whileLocked(async () => {
    // Taken before the build: what is saved while it runs is built the next time.
    const hash = sourcesHash();
    if (isBuilt(hash)) return;
    const { build } = await import('./build.mjs');
    await build();
    writeAtomically(buildStamp, hash);
  });
}

/**
 * Does both, and ends the process with a plain message when it cannot.
 *
 * @param {Purpose} purpose
 */
export async function prepare(purpose = 'develop') {
  try {
    await ensureInstalled(purpose);
    await ensureBuilt();
  } catch (error) {
    say(error instanceof PrepareError ? error.message : String(error?.stack ?? error));
    process.exit(1);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [wantedMajor, wantedMinor] = oldestNode;
  if (major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)) return;
  throw new PrepareError(
    `OpenLedger needs Node ${oldestNode.join('.')} or newer; this is ${process.versions.node}.`,
  );
}

/** The stamp of an installation: its purpose, and what it depended on. */
function readStamp() {
  const [purpose, hash] = (readText(installStamp) ?? '').split(' ');
  return { purpose, hash };
}

function writeStamp(purpose) {
  writeFileSync(installStamp, `${purpose} ${packagesHash()}`);
}

function wasFor(purpose) {
  const stamp = readStamp().purpose;
  return stamp === purpose || stamp === 'develop';
}

function whyAgain() {
  return readStamp().hash === packagesHash() ? 'for tests and checks' : 'package-lock.json has changed';
}

function isInstalled(purpose) {
  if (wasFor(purpose) && readStamp().hash === packagesHash()) return true;
  // Somebody may have run npm by hand.
  const found = ['develop', 'run'].find(hasPackagesFor);
  if (found === undefined || (purpose === 'develop' && found === 'run')) return false;
  writeStamp(found);
  return true;
}

function hasPackagesOfDevelopers() {
  const record = readText(installRecord);
  return record !== undefined && Object.values(JSON.parse(record).packages).some(({ dev }) => dev);
}

/** What an installation depends on: the lock file, and the dependencies that each package.json asks for. */
function packagesHash() {
  const hash = createHash('sha256').update(readText(join(root, 'package-lock.json')) ?? '');
  for (const folder of ['', ...entries]) {
    const { dependencies, devDependencies, optionalDependencies, workspaces } = readJson(
      join(root, folder, 'package.json'),
    );
    hash.update(JSON.stringify([folder, dependencies, devDependencies, optionalDependencies, workspaces]));
  }
  return hash.digest('hex');
}

/** Whether npm's own record of what it installed has every package of the lock file that a purpose needs on this machine. */
function hasPackagesFor(purpose) {
  if (!existsSync(installRecord)) return false;
  const { packages: installed } = readJson(installRecord);
  const { packages: wanted } = readJson(join(root, 'package-lock.json'));
  if (!asksForTheSame(wanted)) return false;
  return Object.entries(wanted).every(([path, { dev, version, optional, devOptional, peer }]) => {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) return true;
    if (dev && purpose === 'run') return true;
    const found = installed[path];
    return found ? found.version === version : Boolean(optional || devOptional || peer);
  });
}

/** Whether the lock file knows the dependencies that each package.json asks for now. */
function asksForTheSame(locked) {
  return ['', ...entries].every((folder) => {
    const asked = readJson(join(root, folder, 'package.json'));
    return ['dependencies', 'devDependencies', 'optionalDependencies'].every((kind) => {
      const sorted = (list) => JSON.stringify(Object.entries(list ?? {}).sort());
      return sorted(asked[kind]) === sorted(locked[folder]?.[kind]);
    });
  });
}

/**
 * Installs what the lock file says, and does not write to it. Not `npm ci`: that refuses a lock file without the optional
 * packages of some other platform, which is what npm itself writes when its registry has not got them.
 */
async function npmInstall(purpose) {
  const kinds = purpose === 'develop' ? '--include=dev' : '--omit=dev';
  const flags = ['install', '--no-save', kinds, '--loglevel=error', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const [command, args] =
    npm && basename(npm) === 'npm-cli.js' ? [process.execPath, [npm, ...flags]] : ['npm', flags];
  // npm's stdout goes to our stderr.
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2] });
  // A signal to this process alone must not leave npm at work.
  const passOn = (signal) => child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, passOn);
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, passOn);
  if (outcome === 0) return;
  throw new PrepareError(`Installing packages failed (npm: ${outcome}); its own message is above.`);
}

/** A fingerprint of every source's path, size and time: about 5 ms, where reading them all would take 50. */
function sourcesHash() {
  const hash = createHash('sha256');
  for (const source of sources) addSource(hash, source);
  return hash.digest('hex');
}

function addSource(hash, path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found) return;
  if (found.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addSource(hash, `${path}/${name}`);
  } else if (!path.endsWith('.test.ts')) {
    hash.update(`${path} ${found.size} ${found.mtimeMs}\n`);
  }
}

function isBuilt(hash) {
  if (readText(buildStamp) !== hash) return false;
  return entries.every(
    (folder) =>
      existsSync(join(root, folder, 'dist/main.js')) || !existsSync(join(root, folder, 'src/main.ts')),
  );
}

/** Runs `work` while no other process on this checkout does. */
async function whileLocked(work) {
  mkdirSync(join(root, 'dist'), { recursive: true });
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

/** The lock appears with its owner's process id in it, never without: that is what `link` is for. */
function takeLock() {
  const temporary = `${lockFile}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, String(process.pid));
  try {
    linkSync(temporary, lockFile);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
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
  // Renamed first, so that of two who find it stale only one removes it, and never the other's new one.
  const aside = `${lockFile}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(lockFile, aside);
    if (Number(readText(aside)) !== owner) linkSync(aside, lockFile);
  } catch (error) {
    if (error.code !== 'ENOENT' && error.code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function isAlive(pid) {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Writes a file that is there in full or not at all. */
export function writeAtomically(path, content) {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`;
  writeFileSync(temporary, content);
  renameSync(temporary, path);
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}

function say(text) {
  process.stderr.write(`${text}\n`);
}
