/**
 * The Node that everything runs on. An installed Node of 24 or newer is used as it is. From an older one, the program
 * continues on the version that runtime/package.json pins; it is installed once from npm, which verifies it by the
 * checksum in runtime/package-lock.json. Parses and runs on Node 18.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Socket } from 'node:net';
import { delimiter, dirname, join } from 'node:path';
import { PrepareError, readJson, readText, root, say, whileLocked } from './checkout.mjs';
import { npmInstall, removePackages } from './npm.mjs';

const oldestMajor = 24;
const setting = 'OPENLEDGER_RUNTIME';
/** Set for a program that continues on the pinned runtime: it ends with the process that started it. */
const startedBy = 'OPENLEDGER_RUNTIME_STARTED_BY';
/** The descriptor of the pipe from that process; the pipe ends with it, however it ends. */
const parentPipe = 3;

const folder = join(root, 'runtime');
const platform = `${process.platform}-${process.arch}`;
/** npm has the Node of every platform under a name of this form, but for one. */
const packageName = platform === 'darwin-arm64' ? `node-bin-${platform}` : `node-${platform}`;
const program = join(folder, 'node_modules', packageName, 'bin/node');
const forwarded = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR2']);

/**
 * Returns if this process runs on a supported Node. Otherwise runs the same script with the same arguments on the pinned
 * runtime, passes signals on, and ends as that process ends.
 *
 * @param {{ isQuiet?: boolean }} [options] quiet: says something only if it installs
 * @throws PrepareError if the setting refuses it, or the runtime cannot be installed or run
 */
export async function ensureRuntime({ isQuiet = false } = {}) {
  if (isSupported(process.versions.node)) return endWithParent();
  checkSetting();
  const version = pinnedVersion();
  if (!isInstalled(version)) await install(version);
  if (!isQuiet) say(`Node ${process.versions.node} is too old. Continuing on Node ${version} from runtime/.`);
  await continueOnRuntime();
}

/**
 * @param {string} version such as `24.4.1`
 */
export function isSupported(version) {
  return Number(version.split('.', 1)[0]) >= oldestMajor;
}

function checkSetting() {
  const value = process.env[setting] ?? 'pinned';
  const needed = `OpenLedger needs Node ${oldestMajor} or newer; this is Node ${process.versions.node}.`;
  if (value === 'installed') {
    throw new PrepareError(
      `${needed} Install a newer one, or unset ${setting} to run on the version that runtime/package.json pins.`,
    );
  }
  if (value !== 'pinned') throw new PrepareError(`${setting} must be \`pinned\` or \`installed\`.`);
}

/** @returns {string} */
function pinnedVersion() {
  const version = readJson(join(folder, 'package.json')).optionalDependencies[packageName];
  if (version) return version;
  throw new PrepareError(
    `OpenLedger needs Node ${oldestMajor} or newer; this is Node ${process.versions.node}. ` +
      `Install a newer one: npm has no pinned runtime for ${process.platform} on ${process.arch}.`,
  );
}

/**
 * npm writes its record last: what it lists is there in full.
 *
 * @param {string} version
 */
function isInstalled(version) {
  const record = readText(join(folder, 'node_modules/.package-lock.json'));
  if (record === undefined || !existsSync(program)) return false;
  return JSON.parse(record).packages[`node_modules/${packageName}`]?.version === version;
}

/** @param {string} version */
async function install(version) {
  await whileLocked(async () => {
    if (isInstalled(version)) return;
    say(
      `OpenLedger needs Node ${oldestMajor} or newer; this is Node ${process.versions.node}. ` +
        `Installing Node ${version} (npm package ${packageName}) into runtime/…`,
    );
    removePackages(folder);
    await npmInstall(folder);
    // It is optional for npm, which says nothing if it cannot get it.
    if (!existsSync(program)) throw notInstalled();
    const { error, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8' });
    if (stdout?.trim() !== `v${version}`) throw doesNotRun(error);
  });
}

function notInstalled() {
  return new PrepareError(
    `npm has not installed ${packageName}. Check that npm reaches its registry (\`npm ping\`), or install Node ` +
      `${oldestMajor} or newer.`,
  );
}

/** @param {Error | undefined} cause */
function doesNotRun(cause) {
  return new PrepareError(
    `The Node of the npm package ${packageName} does not run on this machine` +
      `${cause ? ` (${cause.message})` : ''}. Install Node ${oldestMajor} or newer.`,
  );
}

/** Programs that are spawned by name (npm, npx, scripts of packages) find the runtime first. */
function environment() {
  return {
    ...process.env,
    PATH: [dirname(program), process.env.PATH].filter(Boolean).join(delimiter),
    NODE: program,
    npm_node_execpath: program,
    [startedBy]: String(process.pid),
  };
}

/** @returns {Promise<never>} */
async function continueOnRuntime() {
  const child = spawn(program, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: environment(),
  });
  const isOnTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
  for (const signal of forwarded) {
    // A terminal sends these two to both processes.
    const isSentToBoth = isOnTerminal && (signal === 'SIGINT' || signal === 'SIGQUIT');
    process.on(signal, () => void (isSentToBoth || child.kill(signal)));
  }
  const [code, signal] = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(doesNotRun(error)));
    child.once('exit', (...end) => resolve(end));
  });
  if (signal === null) process.exit(code);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return new Promise(() => undefined);
}

/** Whoever kills the process that started this one, by SIGKILL too, means this one. */
function endWithParent() {
  const isStartedByOurs = process.env[startedBy] === String(process.ppid);
  delete process.env[startedBy];
  if (!isStartedByOurs) return;
  const pipe = new Socket({ fd: parentPipe });
  pipe.on('error', () => undefined);
  pipe.on('close', () => process.kill(process.pid, 'SIGKILL'));
  pipe.resume().unref();
}
