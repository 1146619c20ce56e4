/**
 * `npm run fuzz`: the fuzzers of test/api, for longer than `npm test` runs them. Round follows round, each with the
 * next seed, until the time is over or an answer breaks the document's word; or so many requests are sent to one server,
 * whose memory and CPU time are watched; or the costliest inputs of every parser are searched for.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run fuzz -- [options]

Sends requests of every kind to every operation of a server of its own, made from the document that it serves.

Options:
  --minutes <n>   how long (default 10)
  --requests <n>  so many requests to one server process instead; fails also when one takes a second of CPU time,
                  or when the process grows to more than 1.5 times of what it held after the first tenth
  --parsers       search for the costliest inputs of every parser instead; fails when one costs more than 20 times
                  what a plain body of its size does
  --seed <n>      where to start: the seed that a failure names repeats it
  --help          show this text
`;

function readOptions() {
  const types = {
    minutes: { type: 'string', default: '10' },
    requests: { type: 'string' },
    parsers: { type: 'boolean', default: false },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    const { values } = parseArgs({ options: types });
    for (const name of ['minutes', 'requests', 'seed']) {
      if (values[name] !== undefined && !/^\d{1,10}(\.\d+)?$/.test(values[name]))
        throw new Error(`--${name} is a number.`);
    }
    if (values.parsers && values.requests !== undefined)
      throw new Error('Give --parsers or --requests, not both.');
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${help}`);
    process.exit(1);
  }
}

/** The test that an option asks for, and what it is told. */
function chosenTest({ minutes, parsers, requests }) {
  if (requests !== undefined) return ['many-requests', { FUZZ_REQUESTS: requests }];
  return [parsers ? 'parsers' : 'fuzz', { FUZZ_MINUTES: minutes }];
}

const options = readOptions();
const { help: isHelp, seed } = options;
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  const [name, told] = chosenTest(options);
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', `test/api/${name}.test.ts`];
  const env = { ...process.env, ...told, ...(seed === undefined ? {} : { FUZZ_SEED: seed }) };
  const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit', env });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
