/**
 * `npm run devnet`: real chains on this machine. Starts two EVM nodes with test tokens, a server that follows them, and
 * a live customer with a wallet; prints how to send a deposit. `npm run devnet -- deposit …` sends one.
 */
import { parseArgs } from 'node:util';
import { prepare } from './prepare.mjs';

const help = `Usage: npm run devnet [-- options]
       npm run devnet -- deposit <address> <amount> [--chain base|polygon] [--token usdc|usdt]
       npm run devnet -- uncredited|stall|mine|outflow|nonce-gap [<address>] [--chain base|polygon]

Starts real EVM nodes (anvil) for the chains base and polygon, with test tokens of six decimals, a funded treasury, and a
server that serves live keys on them. Ctrl-C ends everything. The second form, in another terminal, mints tokens to an
address: a deposit. The third brings about what an operator has to end; the running devnet prints each with the commands that do.

Options:
  --port <n>        port of the server (default 4000; 0 for any free one)
  --node-port <n>   port of the node of base, the one after it is polygon's (default 8545)
  --data-dir <dir>  keep server and chains there for the next start (default: a temporary directory, removed at the end)
  --server-data <dir>  for nonce-gap: the data directory of the server, as it is printed
  --json            print one JSON line on stdout when ready, and nothing else
  --help            show this text
`;

/**
 * @param {string} message
 * @returns {never}
 */
function fail(message) {
  process.stderr.write(`error: ${message}\n\n${help}`);
  process.exit(1);
}

const withoutAddress = new Set(['stall', 'mine']);
const withAddress = new Set(['uncredited', 'outflow', 'nonce-gap']);

/** @param {string | undefined} text */
function isAddress(text) {
  return /^0x[0-9a-fA-F]{40}$/.test(text ?? '');
}

function readOptions() {
  /** @satisfies {import('node:util').ParseArgsOptionsConfig} */
  const options = {
    port: { type: 'string', default: '4000' },
    'node-port': { type: 'string', default: '8545' },
    'data-dir': { type: 'string' },
    'server-data': { type: 'string' },
    chain: { type: 'string', default: 'base' },
    token: { type: 'string', default: 'usdc' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  };
  const { positionals, values } = parsed(options);
  for (const name of ['port', 'node-port']) {
    if (!/^\d{1,5}$/.test(values[name]) || Number(values[name]) > 65_534) fail(`--${name}: give a port.`);
  }
  if (Number(values['node-port']) === 0) fail('--node-port: give a port other than 0.');
  const [command, address, amount, ...more] = positionals;
  if (command === undefined) return { ...values, deposit: undefined, situation: undefined };
  if (withoutAddress.has(command) && address === undefined) {
    return { ...values, deposit: undefined, situation: { name: command, address: '' } };
  }
  if (withAddress.has(command)) {
    if (!isAddress(address) || amount !== undefined) fail(`${command}: give an address on an EVM chain.`);
    if (command === 'nonce-gap' && values['server-data'] === undefined) fail('--server-data: required.');
    return { ...values, deposit: undefined, situation: { name: command, address } };
  }
  if (command !== 'deposit' || more.length > 0) fail(`There is no ${positionals.join(' ')}.`);
  if (!isAddress(address)) fail('deposit: give the address of a wallet on an EVM chain.');
  if (!/^\d{1,9}(\.\d{1,6})?$/.test(amount ?? '')) fail('deposit: give an amount such as 25 or 0.50.');
  return { ...values, deposit: { address, amount }, situation: undefined };
}

/**
 * @template {import('node:util').ParseArgsOptionsConfig} Config
 * @param {Config} options
 */
function parsed(options) {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (error) {
    return fail(error.message);
  }
}

const options = readOptions();
if (options.help) process.stdout.write(help);
else {
  await prepare();
  const { deposit, runDevnet, situation } = await import('./devnet/main.mjs');
  try {
    if (options.situation) await situation(options);
    else if (options.deposit) await deposit(options);
    else await runDevnet(options);
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 1;
  }
}
