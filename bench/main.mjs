/**
 * `npm run bench`: measures what the issue of speed promises, each figure beside its baseline, in one run.
 *
 * npm run bench                        everything; ends by itself in under ten minutes
 * npm run bench -- --rows spread,hot   these rows
 * npm run bench -- --quick             every row for a moment, on few wallets: shows that it works, not how fast it is
 * npm run bench -- --write             also writes the table into docs/performance.md
 */
import { prepare } from '../scripts/prepare.mjs';

const { readOptions } = await import('./options.mjs');
const options = readOptions(process.argv.slice(2));
if (options) {
  await prepare();
  const { runBench } = await import('./run.mjs');
  // Connections that a failed row has left open must not hold the process.
  process.exit(await runBench(options));
}
