/**
 * `npm run fuzz`: the fuzzer of test/contract, for longer than `npm test` runs it. Round follows round, each with the next
 * seed, until the time is over or an answer breaks the document's word.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { prepare, root } from './prepare.mjs';

const help = `Usage: npm run fuzz -- [options]

Sends requests of every kind to every operation of a server of its own, made from the document that it serves.

Options:
  --minutes <n>  how long (default 10)
  --seed <n>     where to start: the seed that a failure names repeats it
  --help         show this text
`;

function readOptions() {
  const types = {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    const { values } = parseArgs({ options: types });
    for (const name of ['minutes', 'seed']) {
      if (values[name] !== undefined && !/^\d{1,10}(\.\d+)?$/.test(values[name]))
        throw new Error(`--${name} is a number.`);
    }
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${help}`);
    process.exit(1);
  }
}

const { help: isHelp, minutes, seed } = readOptions();
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/contract/fuzz.test.ts'];
  const env = { ...process.env, FUZZ_MINUTES: minutes, ...(seed === undefined ? {} : { FUZZ_SEED: seed }) };
  const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit', env });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
