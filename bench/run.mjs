/** Runs the rows that were asked for, one after the other, and shows what came of them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { root } from '../scripts/checkout.mjs';
import { prepareFixture } from './fixture.mjs';
import { machineFacts } from './machine.mjs';
import { against } from './rows/against.mjs';
import { documents } from './rows/documents.mjs';
import { growth } from './rows/growth.mjs';
import { latency } from './rows/latency.mjs';
import { limits } from './rows/limits.mjs';
import { memory } from './rows/memory.mjs';
import { mixed } from './rows/mixed.mjs';
import { processes } from './rows/processes.mjs';
import { reads } from './rows/reads.mjs';
import { start } from './rows/start.mjs';
import { hot, spread } from './rows/transfers.mjs';
import { stopAll } from './server.mjs';
import { shortfalls, tableText, writeDocument } from './table.mjs';

/**
 * In the order in which they run: first those that share a server, memory after all that it was put through. Each gives
 * figures `{ name, figure, baseline?, ratio?, mustReach?, ok?, values? }`, as they are shown; `values` are the numbers.
 */
const sharing = { spread, hot, mixed, reads, processes, latency, documents, memory, limits };
/** `against` is no row of the table: `--against` asks for it, and for nothing else. */
const alone = { start, growth, against };

/**
 * @param {import('./options.mjs').Options} options
 * @returns the exit code: 1 when something went wrong; a figure that falls short is shown, not punished
 */
export async function runBench({ against: checkout, json, lanes, names, profile, quick, sizes, write }) {
  const started = performance.now();
  const seconds = () => Math.round((performance.now() - started) / 1000);
  const say = (text) => process.stderr.write(`${String(seconds()).padStart(4)} s  ${text}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'])
    process.once(signal, () => stopAll().then(() => process.exit(1)));
  const results = {};
  /** @type {ReturnType<typeof prepareFixture> | undefined} */
  let shared;
  const context = {
    sizes,
    say,
    /** The checkout to compare with, and the lanes of all servers. */
    checkout,
    lanes,
    /** What one row has made that others can use. */
    learned: {},
    /** One server with its wallets for all rows that can share it. */
    fixture() {
      if (!shared) say(`a server with ${sizes.wallets} wallets`);
      shared ??= prepareFixture({ wallets: sizes.wallets, lanes, profileDir: profile });
      return shared;
    },
  };
  const run = async (rows) => {
    for (const [name, row] of Object.entries(rows)) {
      if (!names.includes(name)) continue;
      say(name);
      results[name] = await row(context);
      for (const line of results[name]) say(`    ${line.name}: ${line.figure} ${line.ratio ?? ''}`);
    }
  };
  try {
    await run(sharing);
    if (shared) say('verifying the books');
    await (await /** @type {ReturnType<typeof prepareFixture> | undefined} */ (shared))?.close();
    await run(alone);
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    return 1;
  } finally {
    await stopAll();
  }
  const figures = names.flatMap((name) => results[name].map((figure) => ({ row: name, ...figure })));
  report({ ...machineFacts(), quick, seconds: seconds(), figures }, json);
  if (write) writeDocument({ ...machineFacts(), seconds: seconds(), figures });
  return 0;
}

function report(result, json) {
  const path = resolve(root, json);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(
    `\n${tableText(result)}\n\n${result.machine}; ${result.seconds} s; written to ${json}\n`,
  );
  const short = shortfalls(result);
  process.stdout.write(short.length === 0 ? 'Everything is reached.\n' : `Short: ${short.join(', ')}.\n`);
}
