/**
 * `npm test`: makes the clone ready, runs the checks, then the tests.
 *
 * npm test                         everything
 * npm test -- --no-check           the tests only
 * npm test -- transfers            the tests of files whose path contains "transfers"
 * npm test -- --watch server/src   these files, again at each change
 * npm test -- -t "never overdraw"  other arguments go to vitest
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { check } from './check.mjs';
import { root } from './checkout.mjs';
import { ensureChromium } from './chromium.mjs';
import { prepare } from './prepare.mjs';

const given = process.argv.slice(2);
const args = given.filter((arg) => arg !== '--no-check' && arg !== '--watch');
const wholeRun = args.length === given.length && args.every((arg) => arg.startsWith('-'));

await prepare();
if (wholeRun || args.some((arg) => /e2e|hosted/.test(arg))) await ensureChromium();
const failedChecks = wholeRun ? await check() : [];
const tested = await vitest([given.includes('--watch') ? 'watch' : 'run', ...args], {
  ...process.env,
  FAILED_CHECKS: failedChecks.join(', '),
});
process.exitCode = tested || (failedChecks.length > 0 ? 1 : 0);

/**
 * @param {readonly string[]} words
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} the exit code
 */
function vitest(words, env) {
  const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), ...words], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  // A Ctrl-C reaches vitest too; wait for it to tidy up. A signal sent to this process alone is passed on.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
