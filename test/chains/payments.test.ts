import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Address, parseAbiItem, parseGwei } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { App } from '../../server/src/app.ts';
import { maxCost, readTerms } from '../../server/src/chains/evm/fees.ts';
import { reservePayment } from '../../server/src/onchain/payments/send-queue.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { formatAmount } from '../../server/src/platform/money.ts';
import { type Anvil, deployToken, keepMining, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { type BadNode, refuse, startBadNode } from '../support/chains/bad-node.ts';
import { chainEntry, depositsIn, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { createClient } from '../support/client.ts';
import { balanceOf, inStatus, minor, newWallet, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Payments on real nodes: `base` has a token as its issuer makes it, behind a node that can be made to do wrong; `ethereum`
 * has one that refuses some receivers.
 */

type Wallet = Awaited<ReturnType<typeof newLiveWallet>>;

const transferEvent = parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)');
let base: Anvil;
let ethereum: Anvil;
let node: BadNode;
let usdc: TestToken;
let picky: TestToken;
let server: TestServer;
let wallet: Wallet;
/** A second process on the same database. */
let other: App;
let treasury: Address;
let chainsFile: { path: string; remove(): void };
const directory = mkdtempSync(join(tmpdir(), 'openledger-rules-'));

beforeAll(async () => {
  [base, ethereum] = await Promise.all([startAnvil({ chainId: 31_337 }), startAnvil({ chainId: 31_338 })]);
  node = await startBadNode(base.url);
  usdc = await deployToken(base, 'TestToken', ['USD Coin', 'USDC']);
  picky = await deployToken(ethereum, 'OldToken', [6, 0]);
  const more = { sweepFrom: null, gas: { nativeUsd: '2500', bumpAfterMs: 1500 } };
  chainsFile = writeChains({
    base: chainEntry(base, { usdc }, { ...more, rpc: [node.url] }),
    ethereum: chainEntry(ethereum, { usdc: picky }, more),
  });
  const screeningFile = join(directory, 'rules.json');
  writeFileSync(screeningFile, JSON.stringify({ velocity: { hours: 1, amountAbove: '5000' } }));
  server = await startServer({ chainsFile: chainsFile.path, screeningFile });
  treasury = treasuryOf(server, 'base');
  for (const { client } of [base, ethereum])
    await client.setBalance({ address: treasury, value: 10n ** 18n });
  wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 100_000_000_000n]);
  await base.client.mine({ blocks: 3 });
});
afterEach(() => node.behave());
afterAll(async () => {
  await server?.stop();
  await node?.stop();
  for (const anvil of [base, ethereum]) await anvil?.stop();
  chainsFile?.remove();
  rmSync(directory, { recursive: true, force: true });
});

const stranger = (): Address => privateKeyToAddress(generatePrivateKey());

function send(from: Wallet, amount: string, destinationAddress: string, chain = 'base') {
  const more = { amount, destinationPaymentRail: chain, destinationAddress };
  return ok(server.live.post('/v1/transfers', transferBody(from, more)));
}

/** Everything that the treasury has ever sent to an address, by the chain itself. */
async function paidTo(to: Address): Promise<bigint[]> {
  const logs = await base.client.getLogs({
    event: transferEvent,
    args: { from: treasury, to },
    fromBlock: 0n,
  });
  return logs.map(({ args }) => args.value ?? 0n);
}

async function fillTreasury(amount: bigint): Promise<void> {
  await usdc.send('mint', [treasury, amount]);
}

async function attemptsOf(transferId: string): Promise<string[]> {
  const { rows } = await server.app.pool.query<{ tx_hash: string }>(
    'select tx_hash from chain_attempts where payment_id = $1 order by number',
    [transferId],
  );
  return rows.map(({ tx_hash: hash }) => hash);
}

test('a transfer waits while the treasury has too little, and goes when it has enough', async () => {
  await depositsIn(server.live, wallet.id, ['completed']);
  const to = stranger();
  const transfer = await send(wallet, '10.00', to);
  await inStatus(server.live, transfer.id, 'funds_received');
  await base.client.mine({ blocks: 2 });
  expect(await attemptsOf(transfer.id)).toEqual([]);
  await fillTreasury(9_970_000n);
  const sent = await inStatus(server.live, transfer.id, 'payment_submitted');
  await base.client.mine({ blocks: 3 });
  const done = await inStatus(server.live, transfer.id, 'completed');
  expect(await paidTo(to)).toEqual([9_970_000n]);
  const receipt = await base.client.getTransactionReceipt({ hash: sent.destinationTxHash });
  const microUsd = receipt.gasUsed * receipt.effectiveGasPrice * 2500n * 10n ** 6n;
  expect(minor(done.gasFee)).toBe((microUsd + 10n ** 18n - 1n) / 10n ** 18n);
});

test('what was stored and could not be broadcast is sent later, the same bytes', async () => {
  await fillTreasury(100_000_000n);
  node.behave((call, forward) =>
    call.method === 'eth_sendRawTransaction' ? refuse(call, -32000, 'shutting down') : forward(),
  );
  const to = stranger();
  const transfer = await send(wallet, '5.00', to);
  const { destinationTxHash } = await inStatus(server.live, transfer.id, 'payment_submitted');
  expect(await attemptsOf(transfer.id)).toEqual([destinationTxHash]);
  expect(await paidTo(to)).toEqual([]);
  node.behave();
  await expect.poll(() => paidTo(to), { timeout: 10_000 }).toEqual([4_985_000n]);
  await base.client.mine({ blocks: 3 });
  expect(await inStatus(server.live, transfer.id, 'completed')).toMatchObject({ destinationTxHash });
});

test('a stuck payment is replaced under its nonce at a higher fee, and later nonces follow', async () => {
  await base.client.setAutomine(false);
  const [to, next] = [stranger(), stranger()];
  const stuck = await send(wallet, '3.00', to);
  await inStatus(server.live, stuck.id, 'payment_submitted');
  const after = await send(wallet, '4.00', next);
  await inStatus(server.live, after.id, 'payment_submitted');
  // The base fee is more than either has offered: the block stays empty.
  await base.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('8') });
  await base.client.mine({ blocks: 1 });
  expect(await paidTo(to)).toEqual([]);
  await expect.poll(async () => (await attemptsOf(stuck.id)).length, { timeout: 20_000 }).toBeGreaterThan(1);
  const stopMining = keepMining([base], 300);
  try {
    const done = await inStatus(server.live, stuck.id, 'completed');
    const attempts = await attemptsOf(stuck.id);
    expect(attempts).toContain(done.destinationTxHash);
    expect(done.destinationTxHash).not.toBe(attempts[0]);
    await inStatus(server.live, after.id, 'completed');
  } finally {
    stopMining();
    await base.client.setAutomine(true);
  }
  expect(await paidTo(to)).toEqual([2_991_000n]);
  expect(await paidTo(next)).toEqual([3_988_000n]);
});

test('a transfer waits for native coin that payments in flight may take, though the balance would do for each of them', async () => {
  await base.client.setAutomine(false);
  await fillTreasury(20_000_000n);
  await base.client.mine({ blocks: 1 });
  const held = await base.client.getBalance({ address: treasury });
  const first = await send(wallet, '5.00', stranger());
  await inStatus(server.live, first.id, 'payment_submitted');
  const { rows } = await server.app.pool.query('select terms from chain_attempts where payment_id = $1', [
    first.id,
  ]);
  const cost = maxCost(readTerms(rows[0].terms));
  await base.client.setBalance({ address: treasury, value: (cost * 3n) / 2n });
  const second = await send(wallet, '6.00', stranger());
  const asked = node.asked.get('eth_estimateGas') ?? 0;
  await expect.poll(() => node.asked.get('eth_estimateGas'), { timeout: 10_000 }).toBeGreaterThan(asked + 1);
  expect(await attemptsOf(second.id)).toEqual([]);
  await base.client.setBalance({ address: treasury, value: held });
  await inStatus(server.live, second.id, 'payment_submitted');
  await base.client.setAutomine(true);
  await base.client.mine({ blocks: 3 });
  for (const { id } of [first, second]) await inStatus(server.live, id, 'completed');
});

test('a payment whose block is orphaned, or that the node forgets, is sent again and arrives once', async () => {
  const to = stranger();
  await fillTreasury(10_000_000n);
  const transfer = await send(wallet, '6.00', to);
  await expect.poll(() => paidTo(to), { timeout: 10_000 }).toEqual([5_982_000n]);
  const request = base.client.request as (call: { method: string; params: unknown[] }) => Promise<unknown>;
  await request({ method: 'anvil_reorg', params: [1, []] });
  expect(await paidTo(to)).toEqual([]);
  const stopMining = keepMining([base], 300);
  await inStatus(server.live, transfer.id, 'completed').finally(stopMining);
  expect(await paidTo(to)).toEqual([5_982_000n]);
});

test('a nonce that a process reserved before it ended is used by the next one', async () => {
  const to = stranger();
  node.behave((call) => refuse(call, -32000, 'down'));
  const transfer = await send(wallet, '7.00', to);
  await inStatus(server.live, transfer.id, 'funds_received');
  const used = BigInt(await base.client.getTransactionCount({ address: treasury }));
  const intent = { kind: 'transfer', currency: 'usdc', amount: 6_979_000n, address: to } as const;
  const { pool } = server.app;
  const reserved = await reservePayment(pool, 'base', treasury, transfer.id, intent, used);
  expect(await reservePayment(pool, 'base', treasury, transfer.id, intent, used)).toBeUndefined();
  node.behave();
  const { destinationTxHash } = await inStatus(server.live, transfer.id, 'payment_submitted');
  await base.client.mine({ blocks: 3 });
  await inStatus(server.live, transfer.id, 'completed');
  const { nonce } = await base.client.getTransaction({ hash: destinationTxHash });
  expect(BigInt(nonce)).toBe(reserved?.sequence);
  expect(await paidTo(to)).toEqual([6_979_000n]);
});

test('what the token refuses before it is sent fails without being sent; what it refuses later is refunded', async () => {
  const owner = await newLiveWallet(server);
  await picky.send('mint', [owner.address, 50_000_000n]);
  await picky.send('mint', [treasury, 50_000_000n]);
  await ethereum.client.mine({ blocks: 3 });
  await depositsIn(server.live, owner.id, ['completed']);
  const [refused, later] = [stranger(), stranger()];
  await picky.send('block_', [refused]);
  const never = await send(owner, '10.00', refused, 'ethereum');
  const failed = await inStatus(server.live, never.id, 'refunded');
  expect(failed).toMatchObject({ returnReason: 'The token contract refuses it.', destinationTxHash: null });
  expect(await attemptsOf(never.id)).toEqual([]);
  expect(await balanceOf(server.live, owner.id)).toBe('50.00');

  await ethereum.client.setAutomine(false);
  const reverted = await send(owner, '20.00', later, 'ethereum');
  const { destinationTxHash } = await inStatus(server.live, reverted.id, 'payment_submitted');
  expect(await balanceOf(server.live, owner.id)).toBe('30.00');
  await ethereum.client.setCode({ address: picky.address, bytecode: '0x60006000fd' });
  await ethereum.client.mine({ blocks: 3 });
  await ethereum.client.setAutomine(true);
  expect(await inStatus(server.live, reverted.id, 'refunded')).toMatchObject({
    returnReason: 'The chain refused the transaction.',
  });
  expect((await ethereum.client.getTransactionReceipt({ hash: destinationTxHash })).status).toBe('reverted');
  expect(await balanceOf(server.live, owner.id)).toBe('50.00');
});

test('a transfer to the treasury or to a configured token is refused, one beyond the velocity of its customer reviewed', async () => {
  for (const destinationAddress of [treasury, usdc.address]) {
    const more = { amount: '1.00', destinationPaymentRail: 'base', destinationAddress };
    const { error, status } = await server.live.post('/v1/transfers', transferBody(wallet, more));
    expect([status, error.reason, error.details?.[0]?.path]).toEqual([
      400,
      'unusable_address',
      '/destinationAddress',
    ]);
  }
  const fast = await newLiveWallet(server);
  await usdc.send('mint', [fast.address, 9_000_000_000n]);
  await base.client.mine({ blocks: 3 });
  await depositsIn(server.live, fast.id, ['completed']);
  await fillTreasury(6_000_000_000n);
  const first = await send(fast, '3000.00', stranger());
  await inStatus(server.live, first.id, 'payment_submitted');
  const second = await send(fast, '2500.00', stranger());
  const screened = async () => {
    const { rows } = await server.app.pool.query('select verdict from screenings where id = $1', [second.id]);
    return rows[0]?.verdict;
  };
  await expect.poll(screened, { timeout: 10_000 }).toBe('review');
  expect((await ok(server.live.get(`/v1/transactions/${second.id}`))).status).toBe('in_review');
  await base.client.mine({ blocks: 3 });
  await inStatus(server.live, first.id, 'completed');
});

test('fifty concurrent transfers on two processes are each paid once, in one order without a gap', async () => {
  await fillTreasury(1_300_000_000n);
  other = await server.second();
  const before = await base.client.getTransactionCount({ address: treasury });
  const destinations = Array.from({ length: 50 }, stranger);
  const transfers = await Promise.all(destinations.map((to, index) => send(wallet, `${index + 1}.00`, to)));
  const stopMining = keepMining([base], 250);
  try {
    for (const { id } of transfers) {
      const read = async () => (await ok(server.live.get(`/v1/transactions/${id}`))).status;
      await expect.poll(read, { timeout: 40_000 }).toBe('completed');
    }
  } finally {
    stopMining();
  }
  for (const [index, to] of destinations.entries()) {
    expect(await paidTo(to)).toEqual([BigInt(index + 1) * 997_000n]);
  }
  expect(await base.client.getTransactionCount({ address: treasury })).toBe(before + 50);
  const { rows } = await server.app.pool.query<{ status: string; count: bigint }>(
    "select status, count(*) as count from chain_payments where chain = 'base' group by status",
  );
  expect(rows.map(({ status }) => status)).toEqual(['completed']);
  expect((await ok(server.live.get('/v1/ledger/verify'))).ok).toBe(true);
});

test('a transfer to a deposit address of this deployment is booked, not broadcast, while no node responds', async () => {
  const [to, sandbox] = [await newLiveWallet(server), await newWallet(server.api)];
  const addresses = await ok(server.api.get(`/v1/crypto-wallets/${sandbox.id}/crypto-deposit-addresses`));
  node.behave((call) => refuse(call, -32000, 'down'));
  const nonce = await base.client.getTransactionCount({ address: treasury });
  const sent = await send(wallet, '8.00', to.address);
  expect(await inStatus(server.live, sent.id, 'completed')).toMatchObject({
    destinationTxHash: null,
    finalAmount: '7.976',
    gasFee: '0.00',
  });
  const [arrived] = await depositsIn(server.live, to.id, ['completed']);
  expect(arrived).toMatchObject({ amount: '7.976', sourcePaymentRail: 'base', sourceTxHash: null });
  expect(await balanceOf(server.live, to.id)).toBe('7.976');
  expect(await attemptsOf(sent.id)).toEqual([]);
  const before = await balanceOf(server.live, wallet.id);
  const { address } = addresses.find(({ chain }: { chain: string }) => chain === 'base');
  const lost = { amount: '2.00', destinationPaymentRail: 'base', destinationAddress: address };
  const { error, status } = await server.live.post('/v1/transfers', transferBody(wallet, lost));
  expect([status, error.reason]).toEqual([400, 'unusable_address']);
  expect(error.message).toContain('sandbox');
  expect(await balanceOf(server.live, wallet.id)).toBe(before);
  expect(await base.client.getTransactionCount({ address: treasury })).toBe(nonce);
  node.behave();
});

test('transfers that the treasury cannot pay hide none that it can, however many they are', async () => {
  // Of one customer so much would have to be reviewed.
  const payers = await Promise.all([0, 1, 2].map(() => newLiveWallet(server)));
  for (const { address } of payers) await usdc.send('mint', [address, 4_900_000_000n]);
  await base.client.mine({ blocks: 3 });
  for (const { id } of payers) await depositsIn(server.live, id, ['completed']);
  const [first, ...others] = payers as [Wallet, Wallet, Wallet];
  const left = 15_000_000n;
  const emptying = formatAmount((await usdc.balanceOf(treasury)) - left, 6);
  await inStatus(server.live, (await send(first, emptying, stranger())).id, 'payment_submitted');
  await base.client.mine({ blocks: 3 });
  const tooMuch = formatAmount(((await usdc.balanceOf(treasury)) * 101n) / 100n, 6);
  for (const payer of others) {
    const some = Array.from({ length: limits.dueTransferBatch / 2 }, stranger);
    await Promise.all(some.map((to) => send(payer, tooMuch, to)));
  }
  const small = await send(first, '1.00', stranger());
  await inStatus(server.live, small.id, 'payment_submitted');
  const { rows } = await server.app.pool.query(
    "select from transactions where status = 'funds_received' and destination_payment_rail = 'base'",
  );
  expect(rows.length).toBe(limits.dueTransferBatch);
  await base.client.mine({ blocks: 3 });
  await inStatus(server.live, small.id, 'completed');
});

test('what a process had signed and stored when it ended is sent by another one, once', async () => {
  await Promise.all([server.app, other].map((app) => app.stop()));
  const first = await server.second();
  const live = await createClient(first.url, server.liveKey);
  const to = stranger();
  node.behave((call, forward) =>
    call.method === 'eth_sendRawTransaction' ? refuse(call, -32000, 'not now') : forward(),
  );
  const more = { amount: '9.00', destinationPaymentRail: 'base', destinationAddress: to };
  const transfer = await ok(live.post('/v1/transfers', transferBody(wallet, more)));
  const { destinationTxHash } = await inStatus(live, transfer.id, 'payment_submitted');
  await first.stop();
  node.behave();
  expect(await paidTo(to)).toEqual([]);
  const next = await server.second();
  await expect.poll(() => paidTo(to), { timeout: 20_000 }).toEqual([8_973_000n]);
  await base.client.mine({ blocks: 3 });
  const done = await inStatus(await createClient(next.url, server.liveKey), transfer.id, 'completed');
  // It may have been replaced by then, under its own nonce.
  const { rows } = await next.pool.query<{ tx_hash: string }>(
    'select tx_hash from chain_attempts where payment_id = $1 order by number',
    [transfer.id],
  );
  const hashes = rows.map(({ tx_hash: hash }) => hash);
  expect(hashes[0]).toBe(destinationTxHash);
  expect(hashes).toContain(done.destinationTxHash);
  expect(await paidTo(to)).toEqual([8_973_000n]);
});
