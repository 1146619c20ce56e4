import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  endLaunched,
  freePort,
  launch,
  type ReadyLine,
  runScript,
  type ServerProcess,
  untilReady,
} from '../support/process.ts';

const demo = 'scripts/demo.mjs';
let server: ServerProcess;

beforeAll(async () => {
  const args = ['start', '--', '--json', '--ephemeral', '--port', '0'];
  server = await untilReady(launch('npm', { args }));
});
afterAll(async () => {
  await server?.stop();
  await endLaunched();
});

test('the demo plays the main job and everything holds', async () => {
  const { url, testKey } = server as ReadyLine;
  const startedMs = performance.now();
  const { code, stderr, stdout } = await runScript(demo, { args: ['--url', url, '--key', testKey ?? ''] });
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
  expect(stdout).toContain('10 signed events, books clean');
  expect(performance.now() - startedMs).toBeLessThan(15_000);
});

test('it finds the server by the environment and the key in the data directory', async () => {
  const env = { OPENLEDGER_URL: server.url, OPENLEDGER_DATA_DIR: server.dataDir };
  const { code, stderr, stdout } = await runScript(demo, { env });
  expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
});

test('it leaves no webhook behind', async () => {
  const answer = await fetch(`${server.url}/v1/webhooks`, {
    headers: { authorization: `Bearer ${server.testKey}` },
  });
  expect(await answer.json()).toMatchObject({ ok: true, data: [] });
});

test('without a server it says how to start one', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  const { code, stderr } = await runScript(demo, { args: ['--url', url, '--key', 'ld_test_x_y'] });
  expect(code).toBe(1);
  expect(stderr).toContain(`No server answers at ${url}`);
  expect(stderr).toContain('npm start');
});

test('a key that is refused, a live key and a wrong option are reported with a clear message', async () => {
  const { liveKey, url } = server;
  const unknown = `ld_test_abcdefgh_${'a'.repeat(40)}`;
  const failures = [
    [['--url', url, '--key', unknown], /answered 401.*npx openledger keys create/s],
    [['--url', url, '--key', liveKey ?? ''], /--key \(OPENLEDGER_KEY\): .* test key/],
    [['--url', 'nowhere'], /--url \(OPENLEDGER_URL\)/],
    [['--nonsense'], /--nonsense.*Usage: /s],
  ] as const;
  for (const [args, message] of failures) {
    const { code, stderr } = await runScript(demo, { args });
    expect(code, stderr).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  }
});

test('--help tells its options', async () => {
  const { code, stdout } = await runScript(demo, { args: ['--help'] });
  expect(code).toBe(0);
  for (const name of ['--url', '--key', 'OPENLEDGER_URL', 'OPENLEDGER_KEY']) expect(stdout).toContain(name);
});
