import type { Address, Hex } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createLogger } from '../../server/src/platform/logger.ts';
import { type Anvil, deployToken, keepMining, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { type BadNode, startBadNode } from '../support/chains/bad-node.ts';
import {
  chainEntry,
  depositsIn,
  newLiveWallet,
  reorganise,
  treasuryOf,
  writeChains,
} from '../support/chains/live.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Reorganisations deeper than the blocks that count as final, on a real node. */

type Wallet = Awaited<ReturnType<typeof newLiveWallet>>;

const confirmations = 3;
let anvil: Anvil;
let node: BadNode;
let usdc: TestToken;
let server: TestServer;
let file: { path: string; remove(): void };
let treasury: Address;
const logged: string[] = [];

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337 });
  node = await startBadNode(anvil.url);
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  // A node loses its contracts when it goes back to a block from before them.
  await anvil.client.mine({ blocks: 40 });
  const entry = chainEntry(anvil, { usdc }, { sweepFrom: null, confirmations, rpc: [node.url] });
  file = writeChains({ base: entry });
  const logger = createLogger('info', { write: (line: string) => void logged.push(line) });
  server = await startServer({ chainsFile: file.path, logger });
  treasury = treasuryOf(server, 'base');
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  await usdc.send('mint', [treasury, 1_000_000_000n]);
  await anvil.client.mine({ blocks: 30 });
});
afterEach(() => node.behave());
afterAll(async () => {
  await server?.stop();
  await node?.stop();
  await anvil?.stop();
  file?.remove();
});

const stranger = (): Address => privateKeyToAddress(generatePrivateKey());
const mint = (to: string, amountMinor: bigint) => usdc.send('mint', [to, amountMinor]);
const mine = (blocks: number) => anvil.client.mine({ blocks });
const request = (method: string, params: unknown[]) =>
  (anvil.client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>)({
    method,
    params,
  });
const rawOf = (hash: Hex) => request('eth_getRawTransactionByHash', [hash]) as Promise<Hex>;
const headHeight = () => anvil.client.getBlockNumber({ cacheTime: 0 });

/** A wallet with a credited deposit, some blocks below the newest one that is final. */
async function credited(amountMinor: bigint): Promise<{ wallet: Wallet; hash: Hex }> {
  const wallet = await newLiveWallet(server);
  const hash = await mint(wallet.address, amountMinor);
  await mine(confirmations + 4);
  await depositsIn(server.live, wallet.id, ['completed']);
  await untilFollowed();
  return { wallet, hash };
}

async function untilFollowed(): Promise<void> {
  const wanted = Number(await headHeight()) - confirmations + 1;
  const confirmed = async () => {
    const { rows } = await server.app.pool.query<{ confirmed_height: bigint }>(
      "select confirmed_height from chain_cursors where chain = 'base'",
    );
    return Number(rows[0]?.confirmed_height);
  };
  await expect.poll(confirmed, { timeout: 20_000 }).toBe(wanted);
}

const depthOf = async (hash: Hex): Promise<number> => {
  const { blockNumber } = await anvil.client.getTransactionReceipt({ hash });
  return Number((await headHeight()) - blockNumber) + 1;
};

function send(from: Wallet, amount: string, destinationAddress: string) {
  const more = { amount, destinationPaymentRail: 'base', destinationAddress };
  return ok(server.live.post('/v1/transfers', transferBody(from, more)));
}

/** The house's loss on chains, in minor units. */
async function lossMinor(): Promise<bigint> {
  const { rows } = await server.ownerPool.query<{ loss: string }>(
    "select coalesce(sum(balance_minor), 0)::text as loss from accounts where kind = 'chain_loss'",
  );
  return BigInt(rows[0]?.loss ?? 0);
}

async function verified(): Promise<void> {
  const { ok: isOk, problems } = await ok(server.live.get('/v1/ledger/verify'));
  expect(problems).toEqual([]);
  expect(isOk).toBe(true);
}

const command = (...args: string[]) =>
  runScript('cli/bin/openledger.mjs', {
    args,
    env: {
      DATABASE_URL: server.servingUrl,
      OPENLEDGER_MASTER_KEY: server.masterKey,
      OPENLEDGER_CHAINS_FILE: file.path,
    },
  });

test('a reorganisation deeper than `confirmations` does not stop the chain (confirmed_height stayed at 10)', async () => {
  const wallet = await newLiveWallet(server);
  await mine(6);
  await untilFollowed();
  const hash = await mint(wallet.address, 5_000_000n);
  const [pending] = await depositsIn(server.live, wallet.id, ['payment_submitted']);
  // On the other branch its block is below those that count as final.
  await request('anvil_reorg', [6, [[await rawOf(hash), 0]]]);
  await mine(300);
  const [deposit] = await depositsIn(server.live, wallet.id, ['completed']);
  expect(deposit.id).toBe(pending.id);
  await untilFollowed();
  expect(await balanceOf(server.live, wallet.id)).toBe('5.00');
});

test('a credited deposit whose block vanishes is taken back, and credited once where it is mined again', async () => {
  const { hash, wallet } = await credited(6_000_000n);
  const depth = await depthOf(hash);
  expect(depth).toBeGreaterThan(confirmations);
  const { remine } = await reorganise(anvil, depth, hash);
  const [failed] = await depositsIn(server.live, wallet.id, ['failed']);
  expect(failed).toMatchObject({ finalAmount: null, sourceTxHash: hash });
  expect(failed.returnReason).toContain('removed the block of the deposit after it had become final');
  expect(await balanceOf(server.live, wallet.id)).toBe('0.00');
  expect(await lossMinor()).toBe(0n);
  await verified();
  await remine();
  await mine(confirmations);
  const [, again] = await depositsIn(server.live, wallet.id, ['failed', 'completed']);
  expect(again).toMatchObject({ amount: '6.00', finalAmount: '6.00', sourceTxHash: hash });
  expect(await balanceOf(server.live, wallet.id)).toBe('6.00');
  await verified();
});

test('a credited deposit that is in another final block stays credited, once', async () => {
  const { hash, wallet } = await credited(7_000_000n);
  const depth = await depthOf(hash);
  await request('anvil_reorg', [depth, [[await rawOf(hash), 1]]]);
  await mine(3);
  await untilFollowed();
  const { blockHash, blockNumber } = await anvil.client.getTransactionReceipt({ hash });
  const { rows } = await server.app.pool.query(
    'select status, height, block_id from chain_deposits where wallet_id = $1',
    [wallet.id],
  );
  expect(rows).toEqual([{ status: 'credited', height: blockNumber, block_id: blockHash }]);
  await depositsIn(server.live, wallet.id, ['completed']);
  expect(await balanceOf(server.live, wallet.id)).toBe('7.00');
});

test('what a customer has spent of a deposit that vanishes is a loss of the house, until it is mined again', async () => {
  const { hash, wallet } = await credited(10_000_000n);
  const first = await depthOf(hash);
  const to = stranger();
  const transfer = await send(wallet, '8.00', to);
  await inStatus(server.live, transfer.id, 'payment_submitted');
  await expect.poll(() => usdc.balanceOf(to), { timeout: 10_000 }).toBe(7_976_000n);
  await mine(confirmations);
  await inStatus(server.live, transfer.id, 'completed');
  const depth = await depthOf(hash);
  expect(depth).toBeGreaterThan(first);
  const { remine } = await reorganise(anvil, depth, hash);
  const [failed] = await depositsIn(server.live, wallet.id, ['failed']);
  expect(failed.finalAmount).toBe('8.00');
  expect(await balanceOf(server.live, wallet.id)).toBe('0.00');
  expect(await lossMinor()).toBe(8_000_000n);
  await verified();
  const status = await command('chains', 'status');
  expect(status.stdout).toMatch(
    /deep reorganisations {4,}\d+, the last at .*: blocks \d+ to \d+ replaced, 1 deposits/,
  );
  const metrics = await (await fetch(`${server.app.adminUrl}/metrics`)).text();
  expect(metrics).toContain('openledger_chain_losses_total{chain="base",currency="usdc"} 8');
  expect(logged.join('')).toContain('the house has lost by it');

  // The payment was made from the treasury, and is sent again; the deposit is mined again.
  await remine();
  const stopMining = keepMining([anvil], 200);
  const [, again] = await depositsIn(server.live, wallet.id, ['failed', 'completed']).finally(stopMining);
  expect(again.finalAmount).toBe('2.00');
  expect(await balanceOf(server.live, wallet.id)).toBe('2.00');
  expect(await lossMinor()).toBe(0n);
  await expect.poll(() => usdc.balanceOf(to), { timeout: 10_000 }).toBe(7_976_000n);
  await verified();
});

test('a completed payment whose block vanishes is sent again with its own nonce, and arrives once', async () => {
  const { wallet } = await credited(20_000_000n);
  const [to, next] = [stranger(), stranger()];
  const transfer = await send(wallet, '5.00', to);
  const { destinationTxHash } = await inStatus(server.live, transfer.id, 'payment_submitted');
  await mine(confirmations);
  await inStatus(server.live, transfer.id, 'completed');
  const paid = await anvil.client.getTransaction({ hash: destinationTxHash });
  await mine(3);
  await untilFollowed();
  await request('anvil_reorg', [await depthOf(destinationTxHash), []]);
  await expect.poll(() => usdc.balanceOf(to), { timeout: 10_000 }).toBe(4_985_000n);
  const again = await anvil.client.getTransaction({ hash: destinationTxHash });
  expect(again.nonce).toBe(paid.nonce);
  expect(again.blockHash).not.toBe(paid.blockHash);
  // Outwardly nothing changes, and later payments follow.
  expect((await ok(server.live.get(`/v1/transactions/${transfer.id}`))).status).toBe('completed');
  const later = await send(wallet, '6.00', next);
  const stopMining = keepMining([anvil], 200);
  await inStatus(server.live, later.id, 'completed').finally(stopMining);
  const ended = async () => {
    const { rows } = await server.app.pool.query('select status, tx_hash from chain_payments where id = $1', [
      transfer.id,
    ]);
    return rows[0];
  };
  await expect.poll(ended, { timeout: 10_000 }).toEqual({ status: 'completed', tx_hash: destinationTxHash });
  expect(await usdc.balanceOf(to)).toBe(4_985_000n);
  expect(await usdc.balanceOf(next)).toBe(5_982_000n);
  const reconciled = await command('reconcile');
  expect(reconciled.stdout + reconciled.stderr).not.toContain('unexplained difference');
  expect(reconciled.code).toBe(0);
  await verified();
});

test('a completed payment that the other branch refuses is refunded, once', async () => {
  const { wallet } = await credited(3_000_000n);
  const to = stranger();
  const transfer = await send(wallet, '2.00', to);
  const { destinationTxHash } = await inStatus(server.live, transfer.id, 'payment_submitted');
  await mine(confirmations);
  await inStatus(server.live, transfer.id, 'completed');
  await mine(3);
  await untilFollowed();
  const code = await anvil.client.getCode({ address: usdc.address });
  await request('anvil_reorg', [await depthOf(destinationTxHash), []]);
  await anvil.client.setAutomine(false);
  await anvil.client.setCode({ address: usdc.address, bytecode: '0x60006000fd' });
  const isBack = async () => {
    await mine(1);
    return anvil.client.getTransactionReceipt({ hash: destinationTxHash }).then(
      ({ status }) => status,
      () => 'unknown',
    );
  };
  await expect.poll(isBack, { timeout: 10_000 }).toBe('reverted');
  await anvil.client.setCode({ address: usdc.address, bytecode: code as Hex });
  await anvil.client.setAutomine(true);
  await mine(confirmations);
  const refunded = await inStatus(server.live, transfer.id, 'refunded');
  expect(refunded).toMatchObject({ returnReason: 'The chain refused the transaction.', finalAmount: null });
  expect(await balanceOf(server.live, wallet.id)).toBe('3.00');
  expect(await usdc.balanceOf(to)).toBe(0n);
  await verified();
});

test('a success without the log of the token is unclear: never refunded, and other payments go on', async () => {
  const { wallet } = await credited(10_000_000n);
  const [to, next] = [stranger(), stranger()];
  let hidden: string | undefined;
  node.behave(async (call, forward) => {
    const answer = await forward();
    const isHidden = call.method === 'eth_getTransactionReceipt' && call.params[0] === hidden;
    return isHidden && answer ? { ...answer, logs: [] } : answer;
  });
  await anvil.client.setAutomine(false);
  const transfer = await send(wallet, '3.00', to);
  ({ destinationTxHash: hidden } = await inStatus(server.live, transfer.id, 'payment_submitted'));
  await anvil.client.setAutomine(true);
  await mine(confirmations + 1);
  const attention = async () => {
    const { rows } = await server.app.pool.query(
      'select status, attention from chain_payments where id = $1',
      [transfer.id],
    );
    return rows[0];
  };
  await expect.poll(attention, { timeout: 10_000 }).toEqual({ status: 'open', attention: 'unclear' });
  const other = await send(wallet, '4.00', next);
  await inStatus(server.live, other.id, 'payment_submitted');
  await mine(confirmations);
  await inStatus(server.live, other.id, 'completed');
  expect((await ok(server.live.get(`/v1/transactions/${transfer.id}`))).status).toBe('payment_submitted');
  expect((await command('chains', 'status')).stdout).toMatch(/wait for an operator {4,}1 payments/);
  // It ends by itself if the node reports the log after all.
  node.behave();
  await inStatus(server.live, transfer.id, 'completed');
  expect(await attention()).toEqual({ status: 'completed', attention: null });
});

test('a deposit is final when its block is `finalized` on as many nodes as must agree', async () => {
  const nodes = await Promise.all([0, 1, 2].map(() => startBadNode(anvil.url)));
  let finalized: readonly bigint[] = [];
  let reported = true;
  nodes.forEach((one, index) => {
    one.behave(async (call, forward) => {
      const isTag = call.method === 'eth_getBlockByNumber' && call.params[0] === 'finalized';
      if (!isTag) return forward();
      if (!reported) return null;
      return request('eth_getBlockByNumber', [`0x${(finalized[index] ?? 0n).toString(16)}`, false]);
    });
  });
  const entry = chainEntry(
    anvil,
    { usdc },
    {
      ...{ sweepFrom: null, rpc: nodes.map(({ url }) => url), agreement: 2 },
      // The tag decides, and the number of confirmations that is given beside it.
      ...{ finality: 'finalized', confirmations: 2, startBlock: Number(await headHeight()) },
    },
  );
  const own = writeChains({ base: entry });
  const tagged = await startServer({ chainsFile: own.path });
  try {
    const wallet = await newLiveWallet(tagged);
    const hash = await mint(wallet.address, 8_000_000n);
    const { blockNumber } = await anvil.client.getTransactionReceipt({ hash });
    await mine(10);
    const fault = async () =>
      (await tagged.app.pool.query('select fault from chain_statuses')).rows[0]?.fault ?? null;
    const turn = async () => {
      const asked = nodes[0]?.asked.get('eth_getBlockByNumber') ?? 0;
      await expect
        .poll(() => nodes[0]?.asked.get('eth_getBlockByNumber') ?? 0, { timeout: 10_000 })
        .toBeGreaterThan(asked + 12);
    };
    // One of three is as far: the lowest of two that agree is below the deposit.
    finalized = [blockNumber - 1n, blockNumber - 1n, blockNumber + 5n];
    await depositsIn(tagged.live, wallet.id, ['payment_submitted']);
    await turn();
    await depositsIn(tagged.live, wallet.id, ['payment_submitted']);
    reported = false;
    await expect
      .poll(fault, { timeout: 10_000 })
      .toContain('2 nodes must report a finalized block, but only 0 do');
    reported = true;
    finalized = [blockNumber, blockNumber - 1n, blockNumber + 5n];
    await depositsIn(tagged.live, wallet.id, ['completed']);
  } finally {
    await tagged.stop();
    for (const one of nodes) await one.stop();
    own.remove();
  }
});
