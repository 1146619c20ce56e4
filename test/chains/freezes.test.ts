import type { Address } from 'viem';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { tokenAccountOf } from '../../server/src/chains/solana/programs.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { type BadNode, startBadNode } from '../support/chains/bad-node.ts';
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
import { balanceOf, inStatus, ok, transferBody } from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** What a token's issuer has frozen is known before anything is signed: nothing is signed, and no gas is spent for it. */

let base: Anvil;
let solana: SolanaNode;
let node: BadNode;
let usdc: TestToken;
let server: TestServer;
let wallet: Awaited<ReturnType<typeof newLiveWallet>>;
let treasury: Address;
let chainsFile: { path: string; remove(): void };

beforeAll(async () => {
  [base, solana] = await Promise.all([startAnvil({ chainId: 31_337 }), startSolana()]);
  node = await startBadNode(base.url);
  solana.ledger.addMint(mints.usdc);
  usdc = await deployToken(base, 'TestToken', ['USD Coin', 'USDC']);
  const rpc = [node.url, base.url];
  const tokens = { usdc: mints.usdc.mint, usdt: null, eurc: null, pyusd: null };
  chainsFile = writeChains({
    base: chainEntry(base, { usdc }, { rpc, agreement: 2, sweepFrom: null }),
    solana: solanaEntry(solana, { tokens }),
  });
  server = await startServer({ chainsFile: chainsFile.path });
  treasury = treasuryOf(server, 'base');
  await base.client.setBalance({ address: treasury, value: 10n ** 18n });
  await usdc.send('mint', [treasury, 10_000_000_000n]);
  wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 500_000_000n]);
  await base.client.mine({ blocks: 3 });
});
afterEach(() => node.behave());
afterAll(async () => {
  await server?.stop();
  await node?.stop();
  await base?.stop();
  await solana?.stop();
  chainsFile?.remove();
});

const stranger = (): Address => privateKeyToAddress(generatePrivateKey());

function send(destinationAddress: string) {
  const more = { amount: '10.00', destinationPaymentRail: 'base', destinationAddress };
  return ok(server.live.post('/v1/transfers', transferBody(wallet, more)));
}

async function attemptsOf(id: string): Promise<number> {
  const { rowCount } = await server.app.pool.query('select from chain_attempts where payment_id = $1', [id]);
  return rowCount ?? 0;
}

/** Several turns of the payments worker, by what it asks. */
async function turns(): Promise<void> {
  const asked = () => node.asked.get('eth_call') ?? 0;
  const enough = asked() + 6;
  await expect.poll(asked, { timeout: 10_000 }).toBeGreaterThan(enough);
}

test('a receiver that the issuer has blocked fails the transfer with that reason, before anything is signed', async () => {
  await depositsIn(server.live, wallet.id, ['completed']);
  const blocked = stranger();
  await usdc.send('setBlacklisted', [blocked, true]);
  const nonce = await base.client.getTransactionCount({ address: treasury });
  const { id } = await send(blocked);
  const { returnReason } = await inStatus(server.live, id, 'refunded');
  expect(returnReason).toBe('The issuer of usdc has blocked the destination address.');
  expect(await attemptsOf(id)).toBe(0);
  expect(await base.client.getTransactionCount({ address: treasury })).toBe(nonce);
});

test('while the token is paused or the treasury blocked, transfers wait and go on by themselves', async () => {
  for (const [stop, go] of [
    [() => usdc.send('setPaused', [true]), () => usdc.send('setPaused', [false])],
    [
      () => usdc.send('setBlacklisted', [treasury, true]),
      () => usdc.send('setBlacklisted', [treasury, false]),
    ],
  ] as const) {
    await stop();
    const { id } = await send(stranger());
    await inStatus(server.live, id, 'funds_received');
    await turns();
    expect((await ok(server.live.get(`/v1/transfers/${id}`))).status).toBe('funds_received');
    expect(await attemptsOf(id)).toBe(0);
    await go();
    await inStatus(server.live, id, 'payment_submitted');
  }
});

test('one node that lies about a blocked receiver, or about a call that reverts, fails no transfer', async () => {
  const to = stranger();
  const yes = `0x${'1'.padStart(64, '0')}`;
  node.behave((call, forward) => {
    const isAboutReceiver = JSON.stringify(call.params).toLowerCase().includes(to.slice(2).toLowerCase());
    if (call.method === 'eth_call' && isAboutReceiver) return yes;
    return forward();
  });
  const { id } = await send(to);
  await inStatus(server.live, id, 'funds_received');
  await turns();
  expect((await ok(server.live.get(`/v1/transfers/${id}`))).status).toBe('funds_received');
  node.behave();
  await inStatus(server.live, id, 'payment_submitted');
});

test('a frozen token account on Solana: the receiver fails the transfer, the treasury lets it wait', async () => {
  const { ledger } = solana;
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const from = await solanaWallet(server.live, customer.id);
  const own = treasuryOf(server, 'solana');
  const [frozen, to] = [named('frozen'), named('receiver')];
  ledger.giveLamports(own, 10_000_000_000n);
  for (const owner of [own, frozen, to, from.address]) ledger.pay(mints.usdc, owner, 100_000_000n);
  ledger.mine(3);
  await expect.poll(() => balanceOf(server.live, from.id), { timeout: 10_000 }).toBe('100.00');
  const pay = (destinationAddress: string) =>
    ok(server.live.post('/v1/transfers', transferBody(from, { amount: '10.00', destinationAddress })));
  const accountOf = (owner: string) => tokenAccountOf(owner, mints.usdc.mint, mints.usdc.program);
  ledger.setFrozen(accountOf(frozen), true);
  ledger.mine(3);
  const never = await pay(frozen);
  expect((await inStatus(server.live, never.id, 'refunded')).returnReason).toContain(
    'blocked the destination',
  );
  ledger.setFrozen(accountOf(own), true);
  ledger.mine(3);
  const waits = await pay(to);
  await inStatus(server.live, waits.id, 'funds_received');
  ledger.setFrozen(accountOf(own), false);
  ledger.mine(3);
  await inStatus(server.live, waits.id, 'payment_submitted');
});
