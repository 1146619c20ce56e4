import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, liveCustomer, liveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Deposits and transfers on a real node with a real token contract. */

const stranger = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045';
let anvil: Anvil;
let usdc: TestToken;
let server: TestServer;
let file: { path: string; remove(): void };

beforeAll(async () => {
  anvil = await startAnvil({ chainId: 31_337 });
  usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  file = writeChains({ base: chainEntry(anvil, { usdc }, { sweepFrom: null }) });
  server = await startServer({ chainsFile: file.path });
});
afterAll(async () => {
  await server?.stop();
  await anvil?.stop();
  file?.remove();
});

test('a deposit is pending until it is deep enough, and a transfer is paid once out of the treasury', async () => {
  const { live } = server;
  const customer = await liveCustomer(server.app, live, server.liveKey);
  const wallet = await liveWallet(live, customer.id);
  await usdc.send('mint', [wallet.address, 25_000_000n]);
  const find = async () => (await ok(live.get('/v1/transactions?type=deposit')))[0];
  await expect.poll(async () => (await find())?.status, { timeout: 10_000 }).toBe('payment_submitted');
  const { balances } = await ok(live.get(`/v1/crypto-wallets/${wallet.id}/balance`));
  expect(balances).toEqual([{ currency: 'usdc', available: '0.00', pending: '25.00', total: '25.00' }]);
  await anvil.client.mine({ blocks: 2 });
  await expect.poll(async () => (await find())?.status, { timeout: 10_000 }).toBe('completed');
  expect(await balanceOf(live, wallet.id)).toBe('25.00');

  const { rows } = await server.app.pool.query('select 1 from chain_deposits where status = $1', [
    'credited',
  ]);
  expect(rows).toHaveLength(1);
  const treasury = treasuryOf(server, 'base');
  await usdc.send('mint', [treasury, 100_000_000n]);
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  const body = transferBody(wallet, {
    amount: '10.00',
    destinationPaymentRail: 'base',
    destinationAddress: stranger,
  });
  const transfer = await ok(live.post('/v1/transfers', body));
  expect(transfer.status).toBe('in_review');
  const sent = await inStatus(live, transfer.id, 'payment_submitted');
  expect(sent.destinationTxHash).toMatch(/^0x[0-9a-f]{64}$/);
  await expect.poll(() => usdc.balanceOf(stranger), { timeout: 10_000 }).toBe(9_970_000n);
  await anvil.client.mine({ blocks: 2 });
  const done = await inStatus(live, transfer.id, 'completed');
  expect(Number(done.gasFee)).toBeGreaterThan(0);
  expect(await usdc.balanceOf(stranger)).toBe(9_970_000n);
  expect((await ok(live.get('/v1/ledger/verify'))).ok).toBe(true);
});
