/**
 * Makes a fresh clone ready to run: a supported Node, the packages and the build, each only when something has changed.
 * What only tests and checks need is installed when they are run. Needs nothing but Node's own modules: there may be no
 * others yet. Writes to stderr only.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { PrepareError, readText, root, say, whileLocked, writeAtomically } from './checkout.mjs';
import { ensureInstalled } from './packages.mjs';
import { ensureRuntime } from './runtime.mjs';

/** @typedef {import('./packages.mjs').Purpose} Purpose */

const buildStamp = join(root, 'dist/built');
const sources = ['server/src', 'server/migrations', 'server/data', 'cli/src', 'scripts', 'package-lock.json'];
const entries = ['server', 'cli'];

/**
 * Continues on a supported Node, installs and builds. Ends the process with a plain message if it cannot.
 *
 * @param {Purpose} [purpose] what the packages are for
 * @param {{ isQuiet?: boolean }} [options] quiet: does not say which Node it continues on
 */
export async function prepare(purpose = 'develop', options = {}) {
  await orEnd(async () => {
    await ensureRuntime(options);
    await ensureInstalled(purpose);
    await ensureBuilt();
  });
}

/** Continues on a supported Node, for a script that needs nothing else. Ends the process with a plain message if it cannot. */
export async function prepareRuntime() {
  await orEnd(() => ensureRuntime());
}

/** @param {() => Promise<void>} work */
async function orEnd(work) {
  try {
    await work();
  } catch (error) {
    say(error instanceof PrepareError ? error.message : String(/** @type {Error} */ (error)?.stack ?? error));
    process.exit(1);
  }
}

/** Builds the server and the command line tool if a source has changed since they were built. */
async function ensureBuilt() {
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

/** A fingerprint of every source's path, size and time: about 5 ms, where reading them all would take 50. */
function sourcesHash() {
  const hash = createHash('sha256');
  for (const source of sources) addSource(hash, source);
  return hash.digest('hex');
}

/**
 * @param {import('node:crypto').Hash} hash
 * @param {string} path
 */
function addSource(hash, path) {
  const found = statSync(join(root, path), { throwIfNoEntry: false });
  if (!found) return;
  if (found.isDirectory()) {
    for (const name of readdirSync(join(root, path)).sort()) addSource(hash, `${path}/${name}`);
  } else if (!path.endsWith('.test.ts')) {
    hash.update(`${path} ${found.size} ${found.mtimeMs}\n`);
  }
}

/** @param {string} hash */
function isBuilt(hash) {
  if (readText(buildStamp) !== hash) return false;
  return entries.every(
    (folder) =>
      existsSync(join(root, folder, 'dist/main.js')) || !existsSync(join(root, folder, 'src/main.ts')),
  );
}
