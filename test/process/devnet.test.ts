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

  running.child.kill('SIGINT');
  expect(await running.exit()).toMatchObject({ code: 0 });
  expect(running.stderr()).toBe('');
  expect([await isTaken(nodePort), await isTaken(nodePort + 1)]).toEqual([false, false]);
}, 150_000);

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
