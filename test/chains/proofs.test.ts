import { randomBytes } from 'node:crypto';
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts';
import { afterEach, describe, expect, test } from 'vitest';
import { createLogger } from '../../server/src/platform/logger.ts';
import { deployToken, startAnvil } from '../support/chains/anvil.ts';
import { chainEntry, liveCustomer, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { startSolana } from '../support/chains/solana.ts';
import { mints, named, solanaEntry, solanaWallet } from '../support/chains/solana-live.ts';
import { startTron } from '../support/chains/tron.ts';
import { fundWallet, startRates, tronEntry, tronWallet, withoutFees } from '../support/chains/tron-live.ts';
import { balanceOf, inStatus, ok } from '../support/factories.ts';
import { changeWithCodes } from '../support/forging.ts';
import { runScript } from '../support/process.ts';
import { startServer, type TestServer } from '../support/server.ts';

/**
 * Whoever writes to the database directs no payment, even with the codes of rows: the signer pays what a server has accepted, on
 * every family.
 */

interface Fixture {
  readonly server: TestServer;
  readonly log: () => string;
  readonly wallet: { readonly id: string; readonly customerId: string };
  readonly rail: string;
  readonly currency: string;
  /** What a transfer of 10 comes to, in minor units and as a text. */
  readonly sentMinor: bigint;
  readonly sent: string;
  readonly friends: readonly [string, string];
  readonly thief: string;
  /** Lets the treasury have enough for everything. */
  fill(): Promise<void>;
  /** Lets blocks pass. */
  pass(): Promise<void>;
  paidTo(address: string): Promise<bigint>;
}

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const masterKey = randomBytes(32);

async function startLogged(content: object, more: object = {}) {
  const lines: string[] = [];
  const file = writeChains(content as Parameters<typeof writeChains>[0]);
  closers.push(() => file.remove());
  const logger = createLogger('info', { write: (line: string) => void lines.push(line) });
  const server = await startServer({ chainsFile: file.path, logger, masterKey, ...more });
  closers.push(() => server.stop());
  return { server, log: () => lines.join('') };
}

async function evmFixture(): Promise<Fixture> {
  const anvil = await startAnvil({ chainId: 31_337 });
  closers.push(() => anvil.stop());
  const usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  const { log, server } = await startLogged({ base: chainEntry(anvil, { usdc }, { sweepFrom: null }) });
  const treasury = treasuryOf(server, 'base');
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  const wallet = await newLiveWallet(server);
  await usdc.send('mint', [wallet.address, 1_000_000_000n]);
  const stranger = () => privateKeyToAddress(generatePrivateKey());
  const pass = () => anvil.client.mine({ blocks: 3 });
  await pass();
  return {
    ...{ server, log, wallet, pass, rail: 'base', currency: 'usdc', sentMinor: 9_970_000n, sent: '9.97' },
    friends: [stranger(), stranger()],
    thief: stranger(),
    fill: () => usdc.send('mint', [treasury, 1_000_000_000n]).then(() => undefined),
    paidTo: (address) => usdc.balanceOf(address as `0x${string}`),
  };
}

async function solanaFixture(): Promise<Fixture> {
  const node = await startSolana();
  closers.push(() => node.stop());
  const { usdc } = mints;
  for (const mint of Object.values(mints)) node.ledger.addMint(mint);
  const { log, server } = await startLogged({ solana: solanaEntry(node) });
  const treasury = server.app.treasuries.find(({ chain }) => chain === 'solana')?.address ?? '';
  node.ledger.giveLamports(treasury, 10_000_000_000n);
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const wallet = await solanaWallet(server.live, customer.id);
  node.ledger.pay(usdc, wallet.address, 1_000_000_000n);
  node.ledger.mine(3);
  return {
    ...{ server, log, wallet, rail: 'solana', currency: 'usdc', sentMinor: 9_970_000n, sent: '9.97' },
    friends: [named('friend one'), named('friend two')],
    thief: named('thief'),
    fill: async () => void node.ledger.pay(usdc, treasury, 1_000_000_000n),
    pass: async () => void node.ledger.mine(3),
    paidTo: async (address) => node.ledger.balanceOf(address, usdc) ?? 0n,
  };
}

async function tronFixture(): Promise<Fixture> {
  const tron = await startTron();
  closers.push(() => tron.stop());
  const rates = await startRates();
  closers.push(() => rates.stop());
  const more = { ratesUrl: rates.url, ratesMapping: '/rates/{TO}', ...withoutFees };
  const { log, server } = await startLogged({ tron: tronEntry(tron) }, more);
  const treasury = server.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
  tron.ledger.giveSun(treasury, 100_000_000_000);
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const wallet = await tronWallet(server.live, customer.id);
  tron.ledger.mine(5);
  await fundWallet(server.live, tron, wallet, 1_000_000_000n);
  const paidTo = async (address: string) =>
    tron.ledger.blocks
      .flatMap(({ results }) => results.flatMap(({ transfers }) => transfers))
      .filter(({ from, to }) => from === treasury && to === address)
      .reduce((sum, { amount }) => sum + amount, 0n);
  return {
    ...{ server, log, wallet, paidTo, rail: 'tron', currency: 'usdt', sentMinor: 12_500_000n, sent: '12.50' },
    friends: ['TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt', 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'],
    thief: 'TNu6aCGeMYyDTWm9ZXPWuVcxhQprFU9vZw',
    fill: async () => {
      tron.pay({ to: treasury, amount: 1_000_000_000n });
      tron.ledger.mine();
    },
    pass: async () => void tron.ledger.mine(4),
  };
}

async function send(
  { currency, rail, server, wallet }: Fixture,
  destinationAddress: string,
): Promise<string> {
  const body = {
    ...{ customerId: wallet.customerId, walletId: wallet.id, amount: '10.00' },
    ...{ destinationCurrency: currency, destinationPaymentRail: rail, destinationAddress },
  };
  return (await ok(server.live.post('/v1/transfers', body))).id;
}

const statusOf = async ({ server }: Fixture, id: string): Promise<string> =>
  (await ok(server.live.get(`/v1/transactions/${id}`))).status;

async function untilFunded({ server, wallet }: Fixture): Promise<void> {
  const balance = async () => Number(await balanceOf(server.live, wallet.id));
  await expect.poll(balance, { timeout: 20_000 }).toBeGreaterThan(100);
}

async function untilPaid(fixture: Fixture, id: string): Promise<void> {
  const read = async () => {
    await fixture.pass();
    return statusOf(fixture, id);
  };
  await expect.poll(read, { timeout: 60_000, interval: 200 }).toBe('completed');
}

/** Waits until a turn of the payments has begun, which reads every row as it is now. */
async function untilNextTurn({ rail, server }: Fixture): Promise<void> {
  const leasedUntil = async () => {
    const text = "select expires_at::text as at from chain_leases where chain = $1 and work = 'payments'";
    return (await server.ownerPool.query<{ at: string }>(text, [rail])).rows[0]?.at;
  };
  const before = await leasedUntil();
  await expect.poll(leasedUntil, { timeout: 20_000 }).not.toBe(before);
}

const openledger = ({ server }: Fixture, ...args: string[]) =>
  runScript('cli/bin/openledger.mjs', {
    args: ['transfers', ...args],
    env: { DATABASE_URL: server.servingUrl, OPENLEDGER_MASTER_KEY: masterKey.toString('hex') },
  });

describe.each([
  ['EVM', evmFixture],
  ['Solana', solanaFixture],
  ['Tron', tronFixture],
])('on %s', (_, open) => {
  test('a transfer that was changed in the database after it was accepted is not paid, and the operator sees it', async () => {
    const fixture = await open();
    const { currency, friends, rail, sentMinor, server, thief } = fixture;
    const [friend, other] = friends;
    await untilFunded(fixture);
    const faulty = {
      address: await send(fixture, friend),
      amount: await send(fixture, thief),
      copied: await send(fixture, friend),
      unproven: await send(fixture, other),
      reserved: await send(fixture, friend),
    };
    const right = await send(fixture, friend);
    for (const id of [...Object.values(faulty), right]) await inStatus(server.live, id, 'funds_received');

    // The treasury has nothing yet: everything waits, and is changed meanwhile by whoever can write to the database.
    const change = (text: string, id: string, table: 'transactions' | 'chain_payments' = 'transactions') =>
      changeWithCodes(server.ownerPool, text, [[table, id]]);
    const addressed = `destination_address = '${thief}'`;
    await change(`update transactions set ${addressed} where id = '${faulty.address}'`, faulty.address);
    await change(
      `update transactions set amount_minor = amount_minor * 9, net_minor = amount_minor * 9 - fee_minor,
        final_minor = ${9n * sentMinor} where id = '${faulty.amount}'`,
      faulty.amount,
    );
    await change(
      `update transactions t set ${addressed}, wallet_id = o.wallet_id, transfer_proof = o.transfer_proof
        from transactions o where t.id = '${faulty.copied}' and o.id = '${faulty.amount}'`,
      faulty.copied,
    );
    // Fixing a conversion writes the transfer again from the memory of its lane, with its proof.
    const isKept = currency !== 'usdc';
    if (!isKept)
      await change(
        `update transactions set transfer_proof = null where id = '${faulty.unproven}'`,
        faulty.unproven,
      );
    const treasury = server.app.treasuries.find(({ chain }) => chain === rail)?.address;
    // A payment as a process would have left it that ended before it had signed.
    await change(
      `insert into chain_sequences (chain, sender, next_sequence) values ('${rail}', '${treasury}', 0) on conflict do nothing;
       with slot as (update chain_sequences set next_sequence = next_sequence + 1
         where chain = '${rail}' and sender = '${treasury}' returning next_sequence - 1 as sequence)
       insert into chain_payments (chain, id, kind, sender, sequence, currency, address, amount, status, created_at, updated_at)
         select '${rail}', '${faulty.reserved}', 'transfer', '${treasury}', sequence, '${currency}', '${thief}', ${sentMinor},
           'open', now(), now() from slot`,
      faulty.reserved,
      'chain_payments',
    );
    await untilNextTurn(fixture);
    await fixture.fill();
    await untilPaid(fixture, right);
    await untilPaid(fixture, faulty.reserved);
    expect(await fixture.paidTo(friend)).toBe(2n * sentMinor);

    const held = [faulty.address, faulty.amount, faulty.copied, ...(isKept ? [] : [faulty.unproven])];
    for (const id of held) {
      await expect
        .poll(fixture.log, { timeout: 30_000 })
        .toContain(`The signer refuses ${id}: The transfer is not proven`);
      expect(await statusOf(fixture, id)).toBe('funds_received');
    }
    if (!isKept) expect(await fixture.paidTo(other)).toBe(0n);
    expect(await fixture.paidTo(thief)).toBe(0n);
  }, 240_000);
});

test('a payment whose transfer is not authentic does not end before its transfer can', async () => {
  const fixture = await evmFixture();
  const { friends, sentMinor, server } = fixture;
  const [friend, other] = friends;
  await untilFunded(fixture);
  await fixture.fill();
  const [changed, right] = [await send(fixture, friend), await send(fixture, other)];
  for (const id of [changed, right]) await inStatus(server.live, id, 'payment_submitted');
  const turnCode = () =>
    server.ownerPool.query('update transactions set mac = reverse(mac) where id = $1', [changed]);
  await turnCode();
  await untilPaid(fixture, right);
  await expect
    .poll(fixture.log, { timeout: 30_000 })
    .toContain(`The payment of ${changed} waits: its transfer is missing or not authentic.`);
  const { rows } = await server.ownerPool.query('select status from chain_payments where id = $1', [changed]);
  expect(rows).toEqual([{ status: 'open' }]);
  await turnCode();
  await untilPaid(fixture, changed);
  expect(await fixture.paidTo(friend)).toBe(sentMinor);
}, 240_000);

test('an operator proves a transfer with address and amount from another source; those of the database are not used', async () => {
  const fixture = await evmFixture();
  const { currency, friends, rail, sent, sentMinor, server, thief } = fixture;
  const [friend, other] = friends;
  await untilFunded(fixture);
  const [unproven, turned] = [await send(fixture, other), await send(fixture, friend)];
  for (const id of [unproven, turned]) await inStatus(server.live, id, 'funds_received');
  await changeWithCodes(
    server.ownerPool,
    `update transactions set transfer_proof = null where id = '${unproven}';
     update transactions set destination_address = '${thief}' where id = '${turned}'`,
    [
      ['transactions', unproven],
      ['transactions', turned],
    ],
  );
  await fixture.fill();
  const list = (await openledger(fixture, 'list')).stdout;
  expect(list).toContain(`${unproven}  proof`);
  expect(list).toContain(`${turned}  sending`);

  const prove = (id: string, address: string, amount: string) =>
    openledger(fixture, 'prove', id, '--address', address, '--amount', amount);
  const refused = await prove(turned, friend, sent);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toContain('differs in the database');
  expect(await statusOf(fixture, unproven)).toBe('funds_received');
  expect(await prove(unproven, other, sent)).toMatchObject({
    stdout: `${unproven} is proven for at most ${sent} ${currency} to ${other} on ${rail}.\n`,
  });
  await untilPaid(fixture, unproven);
  expect(await fixture.paidTo(other)).toBe(sentMinor);
  expect(await fixture.paidTo(thief)).toBe(0n);
  expect((await prove(unproven, other, sent)).stderr).toContain('is completed and cannot be paid');
}, 240_000);
