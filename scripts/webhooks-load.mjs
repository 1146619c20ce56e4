/**
 * `npm run webhooks:load`: deliveries under load, for longer than `npm test` has them. Two modes: events to receivers of
 * which most are in trouble while the server is killed, and deliveries a second against a bare loop of undici.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from './checkout.mjs';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run webhooks:load -- [options]

Makes events at a steady rate on a server of its own, for two healthy receivers, a slow one (10 s), a flapping one and one
that is down, and kills the server (SIGKILL) meanwhile. Fails when an event is lost, does not reach a healthy receiver, or
when the healthy ones' first attempts are later than 1 s (99th percentile).

Options:
  --events <n>   how many (default 100000)
  --rate <n>     events a second (default 250)
  --kills <n>    how often the server is killed (default 3)
  --throughput   instead: deliveries a second on one process, alternating with a bare loop of undici that posts the same
                 bodies to the same receiver; fails below half of it
  --rounds <n>   rounds of that (default 5)
  --help         show this text
`;

function readOptions() {
  const types = {
    events: { type: 'string' },
    rate: { type: 'string', default: '250' },
    kills: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    throughput: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h' },
  };
  try {
    const { values } = parseArgs({ options: types });
    for (const name of ['events', 'rate', 'kills', 'rounds']) {
      if (values[name] !== undefined && !/^\d{1,9}$/.test(values[name]))
        throw new Error(`--${name} is a number.`);
    }
    return values;
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n\n${help}`);
    process.exit(1);
  }
}

const { events, help: isHelp, kills, rate, rounds, throughput } = readOptions();
if (isHelp) process.stdout.write(help);
else {
  await prepare();
  const file = throughput ? 'test/process/webhooks-throughput.test.ts' : 'test/process/webhooks-load.test.ts';
  const program = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', file, '--disable-console-intercept'];
  const env = {
    ...process.env,
    LOAD_EVENTS: events ?? (throughput ? '10000' : '100000'),
    LOAD_RATE: rate,
    LOAD_KILLS: kills,
    LOAD_ROUNDS: rounds,
  };
  const child = spawn(process.execPath, program, { cwd: root, stdio: 'inherit', env });
  // A Ctrl-C reaches vitest too; wait for it to tidy up.
  process.on('SIGINT', () => undefined);
  child.once('exit', (code) => {
    process.exitCode = code ?? 1;
  });
}
