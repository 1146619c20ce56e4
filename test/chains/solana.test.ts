import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { creationInstruction, transferInstruction } from '../../server/src/chains/solana/instructions.ts';
import { programs, tokenAccountOf } from '../../server/src/chains/solana/programs.ts';
import { formatAmount } from '../../server/src/platform/money.ts';
import { liveCustomer, writeChains } from '../support/chains/live.ts';
import { type SolanaNode, startSolana } from '../support/chains/solana.ts';
import type { TestMint } from '../support/chains/solana-ledger.ts';
import { mints, named, type SolanaWallet, solanaEntry, solanaWallet } from '../support/chains/solana-live.ts';
import { createClient } from '../support/client.ts';
import { balanceOf, inStatus, minor, ok, transferBody } from '../support/factories.ts';
import { type Receiver, startReceiver } from '../support/receiver.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Deposits and transfers on Solana: the chain's programs are the real ones (litesvm), its node speaks the real API. */

const { eurc, pyusd, usdc, usdt } = mints;
const foreign: TestMint = { mint: named('foreign'), program: programs.token };
const sol = 1_000_000_000n;
const rentLamports = 2_039_280n;

let node: SolanaNode;
let rates: Receiver;
let server: TestServer;
let file: { path: string; remove(): void };
let treasury: string;
let customerId: string;
let wallet: SolanaWallet;

beforeAll(async () => {
  node = await startSolana();
  for (const token of [usdc, usdt, eurc, pyusd, foreign]) node.ledger.addMint(token);
  rates = await startReceiver((response) => void response.end('{"rates":{"USDT":1}}'));
  file = writeChains({ solana: solanaEntry(node) });
  server = await startServer(settings());
  treasury = server.app.treasuries.find(({ chain }) => chain === 'solana')?.address ?? '';
  node.ledger.giveLamports(treasury, 10n * sol);
  for (const token of [usdc, pyusd, eurc]) node.ledger.pay(token, treasury, 10_000_000_000n);
  node.ledger.mine(3);
  customerId = (await liveCustomer(server.app, server.live, server.liveKey)).id;
  wallet = await solanaWallet(server.live, customerId);
});
afterAll(async () => {
  await server?.stop();
  await node?.stop();
  await rates?.stop();
  file?.remove();
});
afterEach(() => {
  node.taking = 'takes';
  node.keepsHistory = true;
  node.omits = 'nothing';
  node.transactionVersion = 0;
  node.hidesMovements = false;
});

const settings = () => ({ chainsFile: file.path, ratesUrl: rates.url, ratesMapping: '/rates/{TO}' });

const poll = (read: () => Promise<unknown> | unknown) => expect.poll(async () => read(), { timeout: 30_000 });
const depositsOf = async (walletId: string) =>
  ok(server.live.get(`/v1/transactions?type=deposit&walletId=${walletId}`));
const noticesOf = async (txHash: string) => {
  const { rows } = await server.app.pool.query(
    'select reason, received from uncredited_deposits where tx_hash = $1',
    [txHash],
  );
  return rows;
};
const faultNow = async () => (await server.app.pool.query('select fault from chain_statuses')).rows[0]?.fault;
/** Each worker has had several turns. */
const turns = () => sleep(600);
/** Everything up to the newest final block has been read. */
const caughtUp = () =>
  poll(async () => {
    const { rows } = await server.app.pool.query('select confirmed_height from chain_cursors');
    return Number(rows[0]?.confirmed_height);
  }).toBe(node.ledger.final.slot);

async function send(from: SolanaWallet, amount: string, more: object = {}) {
  const rail = { destinationPaymentRail: 'solana', destinationCurrency: 'usdc' };
  return ok(server.live.post('/v1/transfers', transferBody(from, { amount, ...rail, ...more })));
}

/** Makes blocks until a transfer has reached a status. */
async function mineUntil(id: string, status: string) {
  await poll(async () => {
    node.ledger.mine();
    return (await ok(server.live.get(`/v1/transfers/${id}`))).status;
  }).toBe(status);
  return ok(server.live.get(`/v1/transfers/${id}`));
}

async function fund(to: SolanaWallet, amountMinor: bigint): Promise<void> {
  const before = minor(await balanceOf(server.live, to.id));
  node.ledger.pay(usdc, to.address, amountMinor);
  node.ledger.mine(3);
  await poll(async () => minor(await balanceOf(server.live, to.id))).toBe(before + amountMinor);
}

describe('a deposit', () => {
  test('is credited once when its block is final, and not before', async () => {
    node.ledger.pay(usdc, wallet.address, 25_000_000n);
    node.ledger.mine();
    await caughtUp();
    expect(await depositsOf(wallet.id)).toEqual([]);
    node.ledger.mine(2);
    await poll(() => balanceOf(server.live, wallet.id)).toBe('25.00');
    expect(await depositsOf(wallet.id)).toMatchObject([{ status: 'completed', sourcePaymentRail: 'solana' }]);
  });

  test('of USDT is converted, of EURC and of Token-2022 is what has really arrived', async () => {
    const other = await solanaWallet(server.live, customerId);
    node.ledger.pay(usdt, other.address, 10_000_000n);
    node.ledger.pay(eurc, other.address, 7_000_000n);
    node.ledger.pay(pyusd, other.address, 5_000_000n);
    node.ledger.mine(3);
    await poll(async () => (await depositsOf(other.id)).length).toBe(3);
    const found = await depositsOf(other.id);
    const final = (currency: string) =>
      found.find(({ sourceCurrency }: { sourceCurrency: string }) => sourceCurrency === currency);
    expect(final('usdt')).toMatchObject({ destinationCurrency: 'usdc', finalAmount: '9.99' });
    expect(final('eurc')).toMatchObject({ destinationCurrency: 'eurc', finalAmount: '7.00' });
    // One percent of it was kept by the mint.
    expect(final('pyusd')).toMatchObject({ destinationCurrency: 'pyusd', finalAmount: '4.95' });
  });

  test('of dust, of another token, or into an account that is not the associated one is shown to the operator', async () => {
    const other = await solanaWallet(server.live, customerId);
    const dust = node.ledger.pay(usdc, other.address, 100_000n);
    const unlisted = node.ledger.pay(foreign, other.address, 9_000_000n);
    node.ledger.mine(3);
    await poll(() => noticesOf(dust)).toEqual([{ reason: 'below_minimum', received: '100000' }]);
    await poll(() => noticesOf(unlisted)).toEqual([{ reason: 'unlisted_token', received: '0' }]);
    expect(await depositsOf(other.id)).toEqual([]);
  });

  test.each([1, 7, 255])('in a transaction of version %i is credited', async (version) => {
    const before = minor(await balanceOf(server.live, wallet.id));
    node.transactionVersion = version;
    node.ledger.pay(usdc, wallet.address, 1_000_000n);
    node.ledger.mine(3);
    await poll(async () => minor(await balanceOf(server.live, wallet.id))).toBe(before + 1_000_000n);
  });

  test.each(['transactions', 'token balances'] as const)(
    'is not lost to a node that reports its block without %s',
    async (what) => {
      const before = minor(await balanceOf(server.live, wallet.id));
      node.omits = what;
      node.ledger.pay(usdc, wallet.address, 1_000_000n);
      node.ledger.mine(3);
      await poll(faultNow).toMatch(/omitted the transactions|expected token balances/);
      node.omits = 'nothing';
      await poll(async () => minor(await balanceOf(server.live, wallet.id))).toBe(before + 1_000_000n);
    },
  );

  test('of a transaction that failed brings nothing', async () => {
    const other = await solanaWallet(server.live, customerId);
    const before = node.ledger.blocks.length;
    // More than anybody has: the program refuses it, and the fee is paid all the same.
    const movement = { mint: foreign.mint, program: foreign.program, amount: 2n ** 60n };
    const { faucet } = node.ledger;
    node.ledger.send([
      creationInstruction(faucet, { ...movement, from: faucet, to: other.address }),
      transferInstruction({ ...movement, from: faucet, to: other.address }),
    ]);
    node.ledger.mine(3);
    expect(node.ledger.blocks.slice(before).flatMap(({ transactions }) => transactions)).toMatchObject([
      { failed: true },
    ]);
    await caughtUp();
    expect(await depositsOf(other.id)).toEqual([]);
  });

  test('is missed neither while the node is down nor while the server is', async () => {
    const other = await solanaWallet(server.live, customerId);
    await node.down();
    node.ledger.pay(usdc, other.address, 3_000_000n);
    node.ledger.mine(5);
    await node.up();
    await poll(() => balanceOf(server.live, other.id)).toBe('3.00');
    const second = await server.second();
    await second.stop();
    node.ledger.pay(usdc, other.address, 4_000_000n);
    node.ledger.mine(120);
    await poll(() => balanceOf(server.live, other.id)).toBe('7.00');
  });
});

describe('a transfer', () => {
  const newOwner = (name: string): string => named(name);

  test('to a new owner makes their account, whose rent is part of the gas fee', async () => {
    await fund(wallet, 100_000_000n);
    const to = newOwner('first');
    const { id } = await send(wallet, '10.00', { destinationAddress: to });
    const sent = await inStatus(server.live, id, 'payment_submitted');
    expect(sent.destinationTxHash).toMatch(/^[1-9A-HJ-NP-Za-km-z]{64,88}$/);
    const done = await mineUntil(id, 'completed');
    expect(node.ledger.balanceOf(to, usdc)).toBe(9_970_000n);
    // 5,000 lamports, the priority and the rent, at 150 dollars for a coin.
    expect(minor(done.gasFee)).toBeGreaterThan((rentLamports * 150_000_000n) / sol);

    const again = await send(wallet, '10.00', { destinationAddress: to });
    const cheaper = await mineUntil(again.id, 'completed');
    expect(node.ledger.balanceOf(to, usdc)).toBe(19_940_000n);
    expect(minor(cheaper.gasFee)).toBeLessThan(minor(done.gasFee) / 10n);
  });

  test('pays the priority that others recently paid, up to its limit', async () => {
    const to = newOwner('hurried');
    const feeAt = async (microLamports: number): Promise<bigint> => {
      node.prioritizationFees = [0, microLamports, microLamports, microLamports];
      return minor(
        (await mineUntil((await send(wallet, '1.00', { destinationAddress: to })).id, 'completed')).gasFee,
      );
    };
    await feeAt(0);
    const calm = await feeAt(0);
    const busy = await feeAt(500_000);
    const absurd = await feeAt(2 ** 40);
    node.prioritizationFees = [];
    expect(busy).toBeGreaterThan(3n * calm);
    expect(absurd).toBeGreaterThan(busy);
    // A lamport for each of 90,000 compute units at most, at 150 dollars for a coin.
    expect(absurd).toBeLessThan((100_000n * 150_000_000n) / sol);
  });

  test('of Token-2022 goes by its own program', async () => {
    node.ledger.pay(pyusd, wallet.address, 20_000_000n);
    node.ledger.mine(3);
    const held = async () => {
      const { balances } = await ok(server.live.get(`/v1/crypto-wallets/${wallet.id}/balance`));
      return balances.find(({ currency }: { currency: string }) => currency === 'pyusd')?.available;
    };
    await poll(held).toBe('19.80');
    const to = newOwner('paypal');
    const currencies = { sourceCurrency: 'pyusd', destinationCurrency: 'pyusd' };
    const { id } = await send(wallet, '10.00', { destinationAddress: to, ...currencies });
    await mineUntil(id, 'completed');
    expect(node.ledger.balanceOf(to, pyusd)).toBe(9_870_300n);
  });

  test('of the same amount to the same owner at the same moment is paid twice', async () => {
    const to = newOwner('twins');
    const pair = await Promise.all([1, 2].map(() => send(wallet, '2.00', { destinationAddress: to })));
    for (const { id } of pair) await mineUntil(id, 'completed');
    expect(node.ledger.balanceOf(to, usdc)).toBe(2n * 1_994_000n);
  });

  test('that the network loses is signed again only when its blockhash has expired', async () => {
    const to = newOwner('lost');
    node.taking = 'loses';
    const { id } = await send(wallet, '5.00', { destinationAddress: to });
    const { destinationTxHash: first } = await inStatus(server.live, id, 'payment_submitted');
    node.ledger.mine(140);
    await caughtUp();
    const attempts = async () => {
      const { rows } = await server.app.pool.query(
        'select tx_hash from chain_attempts where payment_id = $1',
        [id],
      );
      return rows.length;
    };
    expect(await attempts()).toBe(1);
    node.ledger.mine(20);
    await poll(attempts).toBe(2);
    node.taking = 'takes';
    const done = await mineUntil(id, 'completed');
    expect(done.destinationTxHash).not.toBe(first);
    expect(node.ledger.balanceOf(to, usdc)).toBe(4_985_000n);
  });

  test('that has landed is not paid again, though the node does not respond and forgets its history', async () => {
    const to = newOwner('unseen');
    node.taking = 'takes without an answer';
    node.keepsHistory = false;
    const { id } = await send(wallet, '6.00', { destinationAddress: to });
    await inStatus(server.live, id, 'payment_submitted');
    node.ledger.mine(160);
    await caughtUp();
    node.ledger.mine(20);
    await caughtUp();
    const { rows } = await server.app.pool.query('select tx_hash from chain_attempts where payment_id = $1', [
      id,
    ]);
    expect(rows).toHaveLength(1);
    expect(node.ledger.balanceOf(to, usdc)).toBe(5_982_000n);
    node.keepsHistory = true;
    node.taking = 'takes';
    await mineUntil(id, 'completed');
    expect(node.ledger.balanceOf(to, usdc)).toBe(5_982_000n);
  });

  test('waits for what was paid before it, which is in the balance until it is final', async () => {
    await fund(wallet, 30_000_000_000n);
    // Two of them are more than the treasury has.
    const held = node.ledger.balanceOf(treasury, usdc);
    const amount = formatAmount((held * 6n) / 10n, 6);
    const [first, second] = [newOwner('early'), newOwner('late')];
    const paid = await send(wallet, amount, { destinationAddress: first });
    await inStatus(server.live, paid.id, 'payment_submitted');
    const waits = await send(wallet, amount, { destinationAddress: second });
    await inStatus(server.live, waits.id, 'funds_received');
    // In a block, and not yet final.
    node.ledger.mine(1);
    await turns();
    expect((await ok(server.live.get(`/v1/transfers/${waits.id}`))).status).toBe('funds_received');
    await mineUntil(paid.id, 'completed');
    node.ledger.pay(usdc, treasury, held);
    node.ledger.mine(3);
    await mineUntil(waits.id, 'completed');
    expect(node.ledger.balanceOf(second, usdc)).toBeGreaterThan(0n);
  });

  test('is paid where somebody has sent coin to the address of the account that it makes', async () => {
    const to = newOwner('spoilt');
    node.ledger.giveLamports(tokenAccountOf(to, usdc.mint, usdc.program), 890_880n);
    node.ledger.mine(3);
    const { id } = await send(wallet, '2.00', { destinationAddress: to });
    await mineUntil(id, 'completed');
    expect(node.ledger.balanceOf(to, usdc)).toBe(1_994_000n);
  });

  test('waits for coin that others on their way are going to need', async () => {
    const held = node.ledger.lamportsOf(treasury);
    // Enough for one new account, and for no other after it.
    node.ledger.leaveLamports(treasury, 7_000_000n);
    const [first, second] = [newOwner('rich'), newOwner('poor')];
    const pair = await Promise.all(
      [first, second].map((to) => send(wallet, '2.00', { destinationAddress: to })),
    );
    const statuses = async () =>
      (
        await Promise.all(
          pair.map(async ({ id }) => (await ok(server.live.get(`/v1/transfers/${id}`))).status),
        )
      ).sort();
    await poll(statuses).toEqual(['funds_received', 'payment_submitted']);
    await turns();
    expect(await statuses()).toEqual(['funds_received', 'payment_submitted']);
    await poll(() => {
      node.ledger.mine();
      return statuses();
    }).toEqual(['completed', 'funds_received']);
    await turns();
    expect(await statuses()).toEqual(['completed', 'funds_received']);
    node.ledger.giveLamports(treasury, held);
    for (const { id } of pair) await mineUntil(id, 'completed');
  });

  test('to a token account is refused and given back: tokens sent to it as to an owner would be lost', async () => {
    const before = await balanceOf(server.live, wallet.id);
    const account = tokenAccountOf(newOwner('first'), usdc.mint, usdc.program);
    const { id } = await send(wallet, '3.00', { destinationAddress: account });
    const failed = await mineUntil(id, 'refunded');
    expect(failed.returnReason).toMatch(/refuses/);
    expect(await balanceOf(server.live, wallet.id)).toBe(before);
  });
});

test('a success that moved no tokens is unclear: never refunded, while others go on', async () => {
  await fund(wallet, 9_000_000n);
  const attentionOf = async (id: string) =>
    (await server.app.pool.query('select status, attention from chain_payments where id = $1', [id])).rows[0];
  node.hidesMovements = true;
  const { id } = await send(wallet, '3.00', { destinationAddress: named('unclear') });
  await poll(async () => {
    node.ledger.mine();
    return attentionOf(id);
  }).toEqual({ status: 'open', attention: 'unclear' });
  const other = await send(wallet, '4.00', { destinationAddress: named('after it') });
  await mineUntil(other.id, 'payment_submitted');
  expect((await ok(server.live.get(`/v1/transfers/${id}`))).status).toBe('payment_submitted');
  node.hidesMovements = false;
  await mineUntil(other.id, 'completed');
  await mineUntil(id, 'completed');
  expect(await attentionOf(id)).toEqual({ status: 'completed', attention: null });
});

test('deposits are swept into the treasury, which pays for it', async () => {
  const other = await solanaWallet(server.live, customerId);
  node.ledger.pay(usdc, other.address, 80_000_000n);
  node.ledger.mine(3);
  await poll(() => balanceOf(server.live, other.id)).toBe('80.00');
  const sweeping = writeChains({ solana: solanaEntry(node, { sweepFrom: '50' }) });
  // No other process has the leases, and none sweeps.
  await server.app.stop();
  const second = await server.second({ chainsFile: sweeping.path });
  await poll(() => {
    node.ledger.mine();
    return node.ledger.balanceOf(other.address, usdc);
  }).toBe(0n);
  const live = await createClient(second.url, server.liveKey);
  expect(await balanceOf(live, other.id)).toBe('80.00');
  sweeping.remove();
});

test('everything that is read is finalized', () => {
  expect([...node.unfinalized]).toEqual([]);
});
