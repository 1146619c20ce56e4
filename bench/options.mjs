/** What the command line asks for. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

/** In the order of the table. */
const rowNames = [
  'spread',
  'hot',
  'mixed',
  'reads',
  'growth',
  'processes',
  'latency',
  'documents',
  'start',
  'memory',
  'limits',
];

const help = `Usage: npm run bench -- [options]

Measures the server against its baselines on this machine. Prints a table and writes JSON; a figure that falls short is
shown as such. Exit code 1 only when something went wrong: an error, a lost transfer, books that do not balance.

  --rows NAMES       some rows, separated by commas: ${rowNames.join(', ')}
  --quick            every row for a moment, on small data: shows that it works, not how fast it is
  --json FILE        where the JSON goes (artifacts/bench.json)
  --write            also writes the table into docs/performance.md; needs a whole run
  --against FOLDER   only this: another checkout (packages installed) side by side with this one; the rate and the CPU time
                     of each request, of server and database, as ratios
  --transactions N   how many are stored for the row growth (5000000)
  --lanes N          writer lanes of the servers (1); growth always has one
  --profile DIR      writes CPU profiles of the servers to DIR; they slow the servers down
  --help             this text
`;

/** How long and how much, in full and in short. */
const full = {
  sliceSeconds: 2,
  sideSeconds: 10,
  shortSideSeconds: 8,
  wallets: 10_000,
  growthWallets: 2000,
  transactions: 5_000_000,
  starts: 5,
};
const quick = {
  sliceSeconds: 0.25,
  sideSeconds: 0.25,
  shortSideSeconds: 0.25,
  wallets: 40,
  growthWallets: 20,
  transactions: 2000,
  starts: 1,
};

/**
 * What is to be run: `names` are the rows, `sizes` how long and how much; `against` is a checkout to compare with.
 *
 * @typedef {{
 *   names: string[], sizes: typeof full, json: string, quick: boolean, write: boolean,
 *   rows?: string, against?: string, transactions?: string, lanes?: string, profile?: string, help?: boolean,
 * }} Options
 */

/**
 * Reads the command line.
 *
 * @returns {Options | undefined} undefined when there is nothing to run: help was asked for, or an option is wrong
 */
export function readOptions(args) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        rows: { type: 'string' },
        quick: { type: 'boolean', default: false },
        json: { type: 'string', default: 'artifacts/bench.json' },
        against: { type: 'string' },
        write: { type: 'boolean', default: false },
        transactions: { type: 'string' },
        lanes: { type: 'string' },
        profile: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(help);
      return undefined;
    }
    const names = values.rows?.split(',') ?? rowNames;
    if (values.against !== undefined) {
      if (values.rows !== undefined || values.write)
        throw new Error('--against goes with neither --rows nor --write.');
      const checkout = resolve(values.against);
      if (!existsSync(join(checkout, 'scripts/start.mjs')))
        throw new Error(`--against: ${checkout} must be a checkout of OpenLedger.`);
      return { ...values, against: checkout, names: ['against'], sizes: values.quick ? quick : full };
    }
    const unknown = names.filter((name) => !rowNames.includes(name));
    if (unknown.length > 0) throw new Error(`There is no row ${unknown.join(', ')}.`);
    const sizes = { ...(values.quick ? quick : full) };
    if (values.transactions !== undefined) sizes.transactions = Number(values.transactions);
    if (!(sizes.transactions > 0)) throw new Error('--transactions takes a number above zero.');
    const isWhole = values.rows === undefined && values.transactions === undefined && !values.quick;
    if (values.write && !isWhole) throw new Error('--write needs a whole run.');
    return { ...values, names: rowNames.filter((name) => names.includes(name)), sizes };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${help}`);
    process.exitCode = 1;
    return undefined;
  }
}
