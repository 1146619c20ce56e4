/** Servers under test: the built one, each a process of its own, started as a user would. */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../scripts/checkout.mjs';

const readyTimeoutMs = 60_000;
/** Longer than any run: the sandbox's settlement would be work that the other side does not do. */
const restMs = '3600000';
const running = new Set();

/** What a server is started with; nothing of the environment that the bench runs in. */
export function serverEnvironment() {
  return { PATH: process.env.PATH, HOME: process.env.HOME, OPENLEDGER_MASTER_KEY: masterKey };
}

/** One key for all servers of a run: several may share a database. */
const masterKey = randomBytes(32).toString('hex');

/**
 * Starts a server and waits until it is ready.
 *
 * @param {{ checkout?: string, databaseUrl?: string, dataDir?: string, lanes?: string, profileDir?: string }} options from
 *   another checkout than this, if one is given. With a database's URL, the server uses that; with a data directory, the embedded one in it; without, an embedded one that is removed at the end. `ownerUrl` is its
 *   database as the role that owns it: what the bench fills in and analyses is not for the role that serves
 */
export async function startServer({ checkout = root, databaseUrl, dataDir, lanes, profileDir } = {}) {
  const flags = profileDir ? ['--cpu-prof', '--cpu-prof-dir', profileDir] : [];
  const ownPlace = dataDir ? ['--data-dir', dataDir] : ['--ephemeral'];
  const place = databaseUrl ? [] : ownPlace;
  const environment = { ...serverEnvironment(), ...(databaseUrl ? { DATABASE_URL: databaseUrl } : {}) };
  const settings = [
    '--port',
    '0',
    '--rate-limit',
    'off',
    '--sandbox-step-ms',
    restMs,
    '--log-level',
    'error',
  ];
  const child = track(
    spawn(
      process.execPath,
      [
        ...flags,
        join(checkout, 'scripts/start.mjs'),
        '--json',
        ...secretsFlag(checkout),
        ...settings,
        ...place,
        ...(lanes ? ['--lanes', lanes] : []),
      ],
      {
        cwd: checkout,
        env: environment,
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    ),
  );
  const ready = await readyLine(child);
  const ownerUrl = databaseUrl ?? urlOfRole(ready, 'openledger_owner', 'owner');
  return { ...ready, ownerUrl, pid: child.pid, stop: () => stopChild(child) };
}

/** A build of before this flag prints the database's URL whole without it. */
function secretsFlag(checkout) {
  const flag = '--show-secrets';
  const { stdout } = spawnSync(process.execPath, [join(checkout, 'scripts/start.mjs'), '--help'], {
    cwd: checkout,
    encoding: 'utf8',
  });
  return stdout.includes(flag) ? [flag] : [];
}

/** An embedded database as another role than the server's; the server's own where the cluster has no such role. */
export function urlOfRole({ dataDir, databaseUrl }, role, passwordName) {
  const password = JSON.parse(readFileSync(join(dataDir, 'postgres.json'), 'utf8'))[passwordName];
  if (password === undefined) return databaseUrl;
  const url = new URL(databaseUrl);
  url.username = role;
  url.password = password;
  return url.href;
}

/** Starts a script of the bench that prints `{ "url": … }` when it listens. */
export async function startScript(script, args = []) {
  const child = track(
    spawn(process.execPath, [join(root, script), ...args], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const ready = await readyLine(child);
  return { ...ready, pid: child.pid, stop: () => stopChild(child) };
}

/** Notes a process, so that it is ended with the bench at the latest. */
export function track(child) {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** Ends what still runs. */
export async function stopAll() {
  await Promise.all([...running].map(stopChild));
}

function readyLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error('A server is not ready in time')), readyTimeoutMs);
    child.once('error', reject);
    child.once('exit', (code) => reject(new Error(`A server ended at its start (${code})`)));
    child.stdout.setEncoding('utf8').on('data', (part) => {
      text += part;
      if (!text.includes('\n')) return;
      clearTimeout(late);
      resolve(JSON.parse(text));
    });
  });
}

/** Asks a process to end and waits until it has. */
export function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  return ended;
}
