/** The suites of `npm run soak`: which tests each runs for longer than `npm test` does, and what they can be told. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../checkout.mjs';

/**
 * @typedef {{ pattern: RegExp, rule: string }} Form what a value must look like, and how to say it
 *
 * An option of a suite. Its value reaches the tests as an environment variable.
 *
 * @typedef {{
 *   text: string,
 *   env?: string,
 *   fallback?: string,
 *   form?: Form,
 *   isFlag?: boolean,
 * }} Option
 *
 * @typedef {Record<string, string | boolean | undefined>} Values
 *
 * @typedef {{
 *   title: string,
 *   about: string,
 *   options: Record<string, Option>,
 *   seed?: string,
 *   minutes?: { env: string, fallback: string },
 *   names?: readonly string[],
 *   more?: () => string,
 *   env?: Readonly<Record<string, string>>,
 *   args?: readonly string[],
 *   files: (values: Values, names: readonly string[]) => readonly string[],
 * }} Suite `seed` is the variable of the seed; `minutes` the one of the duration, of tests that go on by themselves: the
 *   others are run again until the time is over. `names` are what may follow the suite's name.
 */

/** @type {Readonly<Record<'anyNumber' | 'count' | 'minutes', Form>>} */
export const forms = {
  anyNumber: { pattern: /^\d{1,10}$/, rule: 'a whole number' },
  count: { pattern: /^[1-9]\d{0,9}$/, rule: 'a whole number of at least 1' },
  minutes: { pattern: /^\d{1,6}(\.\d+)?$/, rule: 'a number' },
};

const faultsFolder = join(root, 'test/faults');
const faults = readdirSync(faultsFolder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.test.ts'.length))
  .sort();

/**
 * What a fault is and what comes of it, from the first words of its file.
 *
 * @param {string} name
 */
function describeFault(name) {
  const text = readFileSync(join(faultsFolder, `${name}.test.ts`), 'utf8');
  const said = (/\/\*\*\n([\s\S]*?)\n \*\//.exec(text)?.[1] ?? '').replaceAll(/^ \* ?/gm, '');
  return `  ${name}\n${said.replaceAll(/^(?=.)/gm, '    ')}\n`;
}

/** @param {string} chain */
function chainScenario(chain) {
  const prefix = chain.toUpperCase();
  return {
    title: `deposits and transfers on ${chain === 'tron' ? 'Tron' : 'Solana'} under kills of the server`,
    about:
      `Sends deposits and transfers on ${chain === 'tron' ? 'Tron' : 'Solana'} while the server is killed with SIGKILL. Every deposit is credited once,\n` +
      'every transfer is paid once.',
    options: {
      transfers: { text: 'how many of each', env: `${prefix}_SCENARIO_TRANSFERS`, fallback: '200' },
      kills: { text: 'how often the server is killed', env: `${prefix}_SCENARIO_KILLS`, fallback: '10' },
    },
    seed: `${prefix}_SCENARIO_SEED`,
    files: () => [`test/chains/${chain}-scenario.test.ts`],
  };
}

/** @type {Readonly<Record<string, Suite>>} */
export const suites = {
  simulate: {
    title: 'commands and writer over a model of the database, under faults',
    about: `Drives the commands and the writer over a model of the database, with lost connections, crashes, repeated requests and
jumping clocks, and checks every invariant after every step. World follows world, each with the next seed.`,
    options: {
      steps: {
        text: 'how many steps a world lasts',
        env: 'SIMULATE_STEPS',
        fallback: '800',
        form: forms.count,
      },
      lanes: {
        text: 'how many lanes, 1 to 64 (default: drawn from the seed)',
        env: 'SIMULATE_LANES',
        form: { pattern: /^([1-9]|[1-5]\d|6[0-4])$/, rule: 'a whole number from 1 to 64' },
      },
    },
    seed: 'SIMULATE_SEED',
    minutes: { env: 'SIMULATE_MINUTES', fallback: '1' },
    args: ['--testNamePattern=holds every invariant'],
    files: () => ['test/simulate/simulation.test.ts'],
  },
  'simulate-chains': {
    title: 'deposits and payments over models of chains, under faults',
    about: `Drives the workers of deposits, payments, sweeps and reconciliation over a model of an EVM chain and of Tron, on a real
PostgreSQL: with reorganisations, nodes that lie, lost connections, fee spikes, frozen receivers, and crashes between any
two calls. At the end of a run every deposit is credited once, every transfer is paid or refunded once, and the books agree
with themselves (verify) and with the chain (reconcile). Run follows run, each with the next seed.`,
    options: {
      steps: {
        text: 'how many steps a run lasts',
        env: 'SIMULATE_CHAINS_STEPS',
        fallback: '3000',
        form: forms.count,
      },
    },
    seed: 'SIMULATE_CHAINS_SEED',
    minutes: { env: 'SIMULATE_CHAINS_MINUTES', fallback: '5' },
    args: ['--testNamePattern=pays and credits everything once'],
    files: () => ['test/simulate/chains.test.ts'],
  },
  model: {
    title: 'the API on a real database against a simple model',
    about: `Sends random requests to two servers on a real PostgreSQL, and to a simple model that must give the same answers.`,
    options: {},
    seed: 'MODEL_SEED',
    minutes: { env: 'MODEL_MINUTES', fallback: '1' },
    files: () => ['test/model/model.test.ts'],
  },
  faults: {
    title: 'server, PostgreSQL, disk, connections and clock broken under load',
    about: `Breaks something under a real server while requests are coming in, and says what must be true afterwards. Runs the
faults that are named, or all of them one after the other (about a quarter of an hour).`,
    options: { rounds: { text: 'how often each fault happens', env: 'FAULT_ROUNDS', form: forms.count } },
    seed: 'FAULT_SEED',
    env: { FAULT_LONG: '1' },
    names: faults,
    more: () => `\nFaults:\n${faults.map(describeFault).join('\n')}`,
    files: (_, names) => (names.length === 0 ? faults : names).map((name) => `test/faults/${name}.test.ts`),
  },
  fuzz: {
    title: 'requests of every kind, made from the OpenAPI document',
    about:
      'Sends requests of every kind to every operation of a server, made from the document that it serves.',
    options: {
      requests: {
        text:
          'instead: so many requests to one server process; fails also if one takes a second of CPU\n' +
          'time, or if the process grows to more than 1.5 times of what it held after the first tenth',
        env: 'FUZZ_REQUESTS',
        form: forms.count,
      },
      parsers: {
        text:
          'instead: search for the costliest inputs of every parser; fails if one costs more than 20\n' +
          'times what a plain body of its size does',
        isFlag: true,
      },
    },
    seed: 'FUZZ_SEED',
    minutes: { env: 'FUZZ_MINUTES', fallback: '10' },
    files({ parsers, requests }) {
      if (parsers && requests !== undefined) throw new Error('Give --parsers or --requests, not both.');
      if (requests !== undefined) return ['test/api/many-requests.test.ts'];
      return [parsers ? 'test/api/parsers.test.ts' : 'test/api/fuzz.test.ts'];
    },
  },
  webhooks: {
    title: 'deliveries under load, to receivers that are slow or down',
    about: `Makes events at a steady rate for two healthy receivers, a slow one (10 s), a flapping one and one that is down, and kills
the server (SIGKILL) meanwhile. Fails if an event is lost, does not reach a healthy receiver, or if the healthy ones' first
attempts are later than 1 s (99th percentile).`,
    options: {
      events: {
        text: 'how many (default 100000; 10000 with --throughput)',
        env: 'LOAD_EVENTS',
        form: forms.count,
      },
      rate: { text: 'events a second', env: 'LOAD_RATE', fallback: '250', form: forms.count },
      kills: { text: 'how often the server is killed', env: 'LOAD_KILLS', fallback: '3' },
      throughput: {
        text:
          'instead: deliveries a second on one process, alternating with a bare loop of undici that\n' +
          'posts the same bodies to the same receiver; fails below half of it',
        isFlag: true,
      },
      rounds: { text: 'rounds of --throughput', env: 'LOAD_ROUNDS', fallback: '5', form: forms.count },
    },
    files(values) {
      values.events ??= values.throughput ? '10000' : '100000';
      return [`test/process/webhooks-${values.throughput ? 'throughput' : 'load'}.test.ts`];
    },
  },
  chains: {
    title: 'deposits and transfers on two EVM chains under reorganisations, lies and kills',
    about: `Sends deposits and transfers on two EVM chains concurrently, while blocks are taken back, also final ones, nodes are stopped
and started, one node of three lies, fees rise fifty-fold, a chain halts, receivers are blocked, a token is paused, the signer is
stopped, and the server is killed with SIGKILL. At the end every deposit is credited once, every transfer is paid or refunded
once, and the books agree with themselves (verify) and with the chains (reconcile).`,
    options: {
      deposits: { text: 'how many', env: 'EVM_SCENARIO_DEPOSITS', fallback: '200' },
      transfers: { text: 'how many', env: 'EVM_SCENARIO_TRANSFERS', fallback: '200' },
      kills: { text: 'of the server', env: 'EVM_SCENARIO_KILLS', fallback: '10' },
      reorganisations: { text: 'of a chain', env: 'EVM_SCENARIO_REORGANISATIONS', fallback: '10' },
      restarts: { text: 'of a node', env: 'EVM_SCENARIO_RESTARTS', fallback: '4' },
      'deep-reorganisations': {
        text: 'of a chain, below final blocks',
        env: 'EVM_SCENARIO_DEEP_REORGANISATIONS',
        fallback: '4',
      },
      lies: { text: 'how often a node changes what it lies about', env: 'EVM_SCENARIO_LIES', fallback: '10' },
      'fee-spikes': { text: 'fifty times the usual fee', env: 'EVM_SCENARIO_FEE_SPIKES', fallback: '3' },
      halts: { text: 'of a chain', env: 'EVM_SCENARIO_HALTS', fallback: '1' },
      'halt-seconds': { text: 'how long each takes', env: 'EVM_SCENARIO_HALT_SECONDS', fallback: '600' },
      'blocked-receivers': {
        text: 'by the issuer of a token',
        env: 'EVM_SCENARIO_BLOCKED_RECEIVERS',
        fallback: '5',
      },
      pauses: { text: 'of a token', env: 'EVM_SCENARIO_PAUSES', fallback: '3' },
      'signer-stops': { text: 'of the signer', env: 'EVM_SCENARIO_SIGNER_STOPS', fallback: '5' },
      watch: {
        text:
          'instead: read blocks of 5,000 transfers with 100,000 watched addresses, and print how long a\n' +
          'block takes and how much the heap has grown',
        isFlag: true,
      },
      blocks: { text: 'blocks of --watch', env: 'WATCH_BLOCKS', fallback: '20', form: forms.count },
      passes: {
        text: 'how often --watch reads each',
        env: 'WATCH_PASSES',
        fallback: '50',
        form: forms.count,
      },
    },
    seed: 'EVM_SCENARIO_SEED',
    files: ({ watch }) => [watch ? 'test/chains/watch-load.test.ts' : 'test/chains/evm-scenario.test.ts'],
  },
  solana: chainScenario('solana'),
  tron: chainScenario('tron'),
  verify: {
    title: 'time and memory of verifying ten million postings',
    about: `Writes journals with correct hashes and balances into a database of its own, lets \`openledger verify\` and
\`GET /v1/ledger/verify\` verify them, and prints for each how long that took, the greatest resident size of the verifying
process, and the memory that the database's processes took for it. Does so for 40,000 postings first, and fails if more of
them take more memory.`,
    options: {
      postings: {
        text: 'how many lines of journals (about 9 GB of disk and half an hour for the default)',
        env: 'VERIFY_POSTINGS',
        fallback: '10000000',
        form: { pattern: /^[1-9]\d{2,9}$/, rule: 'a whole number of at least 100' },
      },
    },
    files: () => ['test/process/verify-size.test.ts'],
  },
};
