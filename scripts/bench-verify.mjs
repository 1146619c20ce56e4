/**
 * `npm run bench:verify`: how long `openledger verify` and `GET /v1/ledger/verify` take for many postings, and how
 * much memory: test/process/verify-size.test.ts with more of them.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run bench:verify -- [options]

Writes chained and balanced journals into a database of its own, lets \`openledger verify\` and \`GET /v1/ledger/verify\`
verify them, and prints for each how long that took, the greatest resident size of the verifying process, and the memory that
the database's processes took for it. Does so for 40,000 postings first, and fails when more of them take more memory.

Options:
  --postings <n>  how many lines of journals (default 10000000; about 9 GB of disk and half an hour)
  --help          show this text
`;

function readOptions() {
  const types = { postings: { type: 'string', default: '10000000' }, help: { type: 'boolean', short: 'h' } };
  try {
    const { values } = parseArgs({ options: types });
    if (!/^[1-9]\d{2,9}$/.test(values.postings))
      throw new Error('--postings is a whole number, 100 at least.');
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${help}`);
    process.exit(1);
  }
}

const { help: isHelp, postings } = readOptions();
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  const program = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    'test/process/verify-size.test.ts',
    '--disable-console-intercept',
  ];
  const env = { ...process.env, VERIFY_POSTINGS: postings };
  const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit', env });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
