/**
 * The browser of the browser tests: finds a Chromium, or installs Debian's when it may. Needs nothing but Node's own
 * modules.
 */
import { spawn } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';

const places = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** What to do when there is no browser. */
export const chromiumMissing =
  'The browser tests need Chromium or Chrome. Install one (Debian, Ubuntu: apt-get install chromium; macOS: ' +
  'brew install --cask chromium), or set CHROMIUM_PATH to its program.';

/**
 * The path of a Chromium that can be run; undefined when there is none.
 *
 * @returns {string | undefined}
 */
export function findChromium() {
  const given = process.env.CHROMIUM_PATH;
  return given ? [given].find(canRun) : places.find(canRun);
}

/** Installs Chromium where that is ours to do: as root, on Debian and its kin. What goes wrong is left to the tests. */
export async function ensureChromium() {
  if (findChromium() || process.env.CHROMIUM_PATH) return;
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) return;
  process.stderr.write('Installing Chromium for the browser tests (apt-get)…\n');
  const options = ['-qq', '-o', 'Dpkg::Use-Pty=0'];
  const code =
    (await run([...options, 'update'])) ||
    (await run([...options, 'install', '-y', '--no-install-recommends', 'chromium']));
  if (code !== 0) process.stderr.write(`Installing Chromium failed (apt-get: ${code}).\n`);
}

function run(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const child = spawn('apt-get', args, { stdio: ['ignore', 'ignore', 'inherit'], env });
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

function canRun(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
