import type { Address } from 'viem';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { requestRescan } from '../../server/src/onchain/rescans/commands.ts';
import { findRequestedRescan } from '../../server/src/onchain/rescans/queries.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { type Anvil, deployToken, startAnvil, type TestToken, tokenAt } from '../support/chains/anvil.ts';
import { type BadNode, type RpcCall, RpcReply, refuse, startBadNode } from '../support/chains/bad-node.ts';
import {
  chainEntry,
  depositsIn,
  depositsOf,
  newLiveWallet,
  treasuryOf,
  writeChains,
} from '../support/chains/live.ts';
import { balanceOf, ok } from '../support/factories.ts';
import { endLaunched, runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Nothing is credited that was not received, and the operator sees what was not. `ethereum` has a plain token and one that
 * keeps a hundredth of each transfer; the nodes of `polygon` and `optimism` are not what they should be.
 */

const sender: Address = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
let anvil: Anvil;
let other: Anvil;
let node: BadNode;
let stray: BadNode;
let usdc: TestToken;
let taxed: TestToken;
let unlisted: TestToken;
let elsewhere: TestToken;
let server: TestServer;
let wallet: Awaited<ReturnType<typeof newLiveWallet>>;
let chainsFile: { path: string; remove(): void };

beforeAll(async () => {
  [anvil, other] = await Promise.all([startAnvil({ chainId: 31_337 }), startAnvil({ chainId: 31_338 })]);
  [node, stray] = await Promise.all([startBadNode(anvil.url), startBadNode(other.url)]);
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  taxed = await deployToken(anvil, 'OldToken', [6, 10]);
  unlisted = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  elsewhere = await deployToken(other, 'TestToken', ['USD Coin', 'USDC']);
  const eight = await deployToken(other, 'OldToken', [8, 0]);
  stray.behave(async (call, forward) => (call.method === 'eth_chainId' ? '0x1' : forward()));
  const more = { sweepFrom: null };
  chainsFile = writeChains({
    ethereum: chainEntry(anvil, { usdc, eurc: taxed }, { ...more, rpc: [node.url] }),
    polygon: chainEntry(other, { usdc: elsewhere }, { ...more, rpc: [stray.url] }),
    optimism: chainEntry(other, { usdc: eight }, more),
  });
  server = await startServer({ chainsFile: chainsFile.path });
  wallet = await newLiveWallet(server);
});
afterEach(() => node.behave());
afterAll(async () => {
  await endLaunched();
  await server?.stop();
  for (const bad of [node, stray]) await bad?.stop();
  for (const chain of [anvil, other]) await chain?.stop();
  chainsFile?.remove();
});

interface Uncredited {
  readonly reason: string;
  readonly amount: string;
  readonly received: string;
  readonly currency: string | null;
}

async function uncreditedTo(address: string): Promise<Uncredited[]> {
  const { rows } = await server.app.pool.query<Uncredited>(
    `select reason, amount, received, currency from uncredited_deposits where lower(address) = lower($1)
      order by height, id`,
    [address],
  );
  return rows;
}

const untilUncredited = (address: string, expected: readonly object[]) =>
  expect.poll(() => uncreditedTo(address), { timeout: 15_000 }).toMatchObject(expected);

const mineThree = () => anvil.client.mine({ blocks: 3 });

async function openledger(...args: string[]): Promise<string> {
  const { code, stderr, stdout } = await runScript('cli/bin/openledger.mjs', {
    args,
    env: { DATABASE_URL: server.servingUrl },
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
}

const faultOf = async (chain: string) => {
  const { rows } = await server.app.pool.query('select fault from chain_statuses where chain = $1', [chain]);
  return rows[0]?.fault;
};

const nodesOf = async (chain: string) => {
  const { rows } = await server.app.pool.query('select nodes::text from chain_statuses where chain = $1', [
    chain,
  ]);
  return rows[0]?.nodes;
};

test('a token that is not configured, a value of zero, dust and too much are recorded and not credited', async () => {
  const { address } = await newLiveWallet(server);
  await unlisted.send('mint', [address, 5_000_000n]);
  await usdc.send('mint', [address, 0n]);
  await usdc.send('mint', [address, 5000n]);
  await usdc.send('mint', [address, 2n * 10n ** 15n]);
  await mineThree();
  await untilUncredited(address, [
    { reason: 'unlisted_token', amount: '5000000', received: '0', currency: null },
    { reason: 'zero_value', amount: '0', received: '0', currency: 'usdc' },
    { reason: 'below_minimum', amount: '5000', received: '5000', currency: 'usdc' },
    { reason: 'too_large', amount: '2000000000000000', received: '2000000000000000' },
  ]);
  expect(await ok(server.live.get('/v1/transactions?type=deposit'))).toEqual([]);
});

test('of a token that takes a fee from each transfer, the received amount is credited', async () => {
  const { address, id } = await newLiveWallet(server);
  await taxed.send('mint', [anvil.client.account.address, 100_000_000n]);
  await taxed.send('transfer', [address, 50_000_000n]);
  await depositsIn(server.live, id, ['payment_submitted']);
  await mineThree();
  await untilUncredited(address, [{ reason: 'partly_received', amount: '50000000', received: '0' }]);
  const [shown, credited] = await depositsIn(server.live, id, ['failed', 'completed']);
  expect(shown).toMatchObject({ amount: '50.00', returnReason: 'Another amount was received.' });
  expect(credited).toMatchObject({ amount: '49.50', sourceCurrency: 'eurc' });
});

test('events of a contract that moved nothing are not credited, whatever other events it emits', async () => {
  const { address, id } = await newLiveWallet(server);
  await taxed.send('pretend', [sender, address, 7_000_000n]);
  const [shown] = await depositsIn(server.live, id, ['payment_submitted']);
  await mineThree();
  const [failed] = await depositsIn(server.live, id, ['failed']);
  expect(failed).toMatchObject({ id: shown.id, returnReason: expect.stringContaining('nothing') });
  // In one block: events of a transfer to the address and of one from it, which was not signed here.
  await anvil.client.setAutomine(false);
  await taxed.send('pretend', [sender, address, 8_000_000n]);
  await taxed.send('pretend', [address, sender, 8_000_000n]);
  await mineThree();
  await anvil.client.setAutomine(true);
  await untilUncredited(address, [
    { reason: 'not_received', amount: '7000000', received: '0' },
    { reason: 'not_received', amount: '8000000', received: '0' },
  ]);
  const balances = await ok(server.live.get(`/v1/crypto-wallets/${id}/balance`));
  expect(balances.balances.filter(({ total }: { total: string }) => total !== '0.00')).toEqual([]);
});

test('a node that exaggerates a deposit is caught by the state of its own chain', async () => {
  const { address, id } = await newLiveWallet(server);
  node.behave(async (call, forward) => {
    const answer = await forward();
    if (call.method !== 'eth_getLogs') return answer;
    return answer.map((log: { data: string }) => ({ ...log, data: `0x${'9'.repeat(9).padStart(64, '0')}` }));
  });
  await usdc.send('mint', [address, 3_000_000n]);
  await mineThree();
  await untilUncredited(address, [{ reason: 'partly_received', received: '0' }]);
  await expect.poll(() => balanceOf(server.live, id), { timeout: 10_000 }).toBe('3.00');
});

test('a deposit that a node invents for a real transaction is withdrawn, and holds up no other', async () => {
  const victim = await newLiveWallet(server);
  const topic = `0x${victim.address.slice(2).toLowerCase().padStart(64, '0')}`;
  node.behave(async (call, forward) => {
    if (call.method !== 'eth_getLogs') return forward();
    // Few addresses are asked for by their topics: other logs would be rejected.
    const [signature] = call.params[0].topics;
    const every = { ...call, params: [{ ...call.params[0], topics: [signature] }] };
    const logs = await forward(every);
    return logs.map((log: { topics: string[] }) => ({ ...log, topics: [...log.topics.slice(0, 2), topic] }));
  });
  await usdc.send('mint', [sender, 6_000_000n]);
  await depositsIn(server.live, victim.id, ['payment_submitted']);
  node.behave();
  const honest = await newLiveWallet(server);
  await usdc.send('mint', [honest.address, 3_000_000n]);
  await mineThree();
  await depositsIn(server.live, victim.id, ['failed']);
  await depositsIn(server.live, honest.id, ['completed']);
  expect(await balanceOf(server.live, victim.id)).toBe('0.00');
});

/** The logs of one request are changed; all of them, when they are asked for as a whole. */
const hiding = (which: (log: { data: string }, at: number) => boolean, isWholeRefused = false) =>
  node.behave(async (call, forward) => {
    if (call.method !== 'eth_getLogs') return forward();
    if (isWholeRefused && call.params[0].topics === undefined)
      return refuse(call, -32005, 'response size exceeded');
    return (await forward()).filter((log: { data: string }, at: number) => !which(log, at));
  });

test('an empty answer of the only node is not believed: 7 USDC on chain are credited', async () => {
  const { address, id } = await newLiveWallet(server);
  hiding(() => true);
  await usdc.send('mint', [address, 7_000_000n]);
  await mineThree();
  await expect.poll(() => faultOf('ethereum'), { timeout: 10_000 }).toMatch(/omits logs of block \d+/);
  node.behave();
  await depositsIn(server.live, id, ['completed']);
  expect(await balanceOf(server.live, id)).toBe('7.00');
});

test('an answer of the only node that lacks one of several equal transfers is not believed', async () => {
  const { address, id } = await newLiveWallet(server);
  hiding((_log, at) => at === 1);
  await usdc.send('mintMany', [
    [address, address, address],
    [2_000_000n, 2_000_000n, 2_000_000n],
  ]);
  await mineThree();
  await expect.poll(() => faultOf('ethereum'), { timeout: 10_000 }).toMatch(/omits logs of block \d+/);
  node.behave();
  await depositsIn(server.live, id, ['completed', 'completed', 'completed']);
});

test('what the only node hides in a block that is too large to be proven is found when it is deep', async () => {
  const { address, id } = await newLiveWallet(server);
  hiding(() => true, true);
  await usdc.send('mint', [address, 4_000_000n]);
  await mineThree();
  const confirmed = async () =>
    (await server.app.pool.query("select confirmed_height from chain_cursors where chain = 'ethereum'"))
      .rows[0]?.confirmed_height;
  const head = await anvil.client.getBlockNumber({ cacheTime: 0 });
  await expect.poll(confirmed, { timeout: 10_000 }).toBe(head - 2n);
  node.behave();
  expect(await depositsOf(server.live, id)).toEqual([]);
  await anvil.client.mine({ blocks: limits.rereadDepthBlocks + limits.rereadBatchBlocks });
  await depositsIn(server.live, id, ['completed']);
  const metrics = await (await fetch(`${server.app.adminUrl}/metrics`)).text();
  expect(metrics).toContain('openledger_chain_missed_transfers_total{chain="ethereum"} 1');
});

test('a chain that is added later says where it starts, and a rescan credits what came before, once', async () => {
  const { address, id } = await newLiveWallet(server);
  const token = tokenAt(other.client, 'TestToken', elsewhere.address);
  await token.send('mint', [address, 9_000_000n]);
  await other.client.mine({ blocks: 3 });
  const head = Number(await other.client.getBlockNumber({ cacheTime: 0 }));
  const added = (more: object) =>
    writeChains({ arbitrum: chainEntry(other, { usdc: elsewhere }, { sweepFrom: null, ...more }) });
  const open = added({ startBlock: undefined });
  await expect(server.second({ chainsFile: open.path })).rejects.toThrow('/arbitrum: must have startBlock');
  open.remove();
  const started = added({ startBlock: head });
  const second = await server.second({ chainsFile: started.path });
  try {
    await other.client.mine({ blocks: 3 });
    await expect.poll(() => faultOf('arbitrum'), { timeout: 10_000 }).toBe(null);
    expect(await depositsOf(server.live, id)).toEqual([]);
    const rescan = ['chains', 'rescan', 'arbitrum', '--from', '0', '--to', String(head), '--wait'];
    expect(await openledger(...rescan)).toMatch(
      new RegExp(`${head + 1} of ${head + 1} blocks, 1 transfers found\n$`),
    );
    expect(await balanceOf(server.live, id)).toBe('9.00');
    const { pool } = server.app;
    expect(await requestRescan(pool, 'arbitrum', 0, head)).toEqual({ ok: true, toHeight: head });
    const again = () => findRequestedRescan(pool, 'arbitrum', 0, head);
    await expect
      .poll(again, { timeout: 20_000 })
      .toMatchObject({ nextHeight: head + 1, found: 0, finishedAt: expect.any(String) });
    expect(await balanceOf(server.live, id)).toBe('9.00');
    expect(await requestRescan(pool, 'arbitrum', 0, head + 1000)).toMatchObject({ ok: false });
  } finally {
    await second.stop();
    started.remove();
  }
});

test('a transfer to the treasury is recorded', async () => {
  const treasury = treasuryOf(server, 'ethereum');
  await usdc.send('mint', [treasury, 40_000_000n]);
  await mineThree();
  await untilUncredited(treasury, [{ reason: 'treasury_funding', amount: '40000000', received: '40000000' }]);
});

const nonsense: readonly [string, (call: RpcCall) => unknown][] = [
  ['no JSON', () => new RpcReply(200, 'Hello')],
  ['no JSON-RPC', () => new RpcReply(200, [])],
  ['no result', (call) => new RpcReply(200, { id: call.id })],
  ['a response to another call', () => new RpcReply(200, { id: 'x', result: '0x1' })],
  ['a result of another kind', () => 42],
  ['an empty object', () => ({})],
  ['a list of what are no logs', () => [{ address: '0x12', topics: 7 }]],
  ['a page of a proxy', () => new RpcReply(503, '<html>Bad gateway</html>')],
];

test.each(nonsense)(
  'a node that responds with %s credits nothing until it is healthy again',
  async (_name, answer) => {
    const before = await balanceOf(server.live, wallet.id);
    node.behave((call, forward) => (call.method === 'eth_getLogs' ? answer(call) : forward()));
    await usdc.send('mint', [wallet.address, 1_000_000n]);
    await mineThree();
    await expect.poll(() => faultOf('ethereum'), { timeout: 10_000 }).toEqual(expect.any(String));
    expect(await balanceOf(server.live, wallet.id)).toBe(before);
    node.behave();
    await expect
      .poll(() => balanceOf(server.live, wallet.id), { timeout: 40_000 })
      .toBe((Number(before) + 1).toFixed(2));
  },
);

test('logs of blocks that were not requested, and two logs with one index, are rejected', async () => {
  const { address, id } = await newLiveWallet(server);
  const twist = async (change: (log: Record<string, string>) => object[], fault: string) => {
    node.behave(async (call, forward) => {
      const answer = await forward();
      if (call.method !== 'eth_getLogs' || call.params[0].topics?.length !== 3) return answer;
      return answer.flatMap(change);
    });
    await usdc.send('mint', [address, 1_000_000n]);
    await expect.poll(() => faultOf('ethereum'), { timeout: 10_000 }).toContain(fault);
    node.behave();
    await mineThree();
    await expect.poll(() => faultOf('ethereum'), { timeout: 15_000 }).toBe(null);
  };
  await twist((log) => [{ ...log, blockNumber: '0x1' }], 'outside the requested range');
  await twist((log) => [log, { ...log, data: `0x${'1'.padStart(64, '0')}` }], 'the same index');
  await twist((log) => [{ ...log, blockHash: `0x${'1'.repeat(64)}` }], 'changed during the read');
  await depositsIn(server.live, id, ['completed', 'completed', 'completed']);
});

test('a node of another network and a token of other decimals are not used, and the operator sees all of it', async () => {
  await tokenAt(other.client, 'TestToken', usdc.address).send('mint', [wallet.address, 9_000_000n]);
  await other.client.mine({ blocks: 3 });
  const status = await openledger('chains', 'status');
  expect(status).toMatch(
    /ethereum\n(.*\n)*? {2}fault +none\n(?: {2}.*\n)*? {2}node 127\.0\.0\.1:\d+ +healthy\n/,
  );
  expect(status).toMatch(
    /optimism\n(.*\n)*? {2}fault +The token configured for usdc must have 6 decimals; it has 8/,
  );
  expect(status).toMatch(/polygon\n(.*\n)*? {2}node \S+ +It belongs to network 1; expected 31338\./);
  const deposits = await depositsOf(server.live, wallet.id);
  expect(deposits.every(({ amount }) => amount === '1.00')).toBe(true);

  const listed = await openledger('chains', 'uncredited', '--chain', 'ethereum');
  for (const reason of ['unlisted_token', 'zero_value', 'below_minimum', 'too_large', 'partly_received']) {
    expect(listed).toContain(reason);
  }
  expect(listed).toMatch(
    /not_received +8\.00 eurc {2}to 0x[0-9a-f]{40} {2}token 0x[0-9a-f]{40} {2}0x[0-9a-f]{64}\n/,
  );
  expect(await openledger('chains', 'uncredited', '--chain', 'base')).toBe(
    'There are no uncredited deposits.\n',
  );
  const metrics = await (await fetch(`${server.app.adminUrl}/metrics`)).text();
  expect(metrics).toMatch(
    /openledger_uncredited_deposits_total\{chain="ethereum",reason="not_received"\} 2\n/,
  );
  expect(metrics).toMatch(/openledger_chain_node_up\{chain="polygon",node="127\.0\.0\.1:\d+"\} 0\n/);

  // A proxy that knows the newest block only.
  stray.behave((call, forward) => {
    const isPast = call.method === 'eth_call' && call.params[1].blockHash !== undefined;
    return forward(isPast ? { ...call, params: [call.params[0], 'latest'] } : call);
  });
  await expect
    .poll(() => nodesOf('polygon'), { timeout: 20_000 })
    .toContain('It ignores {blockHash} and answers for the newest block.');
  stray.behave();
  await expect.poll(() => faultOf('polygon'), { timeout: 20_000 }).toBe(null);
  await depositsIn(server.live, wallet.id, [...deposits.map(() => 'completed'), 'completed']);
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});
