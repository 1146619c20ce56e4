import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TronWeb } from 'tronweb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRandom } from '../simulate/random.ts';
import { liveCustomer, writeChains } from '../support/chains/live.ts';
import { startTron, type TronNode } from '../support/chains/tron.ts';
import {
  fundWallet,
  sendUsdt,
  startRates,
  type TronWallet,
  tronEntry,
  tronWallet,
} from '../support/chains/tron-live.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { ok, walk } from '../support/factories.ts';
import { runScript, type ServerProcess, startServerProcess } from '../support/process.ts';
import type { Receiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Deposits and transfers interleaved, while blocks are replaced, the node goes away, answers get lost, transactions are
 * forgotten or fail, and the process that follows the chain is killed. TRON_SCENARIO_TRANSFERS sets how many of each there are (12),
 * TRON_SCENARIO_KILLS how often it is killed (2), TRON_SCENARIO_SEED repeats a run.
 */
const count = Number(process.env.TRON_SCENARIO_TRANSFERS ?? 12);
const kills = Number(process.env.TRON_SCENARIO_KILLS ?? 2);
const seed = Number(process.env.TRON_SCENARIO_SEED ?? Date.now() % 1_000_000);
const blockMs = 100;
const fundedMinor = 1_000_000_000n;
const timeoutMs = 60_000 + count * 2000 + kills * 15_000;

const random = createRandom(seed);
const masterKey = randomBytes(32);
const transfers = new Map<string, { address: string; amount: bigint }>();
let tron: TronNode;
let rates: Receiver;
let file: { path: string; remove(): void };
/** Answers what is asked about the books; another process takes the transfers and follows the chain. */
let server: TestServer;
let follower: ServerProcess | undefined;
let live: ApiClient;
let env: Record<string, string>;
let blocks: NodeJS.Timeout;
let treasury: string;
let wallets: readonly TronWallet[];

beforeAll(async () => {
  tron = await startTron();
  rates = await startRates();
  const signing = { perDay: '1000000000', nativePerDay: '10000000', signAgainAfterMs: 0 };
  file = writeChains({ tron: tronEntry(tron, { signing }) });
  server = await startServer({ masterKey });
  env = {
    DATABASE_URL: server.servingUrl,
    OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
    OPENLEDGER_CHAINS_FILE: file.path,
    OPENLEDGER_RATES_URL: rates.url,
    OPENLEDGER_RATES_MAPPING: '/rates/{TO}',
    OPENLEDGER_ON_CHAIN_FEE: '0',
    OPENLEDGER_STABLECOIN_SPREAD: '0',
  };
  treasury = server.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
  tron.ledger.giveSun(treasury, 1_000_000_000_000);
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  wallets = await Promise.all([0, 1, 2].map(() => tronWallet(server.live, customer.id)));
  await startFollower();
  tron.pay({ to: treasury, amount: fundedMinor * 3n });
  for (const wallet of wallets) await fundWallet(server.live, tron, wallet, fundedMinor);
  blocks = setInterval(() => tron.ledger.mine(), blockMs);
}, 120_000);
afterAll(async () => {
  clearInterval(blocks);
  await follower?.stop();
  await server?.stop();
  await tron?.stop();
  await rates?.stop();
  file?.remove();
});

async function startFollower(): Promise<void> {
  follower = await startServerProcess({ args: ['--log-level', 'error'], env });
  live = await createClient(follower.url, server.liveKey);
}

test(
  `seed ${seed}: every deposit is credited once, every transfer paid once`,
  async () => {
    const killAt = new Set(
      Array.from({ length: kills }, (_, index) => Math.floor(((index + 1) * count) / (kills + 1))),
    );
    for (let round = 0; round < count; round += 1) {
      await playRound(round);
      if (!killAt.has(round)) continue;
      await sleep(random.below(blockMs * 4));
      await follower?.stop('SIGKILL');
      await startFollower();
    }
    await expect.poll(openTransfers, { timeout: timeoutMs / 2, interval: 200 }).toBe(0);
    await checkTransfers();
    await expect.poll(credited, { timeout: 20_000 }).toEqual(arrived());
    expect(await ok(server.live.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
    const { code, stderr, stdout } = await runScript('cli/bin/openledger.mjs', { args: ['reconcile'], env });
    expect(code, stdout + stderr).toBe(0);
  },
  timeoutMs,
);

/** A deposit, a transfer to an address of its own, and something that goes wrong. */
async function playRound(round: number): Promise<void> {
  const wallet = random.pick(wallets);
  tron.pay({ to: wallet.address, amount: BigInt(1_000_000 + round) });
  const address = TronWeb.address.fromHex(`41${randomBytes(20).toString('hex')}`);
  const amount = BigInt(2_000_000 + 5 * round);
  transfers.set(await sendUsdt(live, wallet, amount, address), { address, amount });
  await misbehave(random.below(7));
  await sleep(random.below(blockMs * 3));
}

async function misbehave(kind: number): Promise<void> {
  switch (kind) {
    case 0:
      return tron.ledger.fork(1);
    case 1:
      return tron.ledger.fork(2);
    case 2:
      tron.faults.silent = 1;
      return;
    case 3:
      tron.faults.forgetful = 5;
      return;
    case 4:
      tron.ledger.failures.push('REVERT');
      return;
    case 5:
      await tron.down();
      await sleep(blockMs * 2);
      return tron.up();
    default:
      tron.faults.malformed = 1;
  }
}

async function openTransfers(): Promise<number | undefined> {
  const { rows } = await server.app.pool.query<{ count: number }>(
    "select count(*)::int as count from transactions where id = any($1) and status not in ('completed', 'refunded')",
    [[...transfers.keys()]],
  );
  return rows[0]?.count;
}

/** What has ended as completed was paid once, what was refunded never, by the chain's word. */
async function checkTransfers(): Promise<void> {
  const paid = new Map<string, bigint[]>();
  for (const { item, transfers: moved } of tron.ledger.blocks.flatMap(({ results }) => results)) {
    for (const { amount, from, to } of item.kind === 'signed' ? moved : []) {
      if (from === treasury) paid.set(to, [...(paid.get(to) ?? []), amount]);
    }
  }
  for (const [id, { address, amount }] of transfers) {
    const { status } = await ok(server.live.get(`/v1/transactions/${id}`));
    expect({ id, status, paid: paid.get(address) ?? [] }).toEqual(
      status === 'completed' ? { id, status, paid: [amount] } : { id, status: 'refunded', paid: [] },
    );
  }
}

/** The transactions that the server has credited, each as often as it was. */
async function credited(): Promise<string[]> {
  const items = await walk(server.live, '/v1/transactions?type=deposit&status=completed', 100);
  return items.flatMap(({ sourceTxHash }) => (sourceTxHash ? [sourceTxHash] : [])).sort();
}

/** The transactions by which somebody has paid to a wallet, in the chain as it is. */
function arrived(): string[] {
  const addresses = new Set(wallets.map(({ address }) => address));
  return tron.ledger.blocks
    .flatMap(({ results }) => results)
    .filter(
      ({ item, transfers: moved }) => item.kind === 'payments' && moved.some(({ to }) => addresses.has(to)),
    )
    .map(({ item }) => item.id)
    .sort();
}
