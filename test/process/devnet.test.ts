import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { endLaunched, freePort, launch, runScript } from '../support/process.ts';

afterAll(() => endLaunched());

const devnet = 'scripts/devnet.mjs';
const script = new URL('../../scripts/devnet.mjs', import.meta.url).pathname;

function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(socket.destroy() !== undefined));
    socket.once('error', () => resolve(false));
  });
}

test('a newcomer sends a deposit and a transfer by the commands that are printed, and nothing stays behind', async () => {
  const nodePort = await freePort();
  const running = launch(process.execPath, {
    args: [script, '--port', '0', '--node-port', String(nodePort)],
  });
  const deadline = Date.now() + 90_000;
  while (!running.stdout().includes('Stop with Ctrl-C')) {
    if (running.child.exitCode !== null || Date.now() > deadline) throw new Error(running.stderr());
    await sleep(50);
  }
  expect(running.stderr()).toBe('');
  const printed = running.stdout();
  const [, depositArgs = ''] = /npm run devnet -- (deposit .*)/.exec(printed) ?? [];
  const sent = await runScript(devnet, { args: depositArgs.split(' ') });
  expect(sent).toMatchObject({ code: 0, stderr: '' });
  const bash = async (command: string): Promise<string> => {
    const shell = launch('bash', { args: ['-c', command] });
    expect(await shell.exit()).toMatchObject({ code: 0 });
    return shell.stdout();
  };
  const balance = /^ {2}(curl .*\/balance)$/m.exec(printed)?.[1] ?? '';
  await expect.poll(() => bash(balance), { timeout: 20_000, interval: 500 }).toContain('"balance":"25.00"');
  const transfer = /^ {2}(curl -s \S+\/v1\/transfers [\s\S]*?\}')$/m.exec(printed)?.[1] ?? '';
  const { data, ok } = JSON.parse(await bash(transfer));
  expect(ok).toBe(true);
  const find = balance.replace(/crypto-wallets\/\w+\/balance/, `transactions/${data.id}`);
  await expect.poll(() => bash(find), { timeout: 20_000, interval: 500 }).toContain('"status":"completed"');

  const [, dataDir = ''] = /OPENLEDGER_DATA_DIR=(\S+)/.exec(printed) ?? [];
  const openledger = async (...args: string[]): Promise<string> => {
    const done = await runScript('cli/bin/openledger.mjs', { args, env: { OPENLEDGER_DATA_DIR: dataDir } });
    expect(done).toMatchObject({ code: 0, stderr: '' });
    return done.stdout;
  };
  const bringAbout = async (name: string): Promise<void> => {
    const [, args = ''] = new RegExp(`npm run devnet -- (${name} .*)`).exec(printed) ?? [];
    expect(await runScript(devnet, { args: args.split(' ') })).toMatchObject({ code: 0, stderr: '' });
  };
  expect(running.stderr()).toBe('');
  await bringAbout('uncredited');
  const list = async () => JSON.parse(await openledger('deposits', 'list', '--json'))[0]?.id ?? '';
  await expect.poll(list, { timeout: 20_000, interval: 500 }).not.toBe('');
  const reason = ['--reason', 'The test asks for it.'];
  expect(await openledger('deposits', 'credit', await list(), ...reason)).toContain('It is credited by txn_');
  await bringAbout('nonce-gap');
  await bash(transfer.replaceAll('polygon', 'base'));
  expect(await openledger('nonce', 'fill', 'base', ...reason)).toContain('nonces:base:0x');
  expect(await openledger('payments', 'list')).toBeTruthy();

  running.child.kill('SIGINT');
  expect(await running.exit()).toMatchObject({ code: 0 });
  const alarms = running.stderr().trim().split('\n');
  expect(alarms.filter((line) => !/not credited|payments wait|payments go on/.test(line))).toEqual([]);
  expect([await isTaken(nodePort), await isTaken(nodePort + 1)]).toEqual([false, false]);
}, 180_000);

test('help and wrong options are reported with a clear message', async () => {
  const help = await runScript(devnet, { args: ['--help'] });
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toContain('deposit <address> <amount>');
  for (const [args, text] of [
    [['--port', 'x'], '--port: give a port'],
    [['withdraw'], 'There is no withdraw.'],
    [['deposit', 'somewhere', '5'], 'give the address'],
    [['deposit', `0x${'1'.repeat(40)}`, '-5'], "Unknown option '-5'"],
    [['deposit', `0x${'1'.repeat(40)}`, '5', '--chain', 'solana'], '--chain: give base or polygon'],
    [['deposit', `0x${'1'.repeat(40)}`, '5', '--node-port', String(await freePort())], 'npm run devnet'],
  ] as const) {
    const { code, stderr } = await runScript(devnet, { args });
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(text) });
  }
});
