/**
 * `npm run demo`: plays the main job against a running server by plain HTTP, receives and verifies the webhooks itself,
 * and says at the end whether everything held (exit code 0) or not (1). Needs nothing but Node's own modules.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { connect } from './demo/api.mjs';
import { DemoError, say } from './demo/say.mjs';
import { play } from './demo/scenario.mjs';
import { prepareRuntime } from './prepare.mjs';

const help = `Usage: npm run demo -- [options]

Plays the main job against a running server: a customer is verified and gets a wallet, a deposit arrives, a transfer goes
out and settles, and every step arrives as a signed webhook.

Options:
  --url <url>   the server (env OPENLEDGER_URL, default http://127.0.0.1:4000)
  --key <key>   a test key (env OPENLEDGER_KEY, default the one in keys.json of the data directory:
                env OPENLEDGER_DATA_DIR, default .openledger)
  --help        show this text
`;

async function main() {
  const options = readOptions();
  if (options.help) {
    process.stdout.write(help);
    return;
  }
  if (existsSync('.env')) process.loadEnvFile('.env');
  const url = readUrl(options.url ?? process.env.OPENLEDGER_URL ?? 'http://127.0.0.1:4000');
  await play(await connect(url, () => readKey(options.key)));
}

function readOptions() {
  /** @satisfies {import('node:util').ParseArgsOptionsConfig} */
  const types = { url: { type: 'string' }, key: { type: 'string' }, help: { type: 'boolean', short: 'h' } };
  try {
    return parseArgs({ options: types }).values;
  } catch (error) {
    throw new DemoError(`${error.message}\n\n${help}`);
  }
}

function readUrl(text) {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return text.replace(/\/+$/, '');
  throw new DemoError(`--url (OPENLEDGER_URL): give a URL such as http://127.0.0.1:4000.`);
}

function readKey(option) {
  const key = option ?? process.env.OPENLEDGER_KEY ?? keptKey();
  if (!key.startsWith('ld_test_')) {
    throw new DemoError(
      '--key (OPENLEDGER_KEY): the demo moves sandbox money, so give a test key (ld_test_…).',
    );
  }
  return key;
}

/** The key that the server's first start left in the data directory. */
function keptKey() {
  const path = join(resolve(process.env.OPENLEDGER_DATA_DIR || '.openledger'), 'keys.json');
  try {
    const { testKey } = JSON.parse(readFileSync(path, 'utf8'));
    if (typeof testKey === 'string') return testKey;
  } catch {
    // Told below.
  }
  throw new DemoError(`There is no test key in ${path}; give one by --key or OPENLEDGER_KEY.`);
}

await prepareRuntime();
try {
  await main();
} catch (error) {
  say.failed(error instanceof DemoError ? error.message : String(error?.stack ?? error));
  process.exitCode = 1;
}
