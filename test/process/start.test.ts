import { randomBytes } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { dropDatabase, runSql } from '../support/database.ts';
import {
  endLaunched,
  freePort,
  type LaunchOptions,
  launch,
  launchServer,
  makeTempDir,
  postgresPid,
  processGone,
  type ServerProcess,
  startServerProcess,
  untilReady,
} from '../support/process.ts';

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65534, gid: 65534 };
const sharedRoot = '/var/lib/openledger';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await endLaunched();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

let shared: { path: string; remove(): Promise<void> };
beforeAll(async () => {
  shared = await makeTempDir();
});
afterAll(async () => {
  await endLaunched();
  await shared.remove();
});

/** A data directory that tests share which need no new one: making a cluster takes longest of all. */
function usedDataDir(): string {
  return join(shared.path, 'data');
}

/** A data directory of its own for a test. */
async function newDataDir(): Promise<string> {
  const { path, remove } = await makeTempDir();
  cleanUps.push(remove);
  return join(path, 'data');
}

/** An empty database of the test run's own PostgreSQL, as a user's own server would have. */
async function newDatabase(): Promise<string> {
  const admin = inject('databaseUrl');
  const name = `own_${randomBytes(6).toString('hex')}`;
  await runSql(admin, `create database ${name}`);
  cleanUps.push(() => dropDatabase(name));
  const url = new URL(admin);
  url.pathname = `/${name}`;
  return url.href;
}

const onData = (dataDir: string, ...args: string[]): LaunchOptions => ({
  args: ['--data-dir', dataDir, ...args],
});

/** A server that must not start. @returns what it said on stderr */
async function refusedStart(options: LaunchOptions): Promise<string> {
  const running = launchServer(options);
  const { code } = await running.exit();
  expect(code, running.stderr()).toBe(1);
  expect(running.stdout()).toBe('');
  return running.stderr();
}

/** Log lines are JSON; what is left is what was said to the user. */
function toUser(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{"level"'));
}

/** Exactly one line to the user: an error that names the setting. */
function expectOneError(stderr: string, pattern: RegExp): void {
  expect(toUser(stderr), stderr).toHaveLength(1);
  expect(toUser(stderr)[0]).toMatch(/^error: /);
  expect(toUser(stderr)[0]).toMatch(pattern);
}

const ada = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };

async function call(
  { testKey, url }: Pick<ServerProcess, 'testKey' | 'url'>,
  path: string,
  body?: unknown,
  dispatcher?: Agent,
) {
  const answer = await request(url + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${testKey}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    ...(dispatcher ? { dispatcher } : {}),
  });
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers of every shape
  return { status: answer.statusCode, ...((await answer.body.json()) as { data: any }) };
}

async function expectNothingLeft(dataDir: string): Promise<void> {
  expect(await postgresPid(dataDir)).toBeUndefined();
  expect(existsSync(join(dataDir, 'running.json'))).toBe(false);
  expect(existsSync(join(dataDir, 'owner.json'))).toBe(false);
}

describe('npm start', () => {
  test('prints exactly one JSON line when ready, logs to stderr, and ends cleanly', async () => {
    const dataDir = usedDataDir();
    const args = ['start', '--', '--json', '--port', '0', '--data-dir', dataDir, '--log-level', 'debug'];
    const npm = launch('npm', { args });
    const server = await untilReady(npm);
    expect((await call(server, '/v1/customers', ada)).status).toBe(200);
    const keys = ['ready', 'url', 'adminUrl', 'testKey', 'liveKey', 'dataDir', 'databaseUrl'];
    expect(Object.keys(JSON.parse(server.stdout()))).toEqual(keys);
    expect(server).toMatchObject({
      ready: true,
      url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      adminUrl: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
      testKey: expect.stringMatching(/^ld_test_\w+_\w+$/),
      liveKey: expect.stringMatching(/^ld_live_\w+_\w+$/),
      dataDir,
      databaseUrl: expect.stringMatching(/^postgres:\/\/openledger@127\.0\.0\.1:\d+\/openledger$/),
    });
    expect((await server.stop()).code).toBe(0);
    // npm itself may say something around it; the server's own output is one line.
    expect(server.stdout().match(/\n/g)).toHaveLength(1);
    const logs = server.stderr().split('\n').filter(Boolean);
    expect(logs.length).toBeGreaterThan(0);
    for (const line of logs) expect(JSON.parse(line)).toHaveProperty('level');
    await expectNothingLeft(dataDir);
  });

  test('without --json it tells how to begin', async () => {
    const running = launchServer({ args: ['--ephemeral', '--port', '0'] });
    await expect.poll(() => running.stdout(), { timeout: 20_000 }).toContain('Stop with Ctrl-C.');
    const [, url = ''] = /Base URL {3}(\S+)/.exec(running.stdout()) ?? [];
    const [, testKey = ''] = /Test key {3}(ld_test_\w+)/.exec(running.stdout()) ?? [];
    expect(running.stdout()).toContain(`Docs       ${url}/docs`);
    expect(running.stdout()).toContain(`curl -s ${url}/v1/customers`);
    expect((await call({ url, testKey }, '/v1/customers')).status).toBe(200);
    running.child.kill('SIGTERM');
    expect((await running.exit()).code).toBe(0);
  });

  test('sandbox webhooks reach this machine unless it is switched off', async () => {
    const webhook = { url: 'http://127.0.0.1:9/hook', events: ['*'] };
    for (const [setting, status] of [
      ['on', 200],
      ['off', 400],
    ] as const) {
      const server = await startServerProcess(onData(usedDataDir(), '--loopback-webhooks', setting));
      expect((await call(server, '/v1/webhooks', webhook)).status).toBe(status);
      await server.stop();
    }
  });

  test('--help lists every setting', async () => {
    const running = launchServer({ args: ['--help'] });
    expect((await running.exit()).code).toBe(0);
    for (const name of ['PORT', 'HOST', 'DATABASE_URL', '--json', '--ephemeral', '--help']) {
      expect(running.stdout()).toContain(name);
    }
    for (const name of ['DATA_DIR', 'PUBLIC_URL', 'MASTER_KEY', 'RATE_LIMIT', 'LOG_LEVEL']) {
      expect(running.stdout()).toContain(`OPENLEDGER_${name}`);
    }
  });
});

describe('starting again', () => {
  test('shows the same keys and keeps the data', async () => {
    const dataDir = await newDataDir();
    const first = await startServerProcess(onData(dataDir));
    const { id } = (await call(first, '/v1/customers', ada)).data;
    expect((await first.stop()).code).toBe(0);
    await expectNothingLeft(dataDir);

    const second = await startServerProcess(onData(dataDir));
    expect(second).toMatchObject({ testKey: first.testKey, liveKey: first.liveKey, dataDir });
    expect((await call(second, `/v1/customers/${id}`)).data).toMatchObject(ada);
    for (const file of ['keys.json', 'master.key', 'postgres.json', 'running.json']) {
      expect((await stat(join(dataDir, file))).mode & 0o777, file).toBe(0o600);
    }
    expect((await second.stop('SIGINT')).code).toBe(0);
    await expectNothingLeft(dataDir);
  });

  test('works after kill -9 of the server, and of PostgreSQL too', async () => {
    const dataDir = usedDataDir();
    let server = await startServerProcess(onData(dataDir));
    const ids: string[] = [];
    for (const killPostgres of [false, true, false]) {
      ids.push((await call(server, '/v1/customers', ada)).data.id);
      const pid = await postgresPid(dataDir);
      expect(pid).toBeGreaterThan(0);
      server.child.kill('SIGKILL');
      if (killPostgres) process.kill(pid as number, 'SIGKILL');
      expect((await server.exit()).signal).toBe('SIGKILL');
      server = await startServerProcess(onData(dataDir));
      for (const id of ids) expect((await call(server, `/v1/customers/${id}`)).status).toBe(200);
    }
    expect((await server.stop()).code).toBe(0);
    await expectNothingLeft(dataDir);
  });

  test('leaves no PostgreSQL behind when the server is killed', async () => {
    const dataDir = usedDataDir();
    const server = await startServerProcess(onData(dataDir));
    const pid = await postgresPid(dataDir);
    server.child.kill('SIGKILL');
    await server.exit();
    await processGone(pid as number);
  });

  test('ends with an error when its PostgreSQL is killed', async () => {
    const dataDir = usedDataDir();
    const server = await startServerProcess(onData(dataDir));
    process.kill((await postgresPid(dataDir)) as number, 'SIGKILL');
    expect((await server.exit()).code).toBe(1);
    expectOneError(server.stderr(), /embedded PostgreSQL has stopped/);
    await expectNothingLeft(dataDir);
  });

  test('works after it was killed at any moment of its first start', async () => {
    const dataDir = await newDataDir();
    for (const afterMs of [150, 350, 700, 1200, 1800]) {
      const running = launchServer(onData(dataDir, '--json', '--port', '0'));
      await sleep(afterMs);
      running.child.kill('SIGKILL');
      await running.exit();
    }
    const server = await startServerProcess(onData(dataDir));
    expect((await call(server, '/v1/health')).data.status).toBe('ok');
    expect((await server.stop()).code).toBe(0);
  });
});

describe('what is taken already', () => {
  test('a port in use: an error that names PORT, and nothing is left running', async () => {
    const dataDir = usedDataDir();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    try {
      const stderr = await refusedStart({
        args: ['--json', '--data-dir', dataDir],
        env: { PORT: String(port) },
      });
      expectOneError(stderr, new RegExp(`PORT: 127\\.0\\.0\\.1:${port} is in use`));
    } finally {
      holder.close();
    }
    await expectNothingLeft(dataDir);
  });

  test('a port in use on the very first start does not lose the keys', async () => {
    const dataDir = await newDataDir();
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as { port: number };
    await refusedStart({ args: ['--json', '--data-dir', dataDir, '--port', String(port)] });
    holder.close();
    const server = await startServerProcess(onData(dataDir));
    expect(server.testKey).toMatch(/^ld_test_/);
    expect((await call(server, '/v1/customers')).status).toBe(200);
    await server.stop();
  });

  test('a data directory in use: an error, and the first server goes on', async () => {
    const dataDir = usedDataDir();
    const server = await startServerProcess(onData(dataDir));
    const stderr = await refusedStart(onData(dataDir, '--json', '--port', '0'));
    expectOneError(stderr, new RegExp(`data directory ${dataDir} is in use by process ${server.pid}`));
    expect((await call(server, '/v1/customers', ada)).status).toBe(200);
    expect((await server.stop()).code).toBe(0);
  });

  test('two that start at the same moment on a new data directory: one of them has it, also the next time', async () => {
    const dataDir = await newDataDir();
    const args = ['--json', '--port', '0', '--data-dir', dataDir];
    const both = [launchServer({ args }), launchServer({ args })];
    const outcomes = await Promise.allSettled(both.map((running) => untilReady(running)));
    const ready = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
    expect(ready).toHaveLength(1);
    expect((await ready[0]?.stop())?.code).toBe(0);
    const again = await startServerProcess(onData(dataDir));
    expect(again.testKey).toBe(ready[0]?.testKey);
    await again.stop();
  });
});

describe('stopping', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal} while requests are running: what was answered is kept, what was not is refused`, async () => {
      const dataDir = usedDataDir();
      const options = onData(dataDir, '--rate-limit', 'off');
      const server = await startServerProcess(options);
      const agent = new Agent({ connections: 64 });
      const created: string[] = [];
      let [cutOff, stopping] = [0, false];
      const client = async (): Promise<void> => {
        for (;;) {
          try {
            const { data, status } = await call(server, '/v1/customers', ada, agent);
            expect(status).toBe(200);
            created.push(data.id);
          } catch (error) {
            // Refused or closed, but never half an answer; and only once it was asked to stop.
            expect(String((error as Error).message)).toMatch(/ECONNREFUSED|other side closed|ECONNRESET/);
            expect(stopping).toBe(true);
            cutOff += 1;
            return;
          }
        }
      };
      const clients = Array.from({ length: 100 }, client);
      await expect.poll(() => created.length, { timeout: 30_000 }).toBeGreaterThan(200);
      stopping = true;
      expect((await server.stop(signal)).code).toBe(0);
      await Promise.all(clients);
      expect(cutOff).toBe(100);
      await agent.close();
      await expectNothingLeft(dataDir);

      const again = await startServerProcess(options);
      for (const id of created) expect((await call(again, `/v1/customers/${id}`)).status, id).toBe(200);
      await again.stop();
    });
  }

  test('a request that is half sent when the signal comes is still answered', async () => {
    const dataDir = usedDataDir();
    const server = await startServerProcess(onData(dataDir));
    const { socket, text } = await openSocket(server.url);
    const body = JSON.stringify(ada);
    socket.write(
      `POST /v1/customers HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${server.testKey}\r\n` +
        `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
    );
    await sleep(200);
    server.child.kill('SIGTERM');
    await sleep(300);
    socket.write(body.slice(10));
    expect((await server.exit()).code).toBe(0);
    expect(text()).toMatch(/^HTTP\/1\.1 200 /);
    const { id } = JSON.parse(text().split('\r\n\r\n')[1] as string).data;

    const again = await startServerProcess(onData(dataDir));
    expect((await call(again, `/v1/customers/${id}`)).status).toBe(200);
    await again.stop();
  });

  test('connections that are open but idle do not hold it up', async () => {
    const server = await startServerProcess(onData(usedDataDir()));
    const silent = await openSocket(server.url);
    const used = await openSocket(server.url);
    used.socket.write('GET /v1/health HTTP/1.1\r\nhost: x\r\n\r\n');
    await expect.poll(used.text).toContain('200 OK');
    const startedMs = performance.now();
    expect((await server.stop()).code).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(5000);
    silent.socket.destroy();
    used.socket.destroy();
  });

  test('signals during the start end it as cleanly', async () => {
    const dataDir = await newDataDir();
    for (const afterMs of [250, 600, 1500]) {
      const running = launchServer(onData(dataDir, '--json', '--port', '0'));
      await sleep(afterMs);
      running.child.kill('SIGTERM');
      const { code, signal } = await running.exit();
      // Before the program has run far enough to listen for it, the signal itself ends it.
      expect(code ?? signal, running.stderr()).toBeOneOf([0, 'SIGTERM']);
      expect(toUser(running.stderr())).toEqual([]);
      await expectNothingLeft(dataDir);
    }
  });

  test('a second signal means no more than the first', async () => {
    const dataDir = usedDataDir();
    const server = await startServerProcess(onData(dataDir));
    server.child.kill('SIGINT');
    server.child.kill('SIGINT');
    server.child.kill('SIGTERM');
    expect((await server.exit()).code).toBe(0);
    await expectNothingLeft(dataDir);
  });

  test('--ephemeral removes its directory', async () => {
    const server = await startServerProcess({ args: ['--ephemeral'] });
    expect(existsSync(server.dataDir)).toBe(true);
    expect((await server.stop()).code).toBe(0);
    expect(existsSync(server.dataDir)).toBe(false);
  });

  test.runIf(isRoot)('--ephemeral removes it also where PostgreSQL lies elsewhere', async () => {
    // PostgreSQL's user cannot come through this directory.
    const { path, remove } = await makeTempDir(undefined, 0o700);
    cleanUps.push(remove);
    const server = await startServerProcess({ args: ['--ephemeral'], env: { TMPDIR: path } });
    expect(server.dataDir.startsWith(path)).toBe(true);
    const home = join(await readlink(join(server.dataDir, 'postgres')), '..');
    expect(home.startsWith(`${sharedRoot}/cluster-`)).toBe(true);
    expect((await server.stop()).code).toBe(0);
    expect(existsSync(home)).toBe(false);
    expect(readdirSync(path)).toEqual([]);
  });
});

describe('wrong settings', () => {
  // What each setting must be is tested where they are read (platform/config.test.ts).
  const secret = 'hunter2hunter2';
  const wrong: [setting: string, options: LaunchOptions][] = [
    ['PORT', { env: { PORT: 'abc' } }],
    ['--master-key', { args: [`--master-key=${secret}`] }],
    ['DATABASE_URL', { env: { DATABASE_URL: `mysql://root:${secret}@localhost/x` } }],
  ];
  for (const [setting, options] of wrong) {
    test(`${setting}: ${JSON.stringify(options)}`, async () => {
      const stderr = await refusedStart(options);
      expect(stderr).toContain(setting);
      expect(stderr).not.toContain(secret);
      expect(stderr).not.toMatch(/\n\s+at /);
      expect(toUser(stderr)[0]).toMatch(/^error: /);
    });
  }

  test('an excess argument', async () => {
    expect(await refusedStart({ args: ['please'] })).toMatch(/^error: .*argument/);
  });

  test('a host that is not of this machine', async () => {
    const dataDir = usedDataDir();
    const stderr = await refusedStart(onData(dataDir, '--port', '0', '--host', '192.0.2.1'));
    expectOneError(stderr, /HOST/);
    await expectNothingLeft(dataDir);
  });

  test('a data directory that is a file', async () => {
    const { path, remove } = await makeTempDir();
    cleanUps.push(remove);
    await writeFile(join(path, 'file'), '');
    const stderr = await refusedStart(onData(join(path, 'file'), '--port', '0'));
    expectOneError(stderr, /OPENLEDGER_DATA_DIR|file/);
  });
});

describe('where settings come from', () => {
  test('a flag goes before the environment, that before .env', async () => {
    const { path: cwd, remove } = await makeTempDir();
    cleanUps.push(remove);
    const [dotEnv, environment, flag] = [await freePort(), await freePort(), await freePort()];
    await writeFile(join(cwd, '.env'), `PORT=${dotEnv}\nOPENLEDGER_DATA_DIR=from-dot-env\n`);
    const starts: [port: number, options: LaunchOptions][] = [
      [dotEnv, {}],
      [environment, { env: { PORT: String(environment) } }],
      [flag, { env: { PORT: String(environment) }, args: ['--port', String(flag)] }],
    ];
    for (const [port, options] of starts) {
      const running = launchServer({ ...options, cwd, args: ['--json', ...(options.args ?? [])] });
      const server = await untilReady(running);
      expect(server.url).toBe(`http://127.0.0.1:${port}`);
      expect(server.dataDir).toBe(join(cwd, 'from-dot-env'));
      expect((await server.stop()).code).toBe(0);
    }
  });

  test('a wrong value in .env is named, not shown', async () => {
    const { path: cwd, remove } = await makeTempDir();
    cleanUps.push(remove);
    await writeFile(join(cwd, '.env'), 'OPENLEDGER_MASTER_KEY=short-secret\n');
    const stderr = await refusedStart({ cwd });
    expectOneError(stderr, /OPENLEDGER_MASTER_KEY/);
    expect(stderr).not.toContain('short-secret');
  });
});

describe('secrets', () => {
  test('lie on no command line of the server and its processes, and in no log', async () => {
    const [dataDir, masterKey] = [await newDataDir(), randomBytes(32).toString('hex')];
    const server = await startServerProcess({
      ...onData(dataDir, '--log-level', 'debug'),
      env: { OPENLEDGER_MASTER_KEY: masterKey },
    });
    const password = new URL(server.databaseUrl).password;
    const secrets = [masterKey, password, server.testKey?.split('_')[3], server.liveKey?.split('_')[3]];
    const lines = await commandLinesWith(dataDir, server.pid);
    expect(lines.length).toBeGreaterThan(1);
    for (const secret of secrets) {
      expect(secret).toMatch(/^\w{20,}$/);
      for (const text of [...lines, server.stderr()]) expect(text).not.toContain(secret);
    }
    expect((await server.stop()).code).toBe(0);
  });

  test('the master key may lie in a file', async () => {
    const [dataDir, masterKey] = [await newDataDir(), randomBytes(32).toString('hex')];
    const file = `${dataDir}-master-key`;
    await writeFile(file, `${masterKey}\n`);
    const first = await startServerProcess(onData(dataDir, '--master-key-file', file));
    expect(first.stderr()).not.toContain('master key lies in the data directory');
    await first.stop();
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false);
    const again = { ...onData(dataDir), env: { OPENLEDGER_MASTER_KEY: masterKey } };
    expect((await (await startServerProcess(again)).stop()).code).toBe(0);
    await rm(file);
  });

  test('--json shows the password of the database when it is told to', async () => {
    const databaseUrl = await newDatabase();
    const env = { DATABASE_URL: databaseUrl, OPENLEDGER_MASTER_KEY: randomBytes(32).toString('hex') };
    const args = ['--json', '--port', '0', '--data-dir', await newDataDir()];
    for (const flags of [[], ['--show-secrets']]) {
      const server = await untilReady(launchServer({ args: [...args, ...flags], env }));
      const { password } = new URL(databaseUrl);
      expect(password).not.toBe('');
      expect(server.stdout().includes(password)).toBe(flags.length > 0);
      expect(new URL(server.databaseUrl).pathname).toBe(new URL(databaseUrl).pathname);
      await server.stop();
    }
  });
});

/** The command lines of a server and of what it has started: the processes below it, and those that name its directory. */
async function commandLinesWith(dataDir: string, pid: number): Promise<string[]> {
  const target = join(dataDir, 'postgres');
  const cluster = await readlink(target).catch(() => target);
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(
      async (name) => [name, await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')] as const,
    ),
  );
  return lines
    .filter(([name, line]) => name === String(pid) || line.includes(cluster) || line.includes(dataDir))
    .map(([, line]) => line);
}

describe('DATABASE_URL', () => {
  const masterKey = randomBytes(32).toString('hex');

  test('an empty database: it is migrated and works, and starts again', async () => {
    const [dataDir, databaseUrl] = [await newDataDir(), await newDatabase()];
    const env = { DATABASE_URL: databaseUrl, OPENLEDGER_MASTER_KEY: masterKey };
    const first = await startServerProcess({ ...onData(dataDir), env });
    expect(first.databaseUrl).toBe(databaseUrl);
    const { id } = (await call(first, '/v1/customers', ada)).data;
    expect(existsSync(join(dataDir, 'postgres'))).toBe(false);
    expect(existsSync(join(dataDir, 'master.key'))).toBe(false);
    expect((await first.stop()).code).toBe(0);

    const second = await startServerProcess({ ...onData(dataDir), env });
    expect(second.testKey).toBe(first.testKey);
    expect((await call(second, `/v1/customers/${id}`)).status).toBe(200);
    // The live key is not kept beside a master key that lies elsewhere.
    expect(second.liveKey).toBeNull();
    expect(await readFile(join(dataDir, 'keys.json'), 'utf8')).not.toContain('ld_live_');
    expect((await second.stop()).code).toBe(0);
  });

  test('several servers that start at the same moment on an empty database are one', async () => {
    const databaseUrl = await newDatabase();
    const env = { DATABASE_URL: databaseUrl, OPENLEDGER_MASTER_KEY: masterKey };
    const dataDirs = [await newDataDir(), await newDataDir(), await newDataDir()];
    const servers = await Promise.all(
      dataDirs.map((dataDir) => startServerProcess({ ...onData(dataDir), env })),
    );
    const testKeys = servers.flatMap(({ testKey }) => testKey ?? []);
    expect(testKeys).toHaveLength(1);
    const testKey = testKeys[0] as string;
    for (const [index, { url }] of servers.entries()) {
      const { id } = (await call({ url, testKey }, '/v1/customers', ada)).data;
      const other = servers[(index + 1) % servers.length] as ServerProcess;
      expect((await call({ url: other.url, testKey }, `/v1/customers/${id}`)).data).toMatchObject(ada);
    }
    for (const server of servers) expect((await server.stop()).code).toBe(0);
  });

  test('several servers that start at the same moment on one data directory have one master key', async () => {
    const [dataDir, databaseUrl] = [await newDataDir(), await newDatabase()];
    await mkdir(dataDir);
    const env = { DATABASE_URL: databaseUrl };
    const start = () => startServerProcess({ ...onData(dataDir), env });
    const servers = await Promise.all([start(), start(), start()]);
    for (const server of servers) expect((await server.stop()).code).toBe(0);
    const again = await start();
    expect((await again.stop()).code).toBe(0);
  });

  test('another master key than the data was encrypted with is refused', async () => {
    const [dataDir, databaseUrl] = [await newDataDir(), await newDatabase()];
    const env = { DATABASE_URL: databaseUrl, OPENLEDGER_MASTER_KEY: masterKey };
    await (await startServerProcess({ ...onData(dataDir), env })).stop();
    const other = randomBytes(32).toString('hex');
    const stderr = await refusedStart({
      ...onData(dataDir, '--port', '0'),
      env: { ...env, OPENLEDGER_MASTER_KEY: other },
    });
    expectOneError(stderr, /OPENLEDGER_MASTER_KEY: must be the key that this database was encrypted with/);
    expect(stderr).not.toContain(other);
  });

  const password = 'correcthorse';
  const unreachable: [what: string, url: (own: URL) => string][] = [
    ['a port where nothing listens', () => `postgres://someone:${password}@127.0.0.1:1/ledger`],
    ['a host that is not there', () => `postgres://someone:${password}@no-such-host.invalid/ledger`],
    ['a wrong password', ({ host }) => `postgres://openledger:${password}@${host}/openledger`],
    [
      'a database that is not there',
      ({ host, password: own }) => `postgres://openledger:${own}@${host}/nothing_here`,
    ],
  ];
  for (const [what, urlOf] of unreachable) {
    test(`${what}: an error that names DATABASE_URL`, async () => {
      const dataDir = await newDataDir();
      const stderr = await refusedStart({
        ...onData(dataDir, '--port', '0'),
        env: { DATABASE_URL: urlOf(new URL(inject('databaseUrl'))), OPENLEDGER_MASTER_KEY: masterKey },
      });
      expectOneError(stderr, /DATABASE_URL/);
      expect(stderr).not.toContain(password);
    });
  }
});

describe.runIf(isRoot)('as an ordinary user', () => {
  test('starts, answers and stops', async () => {
    const { path: home, remove } = await makeTempDir(nobody, 0o700);
    cleanUps.push(remove);
    const options = { ...nobody, env: { HOME: home }, cwd: home, args: ['--log-level', 'error'] };
    const server = await startServerProcess(options);
    expect(server.dataDir).toBe(join(home, '.openledger'));
    expect((await call(server, '/v1/customers', ada)).status).toBe(200);
    expect((await stat(`/proc/${await postgresPid(server.dataDir)}`)).uid).toBe(nobody.uid);
    expect((await server.stop()).code).toBe(0);
    await expectNothingLeft(server.dataDir);
    expect((await stat(server.dataDir)).mode & 0o777).toBe(0o700);
  });
});

/** A bare connection, and what has come back on it. */
async function openSocket(url: string): Promise<{ socket: Socket; text: () => string }> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  return { socket, text: () => text };
}
