/**
 * `npm run faults`: the fault tests of test/faults, for longer than `npm test` runs them. Each breaks something under a real
 * server while requests are coming in, and says what must be true afterwards.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const folder = join(root, 'test/faults');
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => name.slice(0, -'.test.ts'.length))
  .sort();

/** What a fault is and what comes of it, from the first words of its file. */
function describe(name) {
  const text = readFileSync(join(folder, `${name}.test.ts`), 'utf8');
  const said = /\/\*\*\n([\s\S]*?)\n \*\//.exec(text)[1].replaceAll(/^ \* ?/gm, '');
  return `  ${name}\n${said.replaceAll(/^(?=.)/gm, '    ')}\n`;
}

const help = () => `Usage: npm run faults -- [options] [NAME…]

Runs the faults of these names, or all of them one after the other (about a quarter of an hour).

Options:
  --rounds <n>  how often each fault happens; each has a number of its own
  --seed <n>    where chance starts: the seed that a run prints draws the same requests and moments
  --help        show this text

Faults:
${names.map(describe).join('\n')}`;

function readOptions() {
  const types = {
    rounds: { type: 'string' },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  };
  try {
    const { positionals, values } = parseArgs({ options: types, allowPositionals: true });
    for (const name of ['rounds', 'seed']) {
      if (values[name] !== undefined && !/^\d{1,10}$/.test(values[name]))
        throw new Error(`--${name} is a number.`);
    }
    const unknown = positionals.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`There is no fault ${unknown}: ${names.join(', ')}.`);
    return { ...values, chosen: positionals.length === 0 ? names : positionals };
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\nnpm run faults -- --help tells more.\n`);
    process.exit(1);
  }
}

/** Runs one fault. @returns the exit code */
function run(name, { rounds, seed }) {
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', `test/faults/${name}.test.ts`];
  const child = spawn(process.execPath, [...program, '--disable-console-intercept'], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      FAULT_LONG: '1',
      ...(rounds === undefined ? {} : { FAULT_ROUNDS: rounds }),
      ...(seed === undefined ? {} : { FAULT_SEED: seed }),
    },
  });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

const { chosen, help: isHelp, ...options } = readOptions();
if (isHelp) process.stdout.write(help());
else {
  await prepare();
  // A Ctrl-C reaches vitest too; wait for it to tidy up, and begin nothing new.
  let isInterrupted = false;
  process.on('SIGINT', () => {
    isInterrupted = true;
  });
  const failed = [];
  for (const name of chosen) {
    if (isInterrupted) break;
    if ((await run(name, options)) !== 0) failed.push(name);
  }
  process.exitCode = failed.length > 0 || isInterrupted ? 1 : 0;
  process.stdout.write(
    failed.length > 0 ? `faults failed: ${failed.join(', ')}\n` : `faults passed: ${chosen.length}\n`,
  );
}
