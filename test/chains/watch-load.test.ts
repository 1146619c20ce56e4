import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { Address } from 'viem';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseChains } from '../../server/src/chains/config.ts';
import { openChain } from '../../server/src/chains/families.ts';
import type { ChainPort } from '../../server/src/chains/port.ts';
import { createAddressBook } from '../../server/src/onchain/deposits/watched-addresses.ts';
import { listOpenRescans } from '../../server/src/onchain/rescans/queries.ts';
import { listStatuses } from '../../server/src/onchain/status/queries.ts';
import { authenticateRows } from '../../server/src/store/authenticate-rows.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, liveCustomer, liveWallet, writeChains } from '../support/chains/live.ts';
import { balanceOf } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * What the watcher does for a full block: 5,000 transfers of which 50 are ours, with 100,000 watched addresses. The figures are
 * printed; that one pass finds exactly ours, and that memory does not grow with the blocks that were read, is asserted.
 * `npm run soak -- chains --watch` reads for longer.
 */
const addresses = 100_000;
const transfers = 5000;
const ours = 50;
const blocks = Number(process.env.WATCH_BLOCKS ?? 1);
const passes = Number(process.env.WATCH_PASSES ?? 3);
const perTransaction = 1000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapMiB = (): number => {
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
};
const addressOf = (index: number): Address => `0x${(index + 1).toString(16).padStart(40, '0')}`;

let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let port: ChainPort;
let firstBlock: number;
let walletId: string;
let walletAddress: Address;
let file: { path: string; remove(): void } | undefined;

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337, gasLimit: 10n ** 10n });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  server = await startServer();
  await makeWallets();
  firstBlock = Number(await anvil.client.getBlockNumber({ cacheTime: 0 })) + 1;
  for (let block = 0; block < blocks; block += 1) await makeBlock(block);
  const parsed = parseChains(JSON.stringify({ base: chainEntry(anvil, { usdc }) }));
  if ('faults' in parsed) throw new Error(parsed.faults.join());
  const [config] = parsed.chains;
  if (!config) throw new Error('no chain');
  const unused = async () => Promise.reject(new Error('nothing is signed'));
  const signer = { sign: unused, signAuthorization: unused, lastSigned: unused };
  port = openChain(config, addressOf(addresses), signer, () => undefined);
}, 120_000);
afterAll(async () => {
  await port?.close();
  await server?.stop();
  await anvil?.stop();
  file?.remove();
});

/** The last two characters of an id are its bucket. */
const idSql = "overlay(w.id placing lpad(g::text, 8, '0') from length(w.id) - 9 for 8)";

/** Wallets like a real one, with addresses of their own. */
async function makeWallets(): Promise<void> {
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const { id } = await liveWallet(server.live, customer.id);
  walletId = id;
  const { pool } = server.app;
  const own = await pool.query('select address from deposit_addresses where chain = $1', ['base']);
  walletAddress = own.rows[0]?.address;
  const { rows } = await pool.query(
    "select column_name as name from information_schema.columns where table_name = 'wallets'",
  );
  const columns = rows.map(({ name }) => {
    if (name === 'id') return idSql;
    if (name === 'mac') return 'null';
    return name === 'derivation_index' ? 'w.derivation_index + 1000000 + g' : `w.${name}`;
  });
  const names = rows.map(({ name }) => name).join(', ');
  await pool.query(
    `insert into wallets (${names}) select ${columns.join(', ')} from wallets w, generate_series(1, ${addresses - 1}) g where w.id = $1`,
    [id],
  );
  await pool.query(
    `insert into deposit_addresses (bucket, wallet_id, chain, address)
      select w.bucket, ${idSql}, 'base', '0x' || lpad(to_hex(g), 40, '0')
      from wallets w, generate_series(1, ${addresses - 1}) g where w.id = $1`,
    [id],
  );
  await authenticateRows(pool);
}

/** Fills one block: every hundredth transfer is to a wallet. */
async function makeBlock(block: number): Promise<void> {
  await anvil.client.setAutomine(false);
  for (let at = 0; at < transfers; at += perTransaction) {
    const to = Array.from({ length: perTransaction }, (_, index) => {
      const isOurs = (at + index) % (transfers / ours) === 0;
      return addressOf(
        isOurs ? ((block * transfers + at + index) * 7) % (addresses - 1) : 10 ** 7 + at + index,
      );
    });
    await usdc.send('mintMany', [to, to.map(() => 1_000_000n)]);
  }
  await anvil.client.mine({ blocks: 1 });
  await anvil.client.setAutomine(true);
}

test('one pass over full blocks finds what is ours, in memory that does not grow with what was read', async () => {
  const before = heapMiB();
  const book = createAddressBook(server.app.pool, 'base', port.comparable, []);
  const startedMs = performance.now();
  await book.refresh();
  const refreshMs = performance.now() - startedMs;
  expect(book.size).toBe(addresses);
  const booked = heapMiB();
  await port.reader.head();
  const height = firstBlock + blocks - 1;
  const scan = () => port.reader.scan(firstBlock, height, book, true);
  const [first] = [await scan()];
  expect(first.length).toBe(ours * blocks);
  expect(
    first.every(({ amount, currency, to }) => amount === 1_000_000n && currency === 'usdc' && book.has(to)),
  ).toBe(true);
  const scanned = heapMiB();
  const scanStartedMs = performance.now();
  for (let pass = 0; pass < passes; pass += 1) await scan();
  const scanMs = (performance.now() - scanStartedMs) / passes / blocks;
  await book.refresh();
  const after = heapMiB();
  console.info(
    `${addresses} addresses: ${refreshMs.toFixed(0)} ms to read, ${(booked - before).toFixed(0)} MiB. ` +
      `A block of ${transfers} transfers, ${ours} ours: ${scanMs.toFixed(1)} ms with the node. ` +
      `Heap after ${passes * blocks} blocks: ${(after - scanned).toFixed(1)} MiB more.`,
  );
  expect(after - scanned).toBeLessThan(5);
}, 600_000);

const fakeLogs = 100_000;
const dusted = 1000;

/** Waits until the wallet has this much, and returns how long it took. */
async function msUntilCredited(amount: string): Promise<number> {
  const startedMs = performance.now();
  await expect.poll(() => balanceOf(server.live, walletId), { timeout: 60_000, interval: 50 }).toBe(amount);
  return performance.now() - startedMs;
}

/** Makes one block of what is sent meanwhile. */
async function inOneBlock(send: () => Promise<unknown>): Promise<void> {
  await anvil.client.setAutomine(false);
  await send();
  await anvil.client.mine({ blocks: 1 });
  await anvil.client.setAutomine(true);
}

test('100,000 fake logs in a block, and a cent to 1,000 addresses in the next, delay a deposit by less than 10 s', async () => {
  const spam = await deployToken(anvil, 'OldToken', [6, 0]);
  const head = Number(await anvil.client.getBlockNumber({ cacheTime: 0 }));
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null, startBlock: head + 1 }) });
  const follower = await server.second({ chainsFile: file.path });
  const status = async () => (await listStatuses(follower.pool))[0];
  await expect.poll(async () => (await status())?.scanned, { timeout: 20_000 }).toBeGreaterThanOrEqual(0n);
  await usdc.send('mint', [walletAddress, 1_000_000n]);
  await anvil.client.mine({ blocks: 3 });
  const usualMs = await msUntilCredited('1.00');
  const ours = Array.from({ length: dusted }, (_, index) => addressOf(index));
  await inOneBlock(async () => {
    await spam.send('pretendMany', [addressOf(addresses), ours, BigInt(fakeLogs)]);
    await usdc.send('mint', [walletAddress, 5_000_000n]);
  });
  await inOneBlock(async () => {
    await usdc.send('mintMany', [ours, ours.map(() => 10_000n)]);
    await usdc.send('mint', [walletAddress, 6_000_000n]);
  });
  await anvil.client.mine({ blocks: 3 });
  const tookMs = await msUntilCredited('12.00');
  console.info(
    `Credited beside ${fakeLogs} fake logs and ${dusted} deposits of a cent: ${tookMs.toFixed(0)} ms, ` +
      `${usualMs.toFixed(0)} ms without them.`,
  );
  expect(tookMs - usualMs).toBeLessThan(10_000);
  const credited = async () => {
    const { rows } = await follower.pool.query(
      "select count(*) from chain_deposits where status = 'credited'",
    );
    return Number(rows[0]?.count);
  };
  await expect.poll(credited, { timeout: 20_000 }).toBe(dusted + 3);
  // The rest is seen, and worked off later.
  const open = async () => (await listOpenRescans(follower.pool, 'base'))[0];
  await expect.poll(open, { timeout: 60_000 }).toMatchObject({ reason: 'over_limit', count: 1 });
  const metrics = await (await fetch(`${follower.adminUrl}/metrics`)).text();
  expect(metrics).toMatch(/openledger_chain_deferred_transfers\{chain="base",reason="over_limit"\} \d+/);
  if (process.env.WATCH_BLOCKS === undefined) return;
  const recorded = async () => {
    const { rows } = await follower.pool.query('select count(*) from uncredited_deposits');
    return Number(rows[0]?.count);
  };
  await expect.poll(recorded, { timeout: 300_000, interval: 500 }).toBe(fakeLogs);
  await expect.poll(open, { timeout: 60_000 }).toBeUndefined();
}, 600_000);
