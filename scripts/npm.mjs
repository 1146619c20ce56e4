import { spawn } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { PrepareError } from './checkout.mjs';

/**
 * Installs the packages of a folder's package-lock.json, and does not write to it. Not `npm ci`: that refuses a lock file
 * without the optional packages of another platform, which is what npm itself writes if its registry does not have them.
 *
 * @param {string} folder
 * @param {readonly string[]} [flags] more flags for `npm install`
 * @throws PrepareError if npm fails
 */
export async function npmInstall(folder, flags = []) {
  const all = ['install', '--no-save', ...flags, '--loglevel=error', '--no-audit', '--no-fund'];
  const npm = process.env.npm_execpath;
  const [command, args] =
    npm && basename(npm) === 'npm-cli.js' ? [process.execPath, [npm, ...all]] : ['npm', all];
  // npm's stdout goes to our stderr.
  const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 2, 2], env: environment() });
  // A signal to this process alone must not leave npm running.
  /** @param {NodeJS.Signals} signal */
  const passOn = (signal) => void child.kill(signal);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, passOn);
  const outcome = await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.off(signal, passOn);
  if (outcome === 0) return;
  throw new PrepareError(`Installing packages failed (npm: ${outcome}). The message of npm is above.`);
}

/**
 * Removes the packages of a folder: npm takes what an interrupted installation has left for whole packages.
 *
 * @param {string} folder
 */
export function removePackages(folder) {
  // Not the folder itself, which may be a volume.
  const packages = join(folder, 'node_modules');
  for (const name of existsSync(packages) ? readdirSync(packages) : [])
    rmSync(join(packages, name), { recursive: true, force: true });
}

/** Without the settings of the npm that runs us: the workspace it was asked for, for one, does not exist in another folder. */
function environment() {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^npm_config_(workspaces?|prefix|local_prefix|include_workspace_root)$/i.test(name),
  );
  return Object.fromEntries(kept);
}
