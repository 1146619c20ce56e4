/**
 * `npm run simulate`: the simulation of test/simulate, for longer or with another seed than `npm test` runs it. World
 * follows world, each with the next seed, until the time is over or an invariant does not hold.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run simulate -- [options]

Drives the commands and the writer over a model of the database, with lost connections, crashes, repeated requests and
jumping clocks, and checks every invariant after every step.

Options:
  --minutes <n>  how long (default 1; with --seed: one world)
  --seed <n>     where to start: the seed that a failure names repeats it
  --steps <n>    how many steps a world lasts (default 800)
  --lanes <n>    how many lanes, 1 to 64 (default: drawn from the seed)
  --database     instead: sends random requests to two servers on a real PostgreSQL, and to a simple model whose answers
                 must be the same (with --minutes and --seed)
  --help         show this text
`;

function readOptions() {
  const types = {
    minutes: { type: 'string' },
    seed: { type: 'string' },
    steps: { type: 'string' },
    lanes: { type: 'string' },
    database: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    const { values } = parseArgs({ options: types });
    for (const name of ['minutes', 'seed', 'steps', 'lanes']) {
      const form =
        name === 'minutes' ? /^\d{1,10}(\.\d+)?$/ : name === 'seed' ? /^\d{1,10}$/ : /^[1-9]\d{0,8}$/;
      if (values[name] !== undefined && !form.test(values[name])) throw new Error(`--${name} is a number.`);
    }
    if (Number(values.lanes ?? 1) > 64) throw new Error('--lanes is 64 at most.');
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${help}`);
    process.exit(1);
  }
}

const { database, help: isHelp, ...options } = readOptions();
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  if (options.seed === undefined) options.minutes ??= '1';
  const [file, prefix] = database
    ? ['test/model/model.test.ts', 'MODEL']
    : ['test/simulate/simulation.test.ts', 'SIMULATE'];
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', file, '--disable-console-intercept'];
  if (!database) program.push('--testNamePattern=holds every invariant');
  const env = { ...process.env };
  for (const [name, value] of Object.entries(options)) env[`${prefix}_${name.toUpperCase()}`] = value;
  const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit', env });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
