/**
 * `npm run chains:load`: test/chains/watch-load.test.ts for longer: how fast the watcher goes through full blocks of a real
 * node with 100,000 watched addresses, and what it keeps of them.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run chains:load

Reads 20 blocks of 5,000 transfers, of which 50 are ours, 50 times over with 100,000 watched addresses, and prints how long a
block takes and how much the heap has grown. It takes about two minutes.
`;

if (process.argv.slice(2).some((word) => word === '--help' || word === '-h')) process.stdout.write(help);
else {
  await prepare();
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/chains/watch-load.test.ts'];
  const child = spawn(process.execPath, [...program, '--disable-console-intercept'], {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, WATCH_BLOCKS: '20', WATCH_PASSES: '50' },
  });
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
