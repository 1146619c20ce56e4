import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { request } from 'undici';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  endLaunched,
  type LaunchOptions,
  launch,
  processGone,
  type ServerProcess,
  untilReady,
} from '../support/process.ts';

/**
 * The server starts on the supported versions of Node, and from an older one through the pinned runtime. The versions are
 * packages of npm, kept in node_modules/.cache.
 */

const root = join(import.meta.dirname, '../..');
const platform = `${process.platform}-${process.arch}`;
const packageName = platform === 'darwin-arm64' ? `node-bin-${platform}` : `node-${platform}`;
const pinned: string = JSON.parse(readFileSync(join(root, 'runtime/package.json'), 'utf8'))
  .optionalDependencies[packageName];

/** The path of a Node of this major version: the one that runs the tests if it is, or npm's newest. */
function nodeOf(major: number): string {
  if (process.versions.node.startsWith(`${major}.`)) return process.execPath;
  const folder = join(root, `node_modules/.cache/node-${major}`);
  const program = join(folder, 'node_modules', packageName, 'bin/node');
  if (existsSync(program)) return program;
  mkdirSync(folder, { recursive: true });
  const args = ['install', '--no-save', '--prefix', folder, '--loglevel=error', `${packageName}@${major}`];
  const { status, stderr } = spawnSync('npm', args, { cwd: folder, encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return program;
}

const installTimeoutMs = 300_000;
const start = join(root, 'scripts/start.mjs');
const serverArgs = ['--json', '--show-secrets', '--ephemeral', '--port', '0', '--log-level', 'error'];

const clones: string[] = [];
let nodes: Readonly<Record<20 | 24 | 26, string>>;
beforeAll(() => {
  nodes = { 20: nodeOf(20), 24: nodeOf(24), 26: nodeOf(26) };
}, installTimeoutMs);
afterEach(async () => {
  await endLaunched();
  for (const clone of clones.splice(0)) rmSync(clone, { recursive: true, force: true });
});

const startOn = (node: string, options: LaunchOptions = {}): Promise<ServerProcess> =>
  untilReady(launch(node, { ...options, args: [start, ...serverArgs] }), installTimeoutMs);

async function expectAnswers({ testKey, url }: ServerProcess): Promise<void> {
  const answer = await request(`${url}/v1/customers`, {
    method: 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' }),
  });
  expect(answer.statusCode, await answer.body.text()).toBe(200);
}

/** The process that serves: the one that was started, or the one that it continues as. */
function serverPid({ dataDir }: ServerProcess): number {
  return JSON.parse(readFileSync(join(dataDir, 'running.json'), 'utf8')).pid;
}

describe('an installed Node of 24 or newer is used as it is', () => {
  test.each([24, 26] as const)('%i', async (major) => {
    const server = await startOn(nodes[major]);
    await expectAnswers(server);
    expect(serverPid(server)).toBe(server.pid);
    expect(server.stderr()).toBe('');
    expect((await server.stop()).code).toBe(0);
  });
});

/** A clone of what preparing needs, with a script that prints the version that it runs on. */
function cloneScripts(): string {
  const clone = mkdtempSync(join(tmpdir(), 'openledger-runtime-'));
  clones.push(clone);
  cpSync(join(root, 'scripts'), join(clone, 'scripts'), { recursive: true });
  mkdirSync(join(clone, 'runtime'));
  for (const name of ['package.json', 'package-lock.json'])
    cpSync(join(root, 'runtime', name), join(clone, 'runtime', name));
  const script = `import { prepareRuntime } from './prepare.mjs';
    await prepareRuntime();
    process.stdout.write(process.versions.node);`;
  writeFileSync(join(clone, 'scripts/version.mjs'), script);
  return clone;
}

describe('the installation of the runtime', () => {
  const programOf = (clone: string): string => join(clone, 'runtime/node_modules', packageName, 'bin/node');

  test(
    'starts anew after one that was interrupted, and runs once for two commands',
    async () => {
      const clone = cloneScripts();
      // As npm leaves it: part of the program, and no record.
      mkdirSync(dirname(programOf(clone)), { recursive: true });
      writeFileSync(programOf(clone), readFileSync(process.execPath).subarray(0, 1_000_000), { mode: 0o755 });
      const manifest = { name: packageName, version: pinned };
      writeFileSync(join(programOf(clone), '../../package.json'), JSON.stringify(manifest));
      // npm may find its registry by the environment.
      const options = { args: [join(clone, 'scripts/version.mjs')], env: process.env };
      const running = [1, 2].map(() => launch(nodes[20], options));
      for (const { exit, stderr, stdout } of running) {
        expect((await exit(installTimeoutMs)).code, stderr()).toBe(0);
        expect(stdout()).toBe(pinned);
      }
      const told = running.map(({ stderr }) => stderr()).join('');
      expect(told.match(/Installing Node/g)).toHaveLength(1);
    },
    installTimeoutMs,
  );

  test('tells when the program cannot be run', async () => {
    const clone = cloneScripts();
    mkdirSync(dirname(programOf(clone)), { recursive: true });
    writeFileSync(programOf(clone), '#!/no/such/loader\n', { mode: 0o755 });
    const record = { packages: { [`node_modules/${packageName}`]: { version: pinned } } };
    writeFileSync(join(clone, 'runtime/node_modules/.package-lock.json'), JSON.stringify(record));
    const running = launch(nodes[20], { args: [join(clone, 'scripts/version.mjs')] });
    expect((await running.exit()).code).toBe(1);
    expect(running.stderr()).toContain(
      `The Node of the npm package ${packageName} does not run on this machine`,
    );
  });
});

describe('an older Node continues on the pinned runtime', () => {
  test('npm start serves on it, says so once, and passes signals and the exit code on', async () => {
    const env = { PATH: `${dirname(nodes[20])}:${process.env.PATH}` };
    const npm = launch('npm', { args: ['start', '--', ...serverArgs], env });
    const server = await untilReady(npm, installTimeoutMs);
    await expectAnswers(server);
    const pid = serverPid(server);
    expect(pid).not.toBe(server.pid);
    if (process.platform === 'linux')
      expect(readlinkSync(`/proc/${pid}/exe`)).toContain(`${packageName}/bin/node`);
    expect(server.stderr().match(new RegExp(`Continuing on Node ${pinned}`, 'g'))).toHaveLength(1);
    expect((await server.stop()).code).toBe(0);
    await processGone(pid);
  });

  test('the server ends with the process that was started, also when that is killed', async () => {
    const server = await startOn(nodes[20]);
    const pid = serverPid(server);
    await server.stop('SIGKILL');
    await processGone(pid);
  });

  test('arguments and the exit code of a command pass through', async () => {
    const cli = join(root, 'cli/bin/openledger.mjs');
    const [older, supported] = await Promise.all(
      [nodes[20], nodes[26]].map(async (node) => {
        const running = launch(node, { args: [cli, 'keys', 'list', '--nonsense'] });
        return { ...(await running.exit()), stdout: running.stdout(), stderr: running.stderr() };
      }),
    );
    expect(older).toEqual(supported);
    expect(older).toMatchObject({ code: 1, stderr: expect.stringContaining('--nonsense') });
  });

  test('OPENLEDGER_RUNTIME=installed makes it an error instead', async () => {
    const running = launch(nodes[20], { args: [start], env: { OPENLEDGER_RUNTIME: 'installed' } });
    expect((await running.exit()).code).toBe(1);
    expect(running.stdout()).toBe('');
    expect(running.stderr()).toMatch(
      /^OpenLedger needs Node 24 or newer; this is Node 20\.[\d.]+\. Install a newer one/,
    );
  });

  test('OPENLEDGER_RUNTIME must be one of its values', async () => {
    const running = launch(nodes[20], { args: [start], env: { OPENLEDGER_RUNTIME: 'newest' } });
    expect((await running.exit()).code).toBe(1);
    expect(running.stderr()).toBe('OPENLEDGER_RUNTIME must be `pinned` or `installed`.\n');
  });
});
