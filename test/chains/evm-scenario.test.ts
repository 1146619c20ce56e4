import { randomBytes, randomInt } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type BadNode,
  lagging,
  startBadNode,
  withoutBalances,
  withoutLogs,
  withoutReceipts,
  withWrongNonces,
} from '../support/chains/bad-node.ts';
import { liveCustomer, liveWallet, writeChains } from '../support/chains/live.ts';
import { type OwnSigner, startOwnSigner } from '../support/chains/own-signer.ts';
import { type ScenarioChain, startScenarioChain } from '../support/chains/scenario-chain.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { balanceOf, minor, ok, transferBody, walk } from '../support/factories.ts';
import { randomFrom } from '../support/load.ts';
import {
  endLaunched,
  makeTempDir,
  runScript,
  type ServerProcess,
  startServerProcess,
} from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Deposits and transfers on two chains concurrently, while the chains are reorganised, also below final blocks, their nodes go away
 * and come back, one node of three lies, fees rise fifty-fold, a chain halts, receivers are blocked, a token is paused, the signer is
 * stopped, and the server is killed with SIGKILL. `npm run soak -- chains` runs it in full; EVM_SCENARIO_SEED repeats the requests of a
 * run.
 */
const given = (name: string, short: number): number => Number(process.env[`EVM_SCENARIO_${name}`] ?? short);
const isTold = process.env.EVM_SCENARIO_DEPOSITS !== undefined;
const seed = given('SEED', randomInt(2 ** 31));
const counts = {
  deposit: given('DEPOSITS', 20),
  transfer: given('TRANSFERS', 20),
  kill: given('KILLS', 2),
  reorganisation: given('REORGANISATIONS', 2),
  restart: given('RESTARTS', 1),
  deepReorganisation: given('DEEP_REORGANISATIONS', 1),
  lie: given('LIES', 2),
  feeSpike: given('FEE_SPIKES', 1),
  halt: given('HALTS', 1),
  blockedReceiver: given('BLOCKED_RECEIVERS', 1),
  pause: given('PAUSES', 1),
  signerStop: given('SIGNER_STOPS', 1),
};
const haltMs = given('HALT_SECONDS', 1) * 1000;
const spikeGwei = 50;
const confirmations = 5;
const walletCount = 4;
const fundedMinor = 5_000_000_000n;
const timeoutMs = 30 * 60_000;

const random = randomFrom(seed);
const below = (end: number): number => Math.floor(random() * end);
const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
const say = (text: string): void => (isTold ? console.log(text) : undefined);

interface Wallet {
  readonly id: string;
  readonly customerId: string;
  readonly address: Address;
  expectedMinor: bigint;
}

interface Paid {
  readonly wallet: Wallet;
  readonly amountMinor: bigint;
  readonly chain: ScenarioChain;
  readonly id: string;
  readonly to: Address;
  readonly netMinor: bigint;
}

const masterKey = randomBytes(32);
let directory: { path: string; remove(): Promise<void> };
let file: { path: string; remove(): void };
let fixture: TestServer;
let chains: readonly ScenarioChain[] = [];
let signer: OwnSigner;
/** Of each chain: an honest way to its node, and one that lies when it is told to. */
let between: readonly BadNode[] = [];
let liars: readonly BadNode[] = [];
let server: ServerProcess;
let api: ApiClient;
const wallets: Wallet[] = [];
const deposits = new Map<string, bigint>();
const paid: Paid[] = [];

beforeAll(async () => {
  directory = await makeTempDir();
  chains = await Promise.all([
    startScenarioChain('base', 31_337, 'TestToken', join(directory.path, 'base.json')),
    startScenarioChain('polygon', 31_338, 'OldToken', join(directory.path, 'polygon.json')),
  ]);
  liars = await Promise.all(chains.map(({ url }) => startBadNode(url)));
  between = await Promise.all(chains.map(({ url }) => startBadNode(url)));
  file = writeChains(Object.fromEntries(chains.map((chain, at) => [chain.name, entryOf(chain, at)])));
  signer = await startOwnSigner(file.path, masterKey);
  await prepareWallets();
  await startOne();
}, 120_000);
afterAll(async () => {
  await endLaunched();
  await fixture?.stop();
  await signer?.stop();
  await Promise.all([...liars, ...between].map((node) => node.stop()));
  await Promise.all(chains.map((chain) => chain.stop()));
  file?.remove();
  await directory?.remove();
});

function entryOf({ chainId, token, url }: ScenarioChain, at: number): object {
  return {
    rpc: [liars[at]?.url, url, between[at]?.url],
    agreement: 2,
    networkId: String(chainId),
    tokens: { usdc: token.address },
    confirmations,
    pollMs: 100,
    startBlock: 0,
    // anvil 1.7 loses the states of earlier blocks after some reorganisations and restarts.
    trustTokens: true,
    sweepFrom: '50',
    minTransfer: '0',
    sweeps: { maxCostPercent: '100' },
    gas: { nativeUsd: '2500', bumpAfterMs: 3000 },
  };
}

/** The customers are approved by command, then servers of their own process take over. */
async function prepareWallets(): Promise<void> {
  fixture = await startServer({ masterKey, chainsFile: file.path, signerSocket: signer.socket });
  for (let index = 0; index < walletCount; index += 1) {
    const customer = await liveCustomer(fixture.app, fixture.live, fixture.liveKey);
    wallets.push({ ...(await liveWallet(fixture.live, customer.id)), expectedMinor: 0n });
  }
  for (const chain of chains) {
    await chain.fund(treasuryOn(chain));
    await chain.deposit(treasuryOn(chain), fundedMinor);
  }
  await fixture.app.stop();
}

function treasuryOn({ name }: ScenarioChain): Address {
  return fixture.app.treasuries.find(({ chain }) => chain === name)?.address as Address;
}

const settings = () => ({
  DATABASE_URL: fixture.servingUrl,
  OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
  OPENLEDGER_CHAINS_FILE: file.path,
  OPENLEDGER_SIGNER_SOCKET: signer.socket,
});

async function startOne(): Promise<void> {
  server = await startServerProcess({
    env: settings(),
    args: ['--data-dir', join(directory.path, 'data'), '--rate-limit', 'off', '--log-level', 'error'],
  });
  api = await createClient(server.url, fixture.liveKey);
}

async function makeDeposit(wallet: Wallet, amountMinor: bigint): Promise<void> {
  const hash = await pick(chains).deposit(wallet.address, amountMinor);
  deposits.set(hash, amountMinor);
  wallet.expectedMinor += amountMinor;
}

/** Sends one transfer, as a careful client does: again with the same key until there is an answer. */
async function makeTransfer(wallet: Wallet, number: number): Promise<void> {
  const chain = pick(chains);
  const to: Address = `0x${Buffer.from(Array.from({ length: 20 }, () => below(256))).toString('hex')}`;
  const amountMinor = BigInt(1_000_000 + below(9_000_000));
  const amount = `${amountMinor / 1_000_000n}.${String(amountMinor % 1_000_000n).padStart(6, '0')}`;
  const rail = { destinationPaymentRail: chain.name, destinationAddress: to };
  const body = transferBody(wallet, { amount, ...rail });
  for (let refusals = 0; ; ) {
    const key = { 'idempotency-key': `scenario-${number}-${refusals}` };
    const answer = await api.post('/v1/transfers', body, key).catch(() => undefined);
    if (answer?.status === 200) {
      paid.push({
        wallet,
        amountMinor,
        chain,
        id: answer.data.id,
        to,
        netMinor: minor(answer.data.netAmount),
      });
      wallet.expectedMinor -= amountMinor;
      return;
    }
    // A refusal is the key's answer for good: once the deposits are there, it takes another key.
    if (answer?.error.reason === 'insufficient_funds') refusals += 1;
    else if (answer && answer.status < 500) throw new Error(answer.text);
    await sleep(50);
  }
}

const acts: Record<keyof typeof counts, (number: number) => Promise<void>> = {
  deposit: () => makeDeposit(pick(wallets), BigInt(1_000_000 + below(60_000_000))),
  transfer: (number) => makeTransfer(pick(wallets), number),
  async kill() {
    server.child.kill('SIGKILL');
    await server.exit();
    await sleep(below(500));
    await startOne();
  },
  reorganisation: () => pick(chains).reorganise(1 + below(confirmations - 1)),
  restart: () => pick(chains).restart(below(1500)),
  deepReorganisation: () => pick(chains).reorganise(confirmations + 1 + below(8)),
  async lie() {
    const lies = [
      withoutLogs,
      withoutBalances,
      withoutReceipts,
      withWrongNonces,
      lagging(() => 2),
      undefined,
    ];
    pick(liars).behave(pick(lies));
  },
  async feeSpike() {
    const chain = pick(chains);
    chain.setFees(spikeGwei);
    await sleep(1000 + below(2000));
    chain.setFees(undefined);
  },
  halt: () => pick(chains).halt(haltMs),
  async blockedReceiver() {
    const receiver = pick(paid.filter(({ chain }) => chain === oldChain()));
    if (receiver) await oldChain().callToken('block_', [receiver.to]);
  },
  async pause() {
    await oldChain().callToken('pause', [true]);
    await sleep(500 + below(1000));
    await oldChain().callToken('pause', [false]);
  },
  async signerStop() {
    signer.loses = below(2);
    await signer.restart(undefined, () => sleep(below(1000)));
  },
};

/** The chain whose token can be paused, and can block receivers. */
function oldChain(): ScenarioChain {
  return chains[1] as ScenarioChain;
}

/** All acts in an order that the seed draws. */
function draw(): (keyof typeof counts)[] {
  const all = Object.entries(counts).flatMap(([act, count]) => Array(count).fill(act));
  for (let at = all.length - 1; at > 0; at -= 1) {
    const other = below(at + 1);
    [all[at], all[other]] = [all[other], all[at]];
  }
  return all;
}

const openTransfers = async (): Promise<number> => {
  const listed = await walk(api, '/v1/transfers', 100);
  return listed.filter(({ status }) => !['completed', 'refunded', 'failed'].includes(status)).length;
};

const credited = async () =>
  (await walk(api, '/v1/transactions?type=deposit&status=completed', 100)).map(
    ({ amount, sourceTxHash }) => [sourceTxHash, minor(amount)] as const,
  );

/** Everything that was sent, in an order that the seed draws, with what goes wrong in between. */
async function act(): Promise<void> {
  for (const wallet of wallets) await makeDeposit(wallet, 1_000_000_000n);
  for (const [number, name] of draw().entries()) {
    if (name !== 'deposit' && name !== 'transfer') say(`${number}: ${name}`);
    await acts[name](number);
    await sleep(below(60));
  }
}

async function expectAccounted(): Promise<void> {
  expect(new Map(await credited())).toEqual(deposits);
  const statuses = new Map((await walk(api, '/v1/transfers', 100)).map(({ id, status }) => [id, status]));
  expect(statuses.size).toBe(counts.transfer);
  for (const { amountMinor, chain, id, netMinor, to, wallet } of paid) {
    const payments = await chain.paid(treasuryOn(chain), to);
    const isRefunded = chain === oldChain() && statuses.get(id) === 'refunded';
    if (isRefunded) wallet.expectedMinor += amountMinor;
    expect([statuses.get(id), payments], id).toEqual(
      isRefunded ? ['refunded', []] : ['completed', [netMinor]],
    );
  }
  for (const wallet of wallets) expect(minor(await balanceOf(api, wallet.id))).toBe(wallet.expectedMinor);
  expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
}

test(
  `every deposit is credited once and every transfer paid or refunded once (EVM_SCENARIO_SEED=${seed})`,
  async () => {
    say(`seed ${seed}: ${JSON.stringify(counts)}`);
    const startedMs = Date.now();
    await act();
    say(`all is sent after ${Date.now() - startedMs} ms`);
    for (const liar of liars) liar.behave();
    await Promise.all(chains.map((chain) => chain.settle(confirmations)));
    const often = { timeout: 120_000, interval: 500 };
    await expect.poll(openTransfers, often).toBe(0);
    await expect.poll(async () => (await credited()).length, often).toBe(deposits.size);
    await expectAccounted();
    const reconciled = await runScript('cli/bin/openledger.mjs', { args: ['reconcile'], env: settings() });
    expect(reconciled.code, reconciled.stdout + reconciled.stderr).toBe(0);
    say(`${reconciled.stdout}\nall is accounted for after ${Date.now() - startedMs} ms`);
  },
  timeoutMs,
);
