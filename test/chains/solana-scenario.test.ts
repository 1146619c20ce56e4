import { randomBytes, randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveCustomer, writeChains } from '../support/chains/live.ts';
import { type SolanaNode, startSolana } from '../support/chains/solana.ts';
import { mints, named, type SolanaWallet, solanaEntry, solanaWallet } from '../support/chains/solana-live.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import { balanceOf, minor, ok, transferBody, walk } from '../support/factories.ts';
import { randomFrom } from '../support/load.ts';
import { endLaunched, runScript, type ServerProcess, startServerProcess } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Deposits and transfers interleaved, while the node loses transactions, takes them without an answer or goes away, and the
 * server is killed. SOLANA_SCENARIO_TRANSFERS sets how many of each there are (12), SOLANA_SCENARIO_KILLS how often it is killed (2),
 * SOLANA_SCENARIO_SEED repeats a run.
 */
const count = Number(process.env.SOLANA_SCENARIO_TRANSFERS ?? 12);
const kills = Number(process.env.SOLANA_SCENARIO_KILLS ?? 2);
const seed = Number(process.env.SOLANA_SCENARIO_SEED ?? randomInt(2 ** 31));
const blockMs = 100;
const timeoutMs = 90_000 + count * 2000 + kills * 15_000;
const heldMinor = 1_000_000_000n;

const random = randomFrom(seed);
const below = (end: number): number => Math.floor(random() * end);
const masterKey = randomBytes(32);
const { usdc } = mints;
const paid: { id: string; to: string; netMinor: bigint }[] = [];
const brought = new Map<string, bigint>();
let expectedMinor = 0n;
let node: SolanaNode;
let file: { path: string; remove(): void };
/** Makes the customer; processes of their own follow the chain and take the requests. */
let fixture: TestServer;
let server: ServerProcess;
let api: ApiClient;
let env: Record<string, string>;
let blocks: NodeJS.Timeout;
let wallet: SolanaWallet;

beforeAll(async () => {
  node = await startSolana();
  for (const token of Object.values(mints)) node.ledger.addMint(token);
  file = writeChains({ solana: solanaEntry(node, { sweepFrom: '50' }) });
  fixture = await startServer({ masterKey });
  env = {
    DATABASE_URL: fixture.servingUrl,
    OPENLEDGER_MASTER_KEY: masterKey.toString('hex'),
    OPENLEDGER_CHAINS_FILE: file.path,
  };
  const customer = await liveCustomer(fixture.app, fixture.live, fixture.liveKey);
  const treasury = fixture.app.treasuries.find(({ chain }) => chain === 'solana')?.address ?? '';
  node.ledger.giveLamports(treasury, 100_000_000_000n);
  node.ledger.pay(usdc, treasury, 10n * heldMinor);
  blocks = setInterval(() => node.ledger.mine(), blockMs);
  await startOne();
  wallet = await solanaWallet(api, customer.id);
}, 120_000);
afterAll(async () => {
  clearInterval(blocks);
  await endLaunched();
  await fixture?.stop();
  await node?.stop();
  file?.remove();
});

async function startOne(): Promise<void> {
  server = await startServerProcess({ args: ['--rate-limit', 'off', '--log-level', 'error'], env });
  api = await createClient(server.url, fixture.liveKey);
}

function bring(amountMinor: bigint): void {
  brought.set(node.ledger.pay(usdc, wallet.address, amountMinor), amountMinor);
  expectedMinor += amountMinor;
}

/** One transfer, as a careful client sends it: again with the same key until there is an answer. */
async function send(round: number): Promise<void> {
  const to = named(`scenario ${seed} ${round}`);
  const rail = { destinationPaymentRail: 'solana', destinationAddress: to };
  const body = transferBody(wallet, { amount: `${1 + below(9)}.00`, ...rail });
  const key = { 'idempotency-key': `scenario-${round}` };
  const answer = await api.post('/v1/transfers', body, key);
  expect(answer.status, answer.text).toBe(200);
  paid.push({ id: answer.data.id, to, netMinor: minor(answer.data.netAmount) });
  expectedMinor -= minor(answer.data.amount);
}

/** What goes wrong next. What is brought after it is in the chain whatever becomes of what we have sent. */
async function misbehave(): Promise<void> {
  node.taking = (['takes', 'takes', 'loses', 'takes without an answer'] as const)[below(4)] ?? 'takes';
  if (below(5) > 0) return;
  await node.down();
  await sleep(below(3) * blockMs);
  await node.up();
}

const openTransfers = async (): Promise<number> =>
  (await walk(api, '/v1/transfers', 100)).filter(({ status }) => status !== 'completed').length;
const credited = async () =>
  new Map(
    (await walk(api, '/v1/transactions?type=deposit&status=completed', 100)).map(
      ({ amount, sourceTxHash }) => [sourceTxHash, minor(amount)] as const,
    ),
  );

test(
  `every deposit is credited once, every transfer paid once (SOLANA_SCENARIO_SEED=${seed})`,
  async () => {
    const often = { timeout: timeoutMs / 3, interval: 200 };
    bring(heldMinor);
    await expect.poll(async () => minor(await balanceOf(api, wallet.id)), often).toBe(heldMinor);
    const killAt = new Set(
      Array.from({ length: kills }, (_, index) => Math.floor(((index + 1) * count) / (kills + 1))),
    );
    for (let round = 0; round < count; round += 1) {
      bring(BigInt(1_000_000 + below(80_000_000)));
      await send(round);
      await misbehave();
      await sleep(below(3) * blockMs);
      if (!killAt.has(round)) continue;
      await server.stop('SIGKILL');
      await startOne();
    }
    node.taking = 'takes';
    await expect.poll(openTransfers, often).toBe(0);
    await expect.poll(credited, often).toEqual(brought);
    expect(minor(await balanceOf(api, wallet.id))).toBe(expectedMinor);
    expect(paid.map(({ to }) => node.ledger.balanceOf(to, usdc))).toEqual(
      paid.map(({ netMinor }) => netMinor),
    );
    expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
    const { code, stderr, stdout } = await runScript('cli/bin/openledger.mjs', { args: ['reconcile'], env });
    expect(code, stdout + stderr).toBe(0);
  },
  timeoutMs,
);
