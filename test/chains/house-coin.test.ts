import { parseGwei } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { tokenAccountOf } from '../../server/src/chains/solana/programs.ts';
import { holdChain, releaseHold } from '../../server/src/onchain/holds/commands.ts';
import { listHolds } from '../../server/src/onchain/holds/queries.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import {
  chainEntry,
  depositsIn,
  liveCustomer,
  newLiveWallet,
  treasuryOf,
  writeChains,
} from '../support/chains/live.ts';
import { type SolanaNode, startSolana } from '../support/chains/solana.ts';
import { mints, named, solanaEntry, solanaWallet } from '../support/chains/solana-live.ts';
import { balanceOf, inStatus, minor, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Strangers do not spend the house's coin: what a live transfer must bring, on chains with the default settings. */

let base: Anvil;
let solana: SolanaNode;
let usdc: TestToken;
let server: TestServer;
let chainsFile: { path: string; remove(): void };

beforeAll(async () => {
  [base, solana] = await Promise.all([startAnvil({ chainId: 31_337 }), startSolana()]);
  for (const token of Object.values(mints)) solana.ledger.addMint(token);
  usdc = await deployToken(base, 'TestToken', ['USD Coin', 'USDC']);
  const defaults = { minTransfer: undefined, accountFee: undefined };
  // Two transfers at the most that they may cost, 0.00022 each: twice the base fee and a tip of 1 gwei.
  const signing = { nativePerCustomer: '0.0005' };
  chainsFile = writeChains({
    base: chainEntry(base, { usdc }, { ...defaults, sweepFrom: null, signing }),
    solana: solanaEntry(solana, defaults),
  });
  server = await startServer({ chainsFile: chainsFile.path });
  await base.client.setBalance({ address: treasuryOf(server, 'base'), value: 10n ** 18n });
  await usdc.send('mint', [treasuryOf(server, 'base'), 10_000_000_000n]);
});
afterAll(async () => {
  await server?.stop();
  await base?.stop();
  await solana?.stop();
  chainsFile?.remove();
});

const stranger = () => privateKeyToAddress(generatePrivateKey());

test('a transfer of 0.000002 USDC is refused, and so is every one whose fee does not cover the gas', async () => {
  const wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 5_000_000_000n]);
  await base.client.mine({ blocks: 3 });
  await depositsIn(server.live, wallet.id, ['completed']);
  await base.client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei('1') });
  await base.client.mine({ blocks: 1 });
  const send = (amount: string) =>
    server.live.post(
      '/v1/transfers',
      transferBody(wallet, { amount, destinationPaymentRail: 'base', destinationAddress: stranger() }),
    );
  for (const amount of ['0.000002', '10.00']) {
    const { error, status } = await send(amount);
    expect([status, error.reason, error.details?.[0]?.path]).toEqual([400, 'amount_too_small', '/amount']);
    expect(error.message).toMatch(/at least \d+\.\d+ usdc on base/);
  }
  const least = /at least (\d+\.\d+)/.exec((await send('10.00')).error.message)?.[1] ?? '';
  const { data, status, text } = await send(least);
  expect(status, text).toBe(200);
  // 65,000 gas at 1 gwei and a tip, at 2,500 dollars: about 16 cents, which is 0.3 % of about 54 dollars.
  expect(minor(data.fee)).toBeGreaterThan(160_000n);
  await inStatus(server.live, data.id, 'payment_submitted');
});

test('what the transfers of one customer cost in a day does not keep those of another waiting', async () => {
  const [greedy, other] = [await newLiveWallet(server), await newLiveWallet(server)];
  for (const { address } of [greedy, other]) await usdc.send('mint', [address, 5_000_000_000n]);
  await base.client.mine({ blocks: 3 });
  for (const { id } of [greedy, other]) await depositsIn(server.live, id, ['completed']);
  const send = async (from: typeof greedy) => {
    const more = { amount: '300.00', destinationPaymentRail: 'base', destinationAddress: stranger() };
    return ok(server.live.post('/v1/transfers', transferBody(from, more)));
  };
  const sent = [];
  for (let count = 0; count < 5; count += 1) sent.push(await send(greedy));
  const last = await send(other);
  await inStatus(server.live, last.id, 'payment_submitted');
  const statuses = await Promise.all(
    sent.map(async ({ id }) => (await ok(server.live.get(`/v1/transactions/${id}`))).status),
  );
  expect(statuses.filter((status) => status === 'payment_submitted').length).toBeGreaterThan(0);
  expect(statuses).toContain('funds_received');
});

test('the sender pays for the token account of the receiver, and sees it in fee and gasFee', async () => {
  const { ledger } = solana;
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const wallet = await solanaWallet(server.live, customer.id);
  const treasury = treasuryOf(server, 'solana');
  ledger.giveLamports(treasury, 10_000_000_000n);
  ledger.pay(mints.usdc, treasury, 1_000_000_000n);
  ledger.pay(mints.usdc, wallet.address, 500_000_000n);
  ledger.mine(3);
  await expect.poll(() => balanceOf(server.live, wallet.id), { timeout: 10_000 }).toBe('500.00');
  const send = (to: string) =>
    ok(server.live.post('/v1/transfers', transferBody(wallet, { amount: '100.00', destinationAddress: to })));
  const paid = async (id: string, status: string) => {
    const read = async () => {
      ledger.mine();
      return (await ok(server.live.get(`/v1/transfers/${id}`))).status;
    };
    await expect.poll(read, { timeout: 15_000 }).toBe(status);
    return ok(server.live.get(`/v1/transfers/${id}`));
  };
  const to = named('new');
  // 2,039,280 lamports at 150 dollars.
  const first = await send(to);
  expect(first).toMatchObject({ fee: '0.605892', gasFee: '0.305892', netAmount: '99.394108' });
  expect(await paid(first.id, 'completed')).toMatchObject({ finalAmount: '99.394108' });
  expect(ledger.balanceOf(to, mints.usdc)).toBe(99_394_108n);
  // The account exists now: nobody pays for it again. It is closed before the payment is signed: nobody creates it for nothing.
  const { pool } = server.app;
  await holdChain(pool, 'solana', 'paused', 'Until the account is closed.');
  const second = await send(to);
  expect(second).toMatchObject({ fee: '0.30', gasFee: null });
  ledger.leaveLamports(tokenAccountOf(to, mints.usdc.mint, mints.usdc.program), 1n);
  ledger.mine(3);
  for (const { id } of await listHolds(pool, 'solana'))
    await releaseHold(pool, id, { by: 'test', reason: 'closed' });
  const refunded = await paid(second.id, 'refunded');
  expect(refunded.returnReason).toContain('was closed');
});
