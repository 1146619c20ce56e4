/**
 * `npm run chains:story`: test/chains/evm-scenario.test.ts in full. Two real EVM nodes with token contracts, a server of its own
 * process, deposits and transfers in a random order, and everything that can go wrong in between.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const full = { deposits: '200', transfers: '200', kills: '10', reorganisations: '10', restarts: '4' };

const help = `Usage: npm run chains:story -- [options]

Sends deposits and transfers on two chains at once, while blocks are taken back, nodes are stopped and started, and the server
is killed with SIGKILL. At the end every deposit is credited once, every transfer is paid once, and the books agree with
themselves (verify) and with the chains (reconcile). It takes about two minutes.

Options:
  --deposits <n>         (default ${full.deposits})
  --transfers <n>        (default ${full.transfers})
  --kills <n>            of the server (default ${full.kills})
  --reorganisations <n>  of a chain (default ${full.reorganisations})
  --restarts <n>         of a node (default ${full.restarts})
  --seed <n>             draws the same requests again; a run prints its own
  --help                 show this text
`;

function readOptions() {
  const types = { help: { type: 'boolean', short: 'h', default: false } };
  for (const name of [...Object.keys(full), 'seed']) types[name] = { type: 'string' };
  try {
    const { values } = parseArgs({ options: types });
    for (const [name, value] of Object.entries(values)) {
      if (name !== 'help' && !/^\d{1,10}$/.test(value)) throw new Error(`--${name} is a number.`);
    }
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\nnpm run chains:story -- --help tells more.\n`);
    process.exit(1);
  }
}

const { help: isHelp, ...options } = readOptions();
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  const env = { ...process.env };
  for (const [name, value] of Object.entries({ ...full, ...options }))
    env[`STORY_${name.toUpperCase()}`] = value;
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', 'test/chains/evm-scenario.test.ts'];
  const child = spawn(process.execPath, [...program, '--disable-console-intercept'], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
