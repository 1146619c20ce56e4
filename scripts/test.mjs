/**
 * `npm test`: makes the clone ready, runs the checks, then the tests.
 *
 * npm test                         everything
 * npm test -- --no-check           the tests only
 * npm test -- transfers            the tests of files whose path contains "transfers"
 * npm test -- -t "never overdraw"  other arguments go to vitest
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { check } from './check.mjs';
import { ensureChromium } from './chromium.mjs';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const given = process.argv.slice(2);
const args = given.filter((arg) => arg !== '--no-check');
const wholeRun = args.length === given.length && args.every((arg) => arg.startsWith('-'));

await prepare();
if (wholeRun || args.some((arg) => /browser|hosted/.test(arg))) await ensureChromium();
const checked = wholeRun ? await check() : 0;
const tested = await vitest(args);
process.exitCode = checked || tested;

function vitest(extra) {
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...extra], {
    cwd: root,
    stdio: 'inherit',
  });
  // A Ctrl-C reaches vitest too; wait for it to tidy up. A signal sent to this process alone is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
