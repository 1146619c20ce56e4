import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyLedger } from '../../server/src/ledger/verify.ts';
import { closeInternalTransfer, creditInternalTransfer } from '../../server/src/onchain/internal/commands.ts';
import { listOpenInternalTransfers } from '../../server/src/onchain/internal/queries.ts';
import { bucketOfId } from '../../server/src/platform/ids.ts';
import type { InternalTransferRow } from '../../server/src/store/tables/transactions.ts';
import type { ApiClient } from '../support/client.ts';
import {
  balanceOf,
  completed,
  fundedWallet,
  minor,
  newOrganisation,
  newWallet,
  ok,
  transferBody,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** A transfer to a deposit address of the sandbox is booked: the receiver sees a deposit, and custody does not move. */

interface Wallet {
  readonly id: string;
  readonly customerId: string;
}

async function addressOf(api: ApiClient, walletId: string, chain = 'solana'): Promise<string> {
  const addresses = await ok(api.get(`/v1/crypto-wallets/${walletId}/crypto-deposit-addresses`));
  return addresses.find((one: { chain: string }) => one.chain === chain).address;
}

async function sendTo(api: ApiClient, from: Wallet, to: Wallet, more: object = {}) {
  const destinationAddress = await addressOf(api, to.id);
  return ok(api.post('/v1/transfers', transferBody(from, { amount: '10.00', destinationAddress, ...more })));
}

async function depositsOf(api: ApiClient, walletId: string) {
  return walk(api, `/v1/transactions?walletId=${walletId}&type=deposit`, 50);
}

/** What the accounts of a kind hold together. */
async function heldBy({ app }: TestServer, kind: string): Promise<bigint> {
  const { rows } = await app.pool.query<{ sum: string }>(
    'select coalesce(sum(balance_minor), 0)::text as sum from accounts where kind = $1',
    [kind],
  );
  return BigInt(rows[0]?.sum ?? 0);
}

async function expectVerified(server: TestServer): Promise<void> {
  expect((await verifyLedger(server.app.pool)).problems).toEqual([]);
}

describe('a transfer to a deposit address of the sandbox', () => {
  let server: TestServer;
  let api: ApiClient;
  beforeAll(async () => {
    server = await startServer();
    api = server.api;
  });
  afterAll(() => server.stop());

  it('is booked, not broadcast: fee and all, with a deposit and events on the other side', async () => {
    const [from, to] = [await fundedWallet(api, '50.00'), await newWallet(api)];
    const custody = await heldBy(server, 'custody');
    const sent = await sendTo(api, from, to);
    expect(await completed(api, sent.id)).toMatchObject({
      fee: '0.03',
      netAmount: '9.97',
      finalAmount: '9.97',
      gasFee: '0.00',
      destinationTxHash: null,
      destinationAddress: await addressOf(api, to.id),
    });
    const [arrived] = await depositsOf(api, to.id);
    expect(arrived).toMatchObject({
      type: 'deposit',
      status: 'completed',
      customerId: to.customerId,
      amount: '9.97',
      fee: '0.00',
      finalAmount: '9.97',
      sourcePaymentRail: 'solana',
      sourceTxHash: null,
    });
    expect(await balanceOf(api, from.id)).toBe('40.00');
    expect(await balanceOf(api, to.id)).toBe('9.97');
    expect(await heldBy(server, 'custody')).toBe(custody);
    expect(await heldBy(server, 'internal_transit')).toBe(0n);
    const told = await walk(api, `/v1/events?objectId=${arrived.id}`, 50).catch(() => []);
    const events = told.length > 0 ? told : await walk(api, '/v1/events', 200);
    const types = events.filter(({ data }) => data.id === arrived.id).map(({ type }) => type);
    expect(types.sort()).toEqual(['transaction.completed', 'transaction.created']);
    await expectVerified(server);
  });

  it('of USDC that arrives as USDT is converted on both sides, as a deposit of USDT would be', async () => {
    const [from, to] = [await fundedWallet(api, '50.00'), await newWallet(api)];
    const sent = await sendTo(api, from, to, { destinationCurrency: 'usdt' });
    const { finalAmount } = await completed(api, sent.id);
    const [arrived] = await depositsOf(api, to.id);
    expect(arrived).toMatchObject({
      amount: finalAmount,
      sourceCurrency: 'usdt',
      destinationCurrency: 'usdc',
    });
    expect(minor(await balanceOf(api, to.id))).toBe(minor(arrived.finalAmount));
    expect(arrived.exchangeRate).not.toBeNull();
    await expectVerified(server);
  });

  it('may go to the wallet that it left, and opens a closed one again', async () => {
    const [own, closed] = [await fundedWallet(api, '20.00'), await newWallet(api)];
    await completed(api, (await sendTo(api, own, own)).id);
    expect(await balanceOf(api, own.id)).toBe('19.97');
    await ok(api.patch(`/v1/crypto-wallets/${closed.id}`, { status: 'closed' }));
    const forced = await sendTo(api, own, closed);
    await ok(api.post(`/v1/sandbox/transactions/${forced.id}/advance`, { status: 'completed' }));
    expect((await ok(api.get(`/v1/crypto-wallets/${closed.id}`))).status).toBe('active');
    expect(await balanceOf(api, closed.id)).toBe('9.97');
    await expectVerified(server);
  });

  it('of another sandbox leaves for a simulated chain, and credits nobody there', async () => {
    const other = await newOrganisation(server, 'Another');
    const stranger = await newWallet(other.api);
    const from = await fundedWallet(api, '20.00');
    const destinationAddress = await addressOf(other.api, stranger.id);
    const sent = await ok(api.post('/v1/transfers', transferBody(from, { destinationAddress })));
    expect((await completed(api, sent.id)).destinationTxHash).not.toBeNull();
    expect(await balanceOf(other.api, stranger.id)).toBe('0.00');
    await expectVerified(server);
  });
});

describe('between two lanes', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await startServer({ lanes: 4 });
  });
  afterAll(() => server.stop());

  /** Two wallets that different lanes write. */
  async function walletsApart(): Promise<[Wallet, Wallet]> {
    const from = await fundedWallet(server.api, '50.00');
    for (;;) {
      const to = await newWallet(server.api);
      if (!server.app.writer.isOneLane(bucketOfId(from.id), bucketOfId(to.id))) return [from, to];
    }
  }

  it('the receiver is credited by a second statement, and nothing is left in transit', async () => {
    const [from, to] = await walletsApart();
    const sent = await sendTo(server.api, from, to);
    await completed(server.api, sent.id);
    await expect.poll(() => balanceOf(server.api, to.id), { timeout: 5000 }).toBe('9.97');
    await expect.poll(() => listOpenInternalTransfers(server.app.pool), { timeout: 5000 }).toEqual([]);
    expect(await heldBy(server, 'internal_transit')).toBe(0n);
    await expectVerified(server);
  });

  it('a process killed between any two steps, and others that repeat every step, credit it once', async () => {
    const [from, to] = await walletsApart();
    const sent = await sendTo(server.api, from, to);
    await completed(server.api, sent.id);
    const { rows } = await server.app.pool.query<InternalTransferRow>(
      'select * from internal_transfers where id = $1',
      [sent.id],
    );
    const row = rows[0] as InternalTransferRow;
    const { writer } = server.app;
    const other = await server.second();
    // As seen by processes that read the row while it was open, and were killed and started again in between.
    const steps = [writer, other.writer].flatMap((process) => [
      () => process.submit(creditInternalTransfer(row, undefined)),
      () => process.submit(creditInternalTransfer(row, undefined)),
      () => process.submit(closeInternalTransfer(row)),
    ]);
    await Promise.all(steps.map((step) => step()));
    expect(await depositsOf(server.api, to.id)).toHaveLength(1);
    expect(await balanceOf(server.api, to.id)).toBe('9.97');
    await expectVerified(server);
  });
});
