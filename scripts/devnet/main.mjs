/** What `npm run devnet` does. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { startAnvil } from '../../test/support/chains/anvil.ts';
import { testContract } from '../../test/support/chains/contracts.ts';
import { fillIndividual, hidden, openPage, postForm, submit } from '../../test/support/hosted.ts';
import { root } from '../checkout.mjs';
import { bringAbout } from './situations.mjs';
import { deployTokens, fundTreasury, mint, tokens } from './tokens.mjs';

/** The chains: a node each, the second on the next port. Ids of no public network. */
const chains = [
  { name: 'base', chainId: 31_337, currencies: ['usdc'] },
  { name: 'polygon', chainId: 31_338, currencies: ['usdc', 'usdt'] },
];

const endSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Warnings of the server that every devnet would cause: about its one node for each chain, and its key beside its data. */
const expectedWarnings = /money moves on the word of too few nodes|the master key is in the data directory/;

const urlOf = (options, at) => `http://127.0.0.1:${Number(options['node-port']) + at}`;

/** Sends a deposit: mints tokens to an address on a node that runs. */
export async function deposit(options) {
  const at = chains.findIndex(({ name }) => name === options.chain);
  if (at < 0) throw new Error(`--chain: give ${chains.map(({ name }) => name).join(' or ')}.`);
  const { currencies, name } = chains[at];
  if (!currencies.includes(options.token))
    throw new Error(`--token: on ${name} there is ${currencies.join(', ')}.`);
  const { address, amount } = options.deposit;
  await mint(urlOf(options, at), tokens[options.token], address, amount);
  process.stdout.write(`${amount} ${options.token} are on their way to ${address} on ${name}.\n`);
}

/** Brings about a situation that an operator has to end. */
export async function situation(options) {
  const at = chains.findIndex(({ name }) => name === options.chain);
  if (at < 0) throw new Error(`--chain: give ${chains.map(({ name }) => name).join(' or ')}.`);
  const { address, name } = options.situation;
  const wanted = { name, address, chain: options.chain, serverData: options['server-data'] };
  process.stdout.write(`${await bringAbout(urlOf(options, at), wanted)}\n`);
}

/** Runs nodes and server until Ctrl-C or SIGTERM. */
export async function runDevnet(options) {
  const closers = [];
  const ended = untilSignal();
  try {
    const kept = options['data-dir'];
    const directory = kept === undefined ? mkdtempSync(join(tmpdir(), 'openledger-devnet-')) : resolve(kept);
    if (kept === undefined) closers.push(() => rmSync(directory, { recursive: true, force: true }));
    mkdirSync(directory, { recursive: true });
    const nodes = [];
    for (const [at, chain] of chains.entries()) {
      const port = Number(options['node-port']) + at;
      if (await isTaken(port)) throw new Error(`Port ${port} is taken; give another --node-port.`);
      const state = kept === undefined ? {} : { statePath: join(directory, `${chain.name}.json`) };
      const node = await startAnvil({ chainId: chain.chainId, port, blockTimeS: 1, ...state });
      closers.push(() => node.stop());
      await deployTokens(node.url, (name) => testContract(name).bytecode);
      nodes.push({ ...chain, url: node.url });
    }
    const chainsFile = join(directory, 'chains.json');
    writeFileSync(chainsFile, JSON.stringify(Object.fromEntries(nodes.map(entryOf)), null, 2));
    const server = await startServer(options, chainsFile, closers);
    for (const { currencies, url } of nodes) await fundTreasury(url, server.treasury, currencies);
    const wallet = await makeWallet(server);
    tell(options, { ...server, ...wallet, chainsFile, nodes });
    await Promise.race([ended, server.ended]);
    if (server.child.exitCode) process.exitCode = 1;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** Quick and shallow, as no public chain may be. */
function entryOf({ chainId, currencies, name, url }) {
  const entry = {
    rpc: [url],
    networkId: String(chainId),
    tokens: Object.fromEntries(currencies.map((currency) => [currency, tokens[currency]])),
    confirmations: 2,
    pollMs: 500,
    startBlock: 0,
    minTransfer: '0',
    gas: { nativeUsd: '2500' },
  };
  return [name, entry];
}

function isTaken(port) {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      done(true);
      socket.destroy();
    });
    socket.once('error', () => done(false));
  });
}

/** Starts the server; its log tells which address transfers are sent from. */
async function startServer(options, chainsFile, closers) {
  const kept = options['data-dir'];
  const place = kept === undefined ? ['--ephemeral'] : ['--data-dir', join(resolve(kept), 'data')];
  const args = [
    join(root, 'scripts/start.mjs'),
    '--json',
    '--port',
    options.port,
    '--chains-file',
    chainsFile,
  ];
  const child = spawn(process.execPath, [...args, ...place, '--log-level', 'info'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  closers.push(async () => {
    child.kill('SIGTERM');
    await ended;
  });
  let treasury;
  let isEnding = false;
  for (const signal of endSignals) process.on(signal, () => (isEnding = true));
  createInterface({ input: child.stderr }).on('line', (line) => {
    treasury ??= /"treasury":"(0x[0-9a-fA-F]{40})"/.exec(line)?.[1];
    // Ctrl-C ends the nodes too: what the server says of that is no news.
    const isExpected = isEnding || expectedWarnings.test(line);
    if (!isExpected && !/"level":(10|20|30|"info"|"debug")/.test(line)) process.stderr.write(`${line}\n`);
  });
  const first = createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  const { value } = await Promise.race([first, ended.then(() => ({ value: undefined }))]);
  if (value === undefined)
    throw new Error('The server ended before it was ready. The error is printed above.');
  if (treasury === undefined) throw new Error('The server did not tell its treasury.');
  return { ...JSON.parse(value), child, ended, treasury };
}

/** A live customer as an operator would have one: form filled in, approved by command, terms accepted; and a wallet. */
async function makeWallet({ dataDir, liveKey, url }) {
  const call = async (path, body) => {
    const headers = { authorization: `Bearer ${liveKey}`, 'content-type': 'application/json' };
    const request =
      body === undefined ? { headers } : { headers, method: 'POST', body: JSON.stringify(body) };
    const answer = /** @type {any} */ (await (await fetch(url + path, request)).json());
    if (!answer.ok) throw new Error(`${path}: ${JSON.stringify(answer.error)}`);
    return answer.data;
  };
  const person = { email: 'ada@example.com', firstName: 'Ada', lastName: 'Lovelace' };
  const customer = await call('/v1/customers', person);
  await fillIndividual(customer.kycLink);
  await submit(customer.kycLink);
  const approve = [join(root, 'cli/bin/openledger.mjs'), 'kyc', 'approve', customer.id];
  const env = { ...process.env, OPENLEDGER_DATA_DIR: dataDir };
  const [code] = await once(
    spawn(process.execPath, approve, { env, stdio: ['ignore', 'ignore', 'inherit'] }),
    'close',
  );
  if (code !== 0) throw new Error('The customer could not be approved.');
  const terms = await openPage(customer.tosLink);
  await postForm(customer.tosLink, { form: hidden(terms, 'form'), terms: hidden(terms, 'terms') });
  const wallet = await call('/v1/crypto-wallets', { customerId: customer.id });
  const addresses = await call(`/v1/crypto-wallets/${wallet.id}/crypto-deposit-addresses`);
  const { address } = addresses.find(({ chain }) => chain === 'base');
  return { customerId: customer.id, walletId: wallet.id, address };
}

function tell(options, ready) {
  const { address, chainsFile, customerId, dataDir, liveKey, nodes, treasury, url, walletId } = ready;
  const places = nodes.map(({ name, url: node }) => ({ name, url: node }));
  if (options.json) {
    const line = {
      ready: true,
      url,
      liveKey,
      treasury,
      customerId,
      walletId,
      address,
      chainsFile,
      dataDir,
      nodes: places,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const port = options['node-port'] === '8545' ? '' : ` --node-port ${options['node-port']}`;
  process.stdout.write(`
Real chains are running: ${places.map(({ name, url: node }) => `${name} at ${node}`).join(', ')}.

  Base URL   ${url}
  Live key   ${liveKey}
  Treasury   ${treasury} (has tokens and coin)
  Chains     ${chainsFile}
  Customer   ${customerId}
  Wallet     ${walletId}
  Address    ${address}

Send a deposit, and see the balance a few seconds later:

  npm run devnet -- deposit ${address} 25${port}
  curl -s -H 'Authorization: Bearer ${liveKey}' ${url}/v1/crypto-wallets/${walletId}/balance

Send some of it on:

  curl -s ${url}/v1/transfers -H 'Authorization: Bearer ${liveKey}' -H 'Content-Type: application/json' \\
    -d '{"customerId":"${customerId}","walletId":"${walletId}","amount":"10.00","destinationCurrency":"usdc",
         "destinationPaymentRail":"polygon","destinationAddress":"0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"}'

Try the ways out of docs/guides/treasury.md:

  export OPENLEDGER_DATA_DIR=${dataDir} OPENLEDGER_CHAINS_FILE=${chainsFile}

  An uncredited deposit       npm run devnet -- uncredited ${address}${port}
                              npx openledger deposits list        then credit, return or write-off
  A stuck payment             npm run devnet -- stall${port}        then send a transfer to base
                              npx openledger payments list        then bump or cancel
                              npm run devnet -- mine${port}
  A nonce gap                 npm run devnet -- nonce-gap ${treasury} --server-data ${dataDir}${port}
                              npx openledger nonce fill base --reason 'Try.'
  A paused chain              npx openledger chains pause base --reason 'Try.'
                              npx openledger chains resume base --reason 'Tried.'
  An unknown outgoing payment npm run devnet -- outflow ${treasury}${port}
                              npx openledger chains status

Stop with Ctrl-C.
`);
}

function untilSignal() {
  return new Promise((done) => {
    for (const signal of endSignals) process.on(signal, done);
  });
}
