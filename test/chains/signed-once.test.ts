import { randomBytes } from 'node:crypto';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { SignerPolicy } from '../../server/src/custody/policy.ts';
import { createLogger } from '../../server/src/platform/logger.ts';
import { type Anvil, deployToken, startAnvil, type TestToken } from '../support/chains/anvil.ts';
import { chainEntry, liveCustomer, newLiveWallet, treasuryOf, writeChains } from '../support/chains/live.ts';
import { type OwnSigner, startOwnSigner } from '../support/chains/own-signer.ts';
import { startSolana } from '../support/chains/solana.ts';
import { mints, named, solanaEntry, solanaWallet } from '../support/chains/solana-live.ts';
import { startTron } from '../support/chains/tron.ts';
import { fundWallet, startRates, tronEntry, tronWallet, withoutFees } from '../support/chains/tron-live.ts';
import { ok } from '../support/factories.ts';
import { changeWithCodes } from '../support/forging.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A separate signer signs one reference once, whatever becomes of its answers, of the database and of its own files. */

interface Fixture {
  readonly server: TestServer;
  readonly signer: OwnSigner;
  readonly log: () => string;
  readonly rail: 'base' | 'solana' | 'tron';
  /** What is sent, and what the policy does not allow: the same where a chain has one token. */
  readonly currency: string;
  readonly unlisted: string;
  /** What a transfer of 10 of a wallet's currency comes to. */
  readonly sentMinor: bigint;
  /** Lets blocks pass. */
  pass(): Promise<unknown>;
  /** Lets so many pass that everything expires. */
  expire(): Promise<unknown>;
  /** Nodes accept transactions and lose them, or not. */
  lose(isLosing: boolean): void;
  paidTo(address: string): Promise<bigint>;
  stranger(name: string): string;
  readonly wallet: { readonly id: string; readonly customerId: string };
  stop(): Promise<void>;
}

const masterKey = randomBytes(32);

async function startWithSigner(content: Record<string, object>, more: object = {}) {
  const lines: string[] = [];
  const file = writeChains(content);
  const signer = await startOwnSigner(file.path, masterKey);
  const logger = createLogger('info', { write: (line: string) => void lines.push(line) });
  const settings = { chainsFile: file.path, signerSocket: signer.socket, masterKey, logger, ...more };
  const server = await startServer(settings);
  const stop = async (): Promise<void> => {
    await server.stop();
    await signer.stop();
    file.remove();
  };
  return { server, signer, stop, log: () => lines.join('') };
}

async function evmFixture(): Promise<Fixture> {
  const anvil: Anvil = await startAnvil({ chainId: 31_337 });
  const usdc = await deployToken(anvil, 'TestToken', ['USD Coin', 'USDC']);
  const eurc: TestToken = await deployToken(anvil, 'TestToken', ['Euro Coin', 'EURC']);
  const started = await startWithSigner({ base: chainEntry(anvil, { usdc, eurc }, { sweepFrom: null }) });
  const { server } = started;
  const treasury = treasuryOf(server, 'base');
  await anvil.client.setBalance({ address: treasury, value: 10n ** 18n });
  const wallet = await newLiveWallet(server);
  for (const token of [usdc, eurc]) {
    await token.send('mint', [treasury, 1_000_000_000n]);
    await token.send('mint', [wallet.address, 100_000_000n]);
  }
  return {
    ...{ ...started, wallet, rail: 'base', currency: 'usdc', unlisted: 'eurc', sentMinor: 9_970_000n },
    pass: () => anvil.client.mine({ blocks: 3 }),
    expire: () => anvil.client.mine({ blocks: 3 }),
    lose: () => undefined,
    paidTo: (address) => usdc.balanceOf(address as `0x${string}`),
    stranger: (name) => `0x${Buffer.from(name.padEnd(20, '.')).toString('hex')}`,
    stop: () => started.stop().then(() => anvil.stop()),
  };
}

async function solanaFixture(): Promise<Fixture> {
  const node = await startSolana();
  for (const mint of Object.values(mints)) node.ledger.addMint(mint);
  const started = await startWithSigner({ solana: solanaEntry(node) });
  const { server } = started;
  const treasury = server.app.treasuries.find(({ chain }) => chain === 'solana')?.address ?? '';
  node.ledger.giveLamports(treasury, 10_000_000_000n);
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const wallet = await solanaWallet(server.live, customer.id);
  for (const mint of [mints.usdc, mints.eurc]) {
    node.ledger.pay(mint, treasury, 1_000_000_000n);
    node.ledger.pay(mint, wallet.address, 100_000_000n);
  }
  node.ledger.mine(3);
  return {
    ...{ ...started, wallet, rail: 'solana', currency: 'usdc', unlisted: 'eurc', sentMinor: 9_970_000n },
    pass: async () => node.ledger.mine(3),
    expire: async () => node.ledger.mine(170),
    lose(isLosing) {
      node.taking = isLosing ? 'loses' : 'takes';
    },
    paidTo: async (address) => node.ledger.balanceOf(address, mints.usdc) ?? 0n,
    stranger: named,
    stop: () => started.stop().then(() => node.stop()),
  };
}

async function tronFixture(): Promise<Fixture> {
  const tron = await startTron();
  const rates = await startRates();
  const more = { ratesUrl: rates.url, ratesMapping: '/rates/{TO}', ...withoutFees };
  const started = await startWithSigner({ tron: tronEntry(tron) }, more);
  const { server } = started;
  const treasury = server.app.treasuries.find(({ chain }) => chain === 'tron')?.address ?? '';
  tron.ledger.giveSun(treasury, 100_000_000_000);
  const customer = await liveCustomer(server.app, server.live, server.liveKey);
  const wallet = await tronWallet(server.live, customer.id);
  tron.ledger.mine(5);
  tron.pay({ to: treasury, amount: 1_000_000_000n });
  await fundWallet(server.live, tron, wallet, 100_000_000n);
  const strangers = ['TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt', 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'];
  const rest = ['TFz2CJn9CJb8C4i1Gke3jmZX2fRMJxniH2', 'TQSw9qVAigRwfgPdf7aW4wxbG9tFitexg2'];
  return {
    ...{ ...started, wallet, rail: 'tron', currency: 'usdt', unlisted: 'usdt', sentMinor: 12_500_000n },
    pass: async () => tron.ledger.mine(4),
    expire: async () => tron.ledger.mine(40),
    lose(isLosing) {
      tron.faults.forgetful = isLosing ? 1_000_000 : 0;
    },
    paidTo: async (address) => tron.ledger.tokenOf(tron.usdt, address),
    stranger: (name) => {
      const at = ['lost answer', 'expired', 'forgotten', 'listed'].indexOf(name);
      return [...strangers, ...rest].at(at) ?? '';
    },
    async stop() {
      await started.stop();
      await tron.stop();
      await rates.stop();
    },
  };
}

describe.each([
  ['EVM', evmFixture],
  ['Solana', solanaFixture],
  ['Tron', tronFixture],
])('on %s', (family, open) => {
  let fixture: Fixture;
  beforeAll(async () => {
    fixture = await open();
    const { server, wallet } = fixture;
    const funded = async (): Promise<void> => {
      await fixture.pass();
      const { balances } = await ok(server.live.get(`/v1/crypto-wallets/${wallet.id}/balance`));
      const full = balances.filter(({ available }: { available: string }) => Number(available) >= 75);
      expect(full).toHaveLength(family === 'Tron' ? 1 : 2);
    };
    await vi.waitFor(funded, polling);
  }, 60_000);
  afterAll(() => fixture?.stop());

  const polling = { timeout: 30_000, interval: 100 };
  const send = async (to: string, currency = fixture.currency): Promise<string> => {
    const source = currency === 'eurc' ? { sourceCurrency: 'eurc' } : {};
    const body = {
      ...{ customerId: fixture.wallet.customerId, walletId: fixture.wallet.id, amount: '10.00', ...source },
      ...{ destinationCurrency: currency, destinationPaymentRail: fixture.rail, destinationAddress: to },
    };
    return (await ok(fixture.server.live.post('/v1/transfers', body))).id;
  };
  const withoutUnlisted = (all: SignerPolicy): SignerPolicy => {
    const { rail, unlisted } = fixture;
    const { [unlisted as 'usdc']: _, ...tokens } = all[rail]?.tokens ?? {};
    return { ...all, [rail]: { ...all[rail], tokens } } as SignerPolicy;
  };
  const requestsOf = (id: string) =>
    fixture.signer.requests
      .filter(({ reference }) => reference === id)
      .map(({ replaces, unsigned }) => ({ replaces, unsigned: Buffer.from(unsigned).toString('hex') }));
  const statusOf = async (id: string): Promise<string> =>
    (await ok(fixture.server.live.get(`/v1/transfers/${id}`))).status;
  const untilCompleted = async (id: string): Promise<void> => {
    // While no blocks pass, nothing expires.
    await expect.poll(() => statusOf(id), polling).toMatch(/payment_submitted|completed/);
    await expect
      .poll(async () => {
        await fixture.pass();
        return statusOf(id);
      }, polling)
      .toBe('completed');
  };
  const attemptsOf = async (id: string): Promise<string[]> => {
    const text = 'select tx_hash from chain_attempts where payment_id = $1 order by number';
    const { rows } = await fixture.server.app.pool.query<{ tx_hash: string }>(text, [id]);
    return rows.map(({ tx_hash: hash }) => hash);
  };
  const spent = async (asset = fixture.currency): Promise<bigint> => {
    const day = new Date().toISOString().slice(0, 10);
    const totals = (await fixture.signer.book().status(day)).spent;
    return totals.find((total) => total.asset === asset)?.amount ?? 0n;
  };

  test('an answer of the signer that is lost is asked for again with the same bytes, counted and paid once', async () => {
    const { paidTo, sentMinor, signer, stranger } = fixture;
    const before = await spent();
    signer.loses = 2;
    const id = await send(stranger('lost answer'));
    await untilCompleted(id);
    const requests = requestsOf(id);
    expect(requests.length).toBeGreaterThanOrEqual(3);
    expect(new Set(requests.map(({ unsigned }) => unsigned)).size).toBe(1);
    expect(await attemptsOf(id)).toHaveLength(1);
    expect(await paidTo(stranger('lost answer'))).toBe(sentMinor);
    expect((await spent()) - before).toBe(sentMinor);
    expect((await fixture.server.app.pool.query('select from chain_drafts')).rowCount).toBe(0);
  });

  /** On EVM chains a transaction does not expire. */
  const expiring = family === 'EVM' ? [] : [family];
  test.each(expiring)(
    'an expired transaction is replaced by one that names it, and its amount is not counted again',
    async () => {
      const { paidTo, sentMinor, stranger } = fixture;
      const [before, again] = [await spent(), await spent(`${fixture.currency} again`)];
      fixture.lose(true);
      const id = await send(stranger('expired'));
      await expect.poll(() => statusOf(id), polling).toBe('payment_submitted');
      const [first] = await attemptsOf(id);
      await fixture.expire();
      await expect.poll(() => requestsOf(id).length, polling).toBe(2);
      fixture.lose(false);
      await untilCompleted(id);
      expect(requestsOf(id).map(({ replaces }) => replaces)).toEqual([undefined, first]);
      expect(await paidTo(stranger('expired'))).toBe(sentMinor);
      expect((await spent()) - before).toBe(sentMinor);
      expect((await spent(`${fixture.currency} again`)) - again).toBe(sentMinor);
    },
  );

  test('a database that has lost what it had signed learns it from the signer, and pays once', async () => {
    const { paidTo, sentMinor, server, signer, stranger } = fixture;
    signer.loses = 1_000_000;
    const id = await send(stranger('forgotten'));
    await expect.poll(() => requestsOf(id).length, polling).toBeGreaterThan(0);
    const [first] = requestsOf(id);
    // As in a copy of the database from before.
    await server.ownerPool.query(
      `lock table chain_payments in exclusive mode; lock table chain_drafts in exclusive mode;
       delete from chain_drafts where payment_id = '${id}'; delete from chain_payments where id = '${id}';
       update chain_sequences set next_sequence = next_sequence - 1`,
    );
    await fixture.pass();
    signer.loses = 0;
    await untilCompleted(id);
    expect(await paidTo(stranger('forgotten'))).toBe(sentMinor);
    expect(await attemptsOf(id)).toHaveLength(1);
    // The nonce allows a replacement; elsewhere only the same bytes are signed.
    if (family !== 'EVM') expect(requestsOf(id).at(-1)?.unsigned).toBe(first?.unsigned);
  });

  test('a token that the policy lacks holds up its own payments only', async () => {
    const { currency, log, paidTo, sentMinor, server, signer, stranger, unlisted } = fixture;
    await signer.restart(withoutUnlisted);
    const held = await send(stranger('unlisted'), unlisted);
    await expect.poll(log, polling).toContain('The policy does not allow');
    const open = async () =>
      (await server.app.pool.query("select from chain_payments where id = $1 and status = 'open'", [held]))
        .rowCount;
    // Nothing stays reserved for it, which would hold up the others.
    await expect.poll(open, polling).toBe(0);
    expect(await statusOf(held)).toBe('funds_received');
    if (unlisted !== currency) {
      const others = [await send(stranger('listed')), await send(stranger('listed'))];
      for (const id of others) await untilCompleted(id);
      expect(await paidTo(stranger('listed'))).toBe(2n * sentMinor);
      expect(await statusOf(held)).toBe('funds_received');
    }
    await signer.restart();
    await untilCompleted(held);
  });

  const authorising = family === 'EVM' ? [family] : [];
  test.each(authorising)(
    'a sweep that the signer refuses while it is prepared holds up nothing, also if a process ended before it was signed',
    async () => {
      const { paidTo, sentMinor, server, signer, stranger } = fixture;
      await signer.restart(withoutUnlisted);
      const paid = await paidTo(stranger('listed'));
      const treasury = treasuryOf(server, 'base');
      const index = `(select derivation_index from wallets where id = '${fixture.wallet.id}')`;
      await changeWithCodes(
        server.ownerPool,
        `with slot as (update chain_sequences set next_sequence = next_sequence + 1
           where chain = 'base' and sender = '${treasury}' returning next_sequence - 1 as sequence)
         insert into chain_payments (chain, id, kind, sender, sequence, currency, address, wallet_index, amount, status,
             created_at, updated_at)
           select 'base', 'sweep_refused', 'authorised_sweep', '${treasury}', sequence, 'eurc', '0xdeposit', ${index}, 60000000,
             'open', now() - interval '1 hour', now() from slot`,
        [['chain_payments', 'sweep_refused']],
      );
      await untilCompleted(await send(stranger('listed')));
      expect((await paidTo(stranger('listed'))) - paid).toBe(sentMinor);
      const { rowCount } = await server.app.pool.query(
        "select from chain_payments where id = 'sweep_refused'",
      );
      expect(rowCount).toBe(0);
      await signer.restart();
    },
  );

  test('a record that was restored from an older copy signs nothing', async () => {
    const { log, signer, stranger } = fixture;
    const record = join(signer.directory, 'signed.record');
    await copyFile(record, `${record}.backup`);
    await untilCompleted(await send(stranger('listed')));
    await signer.restart(undefined, () => copyFile(`${record}.backup`, record));
    const id = await send(stranger('listed'));
    await expect.poll(log, polling).toContain('it was restored from an older copy');
    expect(await statusOf(id)).toBe('funds_received');
    expect(signer.book().entries()).toBeGreaterThan(0);
  });
});
