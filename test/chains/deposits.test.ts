import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type Anvil, deployToken, startAnvil, type TestToken, tokenAt } from '../support/chains/anvil.ts';
import { type BadNode, lagging, RpcReply, refuse, startBadNode } from '../support/chains/bad-node.ts';
import {
  chainEntry,
  depositsIn,
  depositsOf,
  newLiveWallet,
  reorganise,
  writeChains,
} from '../support/chains/live.ts';
import { balanceOf, ok } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Deposits on real nodes. `base` has one node, behind one that can be made to do wrong; `ethereum` has three, of which two
 * must agree; `polygon` has two, and one block is deep enough.
 */

let anvils: { base: Anvil; ethereum: Anvil; polygon: Anvil };
let nodes: { base: BadNode; ethereum: BadNode[]; polygon: BadNode[] };
let usdc: TestToken;
let usdt: TestToken;
let server: TestServer;
let chainsFile: { path: string; remove(): void };
let rates: Server;
const told: Record<string, string> = {};

beforeAll(async () => {
  const [base, ethereum, polygon] = await Promise.all(
    [31_337, 31_338, 31_339].map((chainId) => startAnvil({ chainId })),
  );
  anvils = { base, ethereum, polygon } as typeof anvils;
  // The same account deploys first on each chain: the contracts have the same address.
  for (const anvil of Object.values(anvils)) {
    usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
    usdt = await deployToken(anvil, 'TestToken', ['Tether', 'USDT']);
  }
  const bad = (anvil: Anvil, count: number) =>
    Promise.all(Array.from({ length: count }, () => startBadNode(anvil.url)));
  const [baseNode] = await bad(anvils.base, 1);
  nodes = {
    base: baseNode as BadNode,
    ethereum: await bad(anvils.ethereum, 3),
    polygon: await bad(anvils.polygon, 2),
  };
  rates = createServer((_request, response) => response.end(JSON.stringify({ rates: told })));
  await new Promise<void>((resolve) => rates.listen(0, '127.0.0.1', resolve));
  const urls = (of: BadNode[]) => of.map(({ url }) => url);
  const more = { sweepFrom: null, blockRange: 20 };
  chainsFile = writeChains({
    base: chainEntry(anvils.base, { usdc }, { ...more, rpc: [nodes.base.url] }),
    ethereum: chainEntry(
      anvils.ethereum,
      { usdc, usdt },
      { ...more, rpc: urls(nodes.ethereum), agreement: 2 },
    ),
    polygon: chainEntry(
      anvils.polygon,
      { usdc },
      { ...more, rpc: urls(nodes.polygon), agreement: 1, confirmations: 1 },
    ),
  });
  server = await startServer({
    chainsFile: chainsFile.path,
    ratesUrl: `http://127.0.0.1:${(rates.address() as AddressInfo).port}`,
    ratesRefreshMs: 200,
  });
});
afterEach(() => {
  for (const node of [nodes.base, ...nodes.ethereum, ...nodes.polygon]) node.behave();
});
afterAll(async () => {
  await server?.stop();
  for (const node of [nodes?.base, ...(nodes?.ethereum ?? []), ...(nodes?.polygon ?? [])]) await node?.stop();
  for (const anvil of Object.values(anvils ?? {})) await anvil.stop();
  await new Promise((resolve) => rates?.close(resolve));
  chainsFile?.remove();
});

/** Tokens out of nothing, on one of the chains. */
const mint = (on: keyof typeof anvils, token: TestToken, to: string, amount: bigint) =>
  tokenAt(anvils[on].client, 'TestToken', token.address).send('mint', [to, amount]);

test('a deposit whose block is orphaned is credited once, where it is mined again', async () => {
  const wallet = await newLiveWallet(server);
  const hash = await mint('base', usdc, wallet.address, 5_000_000n);
  const [pending] = await depositsIn(server.live, wallet.id, ['payment_submitted']);
  const { remine } = await reorganise(anvils.base, 1, hash);
  await remine();
  await anvils.base.client.mine({ blocks: 3 });
  const [credited] = await depositsIn(server.live, wallet.id, ['completed']);
  expect(credited).toMatchObject({ id: pending.id, amount: '5.00', sourceTxHash: hash });
  expect(await balanceOf(server.live, wallet.id)).toBe('5.00');
});

test('a deposit that is not mined again is withdrawn at its depth, and credited if it is mined later', async () => {
  const wallet = await newLiveWallet(server);
  const hash = await mint('base', usdc, wallet.address, 6_000_000n);
  await depositsIn(server.live, wallet.id, ['payment_submitted']);
  const { remine } = await reorganise(anvils.base, 1, hash);
  await anvils.base.client.mine({ blocks: 3 });
  const [failed] = await depositsIn(server.live, wallet.id, ['failed']);
  expect(failed.returnReason).toContain('is no longer part of the chain');
  expect(await balanceOf(server.live, wallet.id)).toBe('0.00');
  await remine();
  await anvils.base.client.mine({ blocks: 3 });
  const [, credited] = await depositsIn(server.live, wallet.id, ['failed', 'completed']);
  expect(credited.sourceTxHash).toBe(hash);
  expect(await balanceOf(server.live, wallet.id)).toBe('6.00');
});

test('each of several transfers in a transaction is a deposit of its own', async () => {
  const [one, two] = [await newLiveWallet(server), await newLiveWallet(server)];
  const sender = anvils.base.client.account.address;
  await mint('base', usdc, sender, 10_000_000n);
  await tokenAt(anvils.base.client, 'TestToken', usdc.address).send('transferMany', [
    [one.address, two.address, one.address],
    [1_000_000n, 2_000_000n, 3_000_000n],
  ]);
  await anvils.base.client.mine({ blocks: 3 });
  const deposits = await depositsIn(server.live, one.id, ['completed', 'completed']);
  expect(deposits.map(({ amount }) => amount).sort()).toEqual(['1.00', '3.00']);
  await depositsIn(server.live, two.id, ['completed']);
  expect(await balanceOf(server.live, one.id)).toBe('4.00');
  expect(await balanceOf(server.live, two.id)).toBe('2.00');
});

test('USDT waits for a rate and is converted at it', async () => {
  const wallet = await newLiveWallet(server);
  await mint('ethereum', usdt, wallet.address, 100_000_000n);
  await anvils.ethereum.client.mine({ blocks: 3 });
  const waiting = async () =>
    (await server.app.pool.query("select 1 from chain_deposits where status = 'confirmed'")).rowCount;
  await expect.poll(waiting, { timeout: 10_000 }).toBe(1);
  expect((await depositsOf(server.live, wallet.id))[0].status).toBe('payment_submitted');
  told.USDT = '1.001';
  const [credited] = await depositsIn(server.live, wallet.id, ['completed']);
  expect(credited).toMatchObject({ amount: '100.00', sourceCurrency: 'usdt', destinationCurrency: 'usdc' });
  expect(Number(credited.exchangeRate)).toBeLessThan(1);
  expect(await balanceOf(server.live, wallet.id)).toBe(credited.finalAmount);
});

test('a deposit into a closed wallet opens it again', async () => {
  const wallet = await newLiveWallet(server);
  await ok(server.live.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'closed' }));
  await mint('base', usdc, wallet.address, 7_000_000n);
  await anvils.base.client.mine({ blocks: 3 });
  await depositsIn(server.live, wallet.id, ['completed']);
  expect((await ok(server.live.get(`/v1/crypto-wallets/${wallet.id}`))).status).toBe('active');
  expect(await balanceOf(server.live, wallet.id)).toBe('7.00');
});

test('a node that limits its responses and its rate, repeats logs and mixes their order loses no deposit', async () => {
  const wallet = await newLiveWallet(server);
  let turn = 0;
  nodes.base.behave(async (call, forward) => {
    turn += 1;
    if (turn % 17 === 0) return new RpcReply(429, 'slow down');
    if (turn % 29 === 0) return refuse(call, -32005, 'daily request count exceeded, request rate limited');
    if (call.method !== 'eth_getLogs' || call.params[0].fromBlock === undefined) return forward();
    const [{ fromBlock, toBlock }] = call.params;
    if (Number(toBlock) - Number(fromBlock) >= 7) return refuse(call, -32602, 'block range too large', 400);
    const logs = await forward();
    if (logs.length > 2 && fromBlock !== toBlock) {
      return refuse(call, -32005, 'query returned more than 2 results');
    }
    return [...logs].reverse().flatMap((log: object) => [log, { ...log }]);
  });
  for (let deposit = 0; deposit < 12; deposit += 1) {
    await mint('base', usdc, wallet.address, 1_000_000n);
    if (deposit % 4 === 0) await anvils.base.client.mine({ blocks: 9 });
  }
  await anvils.base.client.mine({ blocks: 3 });
  await depositsIn(server.live, wallet.id, Array(12).fill('completed'));
  expect(await balanceOf(server.live, wallet.id)).toBe('12.00');
});

test('a node that lags behind the one that was asked for the newest block skips no deposit', async () => {
  const wallet = await newLiveWallet(server);
  const [first, second] = nodes.polygon as [BadNode, BadNode];
  let behind = 2;
  second.behave(lagging(() => behind));
  // Of the first one only heads are to be had: logs come from the second, which is not there yet.
  first.behave((call, forward) =>
    call.method === 'eth_getLogs' ? refuse(call, -32000, 'not now') : forward(),
  );
  await mint('polygon', usdc, wallet.address, 8_000_000n);
  const asked = second.asked.get('eth_getBlockByNumber') ?? 0;
  await expect
    .poll(() => second.asked.get('eth_getBlockByNumber') ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(asked + 12);
  expect(await depositsOf(server.live, wallet.id)).toEqual([]);
  behind = 0;
  await depositsIn(server.live, wallet.id, ['completed']);
  expect(await balanceOf(server.live, wallet.id)).toBe('8.00');
});

test('of three nodes one that hides a deposit is outvoted, and one that is far ahead is not followed', async () => {
  const wallet = await newLiveWallet(server);
  const [first, second] = nodes.ethereum as [BadNode, BadNode, BadNode];
  first.behave(async (call, forward) => (call.method === 'eth_getLogs' ? [] : forward()));
  await mint('ethereum', usdc, wallet.address, 9_000_000n);
  await anvils.ethereum.client.mine({ blocks: 3 });
  await depositsIn(server.live, wallet.id, ['completed']);
  first.behave();
  second.behave(async (call, forward) => {
    const block = await forward();
    return call.method === 'eth_getBlockByNumber' && call.params[0] === 'latest'
      ? { ...block, number: '0xfffffff' }
      : block;
  });
  await mint('ethereum', usdc, wallet.address, 9_000_000n);
  await anvils.ethereum.client.mine({ blocks: 3 });
  await depositsIn(server.live, wallet.id, ['completed', 'completed']);
  expect(await balanceOf(server.live, wallet.id)).toBe('18.00');
});

test('a deposit that only one of the nodes that must agree reports is not credited', async () => {
  const wallet = await newLiveWallet(server);
  const [first, second, third] = nodes.ethereum as [BadNode, BadNode, BadNode];
  third.behave((call) => refuse(call, -32000, 'down'));
  // The first one multiplies what was sent.
  first.behave(async (call, forward) => {
    const answer = await forward();
    if (call.method !== 'eth_getLogs') return answer;
    return answer.map((log: object) => ({ ...log, data: `0x${'f'.repeat(8).padStart(64, '0')}` }));
  });
  await mint('ethereum', usdc, wallet.address, 1_000_000n);
  await anvils.ethereum.client.mine({ blocks: 3 });
  const asked = second.asked.get('eth_getLogs') ?? 0;
  await expect
    .poll(() => second.asked.get('eth_getLogs') ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(asked + 2);
  expect(await balanceOf(server.live, wallet.id)).toBe('0.00');
  first.behave();
  await expect.poll(() => balanceOf(server.live, wallet.id), { timeout: 30_000 }).toBe('1.00');
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});

test('a server that was away for many ranges of blocks reads all of them', async () => {
  const wallet = await newLiveWallet(server);
  await server.app.stop();
  for (let part = 0; part < 4; part += 1) {
    await mint('base', usdc, wallet.address, 1_000_000n);
    await anvils.base.client.mine({ blocks: 150 });
  }
  const again = await server.second();
  const credited = async () => {
    const { rows } = await again.pool.query<{ count: bigint }>(
      "select count(*) as count from chain_deposits where wallet_id = $1 and status = 'credited'",
      [wallet.id],
    );
    return Number(rows[0]?.count);
  };
  await expect.poll(credited, { timeout: 20_000 }).toBe(4);
});
