import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandboxRates } from '../../server/src/rates/sandbox-rates.ts';
import type { ApiClient } from '../support/client.ts';
import {
  balanceOf,
  countRows,
  deposit,
  minor,
  missingLike,
  newWallet,
  ok,
  stoppedClock,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

const clock = stoppedClock();
const part = (thousandths: bigint) => ({ numerator: thousandths, denominator: 1000n });
const rates = createSandboxRates({ fiat: part(5n), stablecoin: part(1n) });
let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer({ clock });
  api = server.api;
});
afterAll(() => server.stop());

const currenciesByChain: Record<string, string[]> = {
  solana: ['usdc', 'usdt', 'pyusd', 'eurc'],
  ethereum: ['usdc', 'usdt', 'pyusd', 'eurc'],
  arbitrum: ['usdc', 'usdt', 'pyusd'],
  base: ['usdc', 'eurc'],
  optimism: ['usdc', 'usdt'],
  polygon: ['usdc', 'usdt'],
  avalanche: ['usdc', 'usdt', 'eurc'],
  tron: ['usdt'],
};
const pairs = Object.keys(currenciesByChain).flatMap((chain) =>
  ['usdc', 'usdt', 'pyusd', 'eurc'].map((currency) => ({ chain, currency })),
);
const exists = ({ chain, currency }: { chain: string; currency: string }) =>
  currenciesByChain[chain]?.includes(currency) === true;
const txHashes: Record<string, RegExp> = {
  solana: /^[1-9A-HJ-NP-Za-km-z]{86,88}$/,
  tron: /^[0-9a-f]{64}$/,
};

describe('a deposit', () => {
  it('of USDC is credited as it is', async () => {
    const wallet = await newWallet(api);
    const arrived = await deposit(api, wallet.id, '14.40', { chain: 'base' });
    expect(arrived).toEqual({
      id: expect.stringMatching(/^txn_/),
      customerId: wallet.customerId,
      walletId: wallet.id,
      type: 'deposit',
      status: 'completed',
      amount: '14.40',
      sourceCurrency: 'usdc',
      destinationCurrency: 'usdc',
      fee: '0.00',
      netAmount: '14.40',
      finalAmount: '14.40',
      exchangeFee: '0.00',
      exchangeRate: null,
      sourcePaymentRail: 'base',
      sourceTxHash: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      metadata: {},
      timeline: [{ status: 'completed', at: arrived.createdAt }],
      createdAt: arrived.createdAt,
      updatedAt: arrived.createdAt,
    });
    expect(await balanceOf(api, wallet.id)).toBe('14.40');
    expect(await ok(api.get(`/v1/transactions/${arrived.id}`))).toEqual(arrived);
    const events = await ok(api.get('/v1/events?limit=2'));
    expect(events.map(({ data, type }: { data: object; type: string }) => [type, data])).toEqual([
      ['transaction.completed', arrived],
      ['transaction.created', arrived],
    ]);
  });

  it.each(pairs.filter(exists))('of $currency on $chain is taken', async ({ chain, currency }) => {
    const wallet = await newWallet(api);
    const arrived = await deposit(api, wallet.id, '2.00', { chain, currency });
    expect(arrived.sourceTxHash).toMatch(txHashes[chain] ?? /^0x[0-9a-f]{64}$/);
    const { balances } = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
    const credited = currency === 'usdt' ? 'usdc' : currency;
    const held = balances.find((entry: { currency: string }) => entry.currency === credited);
    expect(held.available).toBe(arrived.finalAmount);
    expect(balances.map((entry: { currency: string }) => entry.currency)).not.toContain('usdt');
  });

  it.each(pairs.filter((pair) => !exists(pair)))(
    'of $currency on $chain is refused, and says where there is any',
    async ({ chain, currency }) => {
      const body = { walletId: (await newWallet(api)).id, chain, currency, amount: '2.00' };
      const before = await countRows(server.app, 'transactions');
      const { error, status } = await api.post('/v1/sandbox/crypto-deposits', body);
      expect([status, error.reason]).toEqual([400, 'unsupported_currency']);
      expect(error.details).toMatchObject([{ path: '/currency' }]);
      const fitting = Object.keys(currenciesByChain).filter((other) => exists({ chain: other, currency }));
      expect(fitting.filter((other) => !error.message.includes(other))).toEqual([]);
      expect(await countRows(server.app, 'transactions')).toBe(before);
    },
  );

  it('of USDT is converted into USDC at the sell rate, rounded down, through balanced FX accounts', async () => {
    const wallet = await newWallet(api);
    const before = await fxPositions();
    const arrived = await deposit(api, wallet.id, '123.456789', { chain: 'tron', currency: 'usdt' });
    const { sellRate = '' } = rates.quote('usdt', 'usd', clock.now()) ?? {};
    const credited = (minor('123.456789') * minor(sellRate)) / 1_000_000n;
    expect(arrived).toMatchObject({
      amount: '123.456789',
      sourceCurrency: 'usdt',
      destinationCurrency: 'usdc',
      exchangeRate: sellRate,
    });
    expect(minor(arrived.finalAmount)).toBe(credited);
    expect(credited).toBeLessThan(minor('123.456789'));
    expect(minor(await balanceOf(api, wallet.id))).toBe(credited);
    const after = await fxPositions();
    expect(after.usdt - before.usdt).toBe(-minor('123.456789'));
    expect(after.usdc - before.usdc).toBe(credited);
    expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
  });

  it('of USDT gets the rate of its own time', async () => {
    const wallet = await newWallet(api);
    const seen = new Set<string>();
    for (let turn = 0; turn < 5; turn += 1) {
      const arrived = await deposit(api, wallet.id, '1.00', { currency: 'usdt' });
      expect(arrived.exchangeRate).toBe(rates.quote('usdt', 'usd', clock.now())?.sellRate);
      seen.add(arrived.exchangeRate);
      clock.advance(30_000);
    }
    expect(seen.size).toBeGreaterThan(1);
  });

  it('of so little USDT that it is worth nothing is refused', async () => {
    const body = { walletId: (await newWallet(api)).id, chain: 'tron', currency: 'usdt', amount: '0.000001' };
    const { error, status } = await api.post('/v1/sandbox/crypto-deposits', body);
    expect([status, error.reason]).toEqual([400, 'amount_too_small']);
  });

  it.each(['0', '-1', '0.0000001', '1e3', '', 'NaN', '1'.repeat(41), 0, -0.5, 1e300])(
    'of the amount %j is refused',
    async (amount) => {
      const body = { walletId: (await newWallet(api)).id, chain: 'base', currency: 'usdc', amount };
      const { error, status } = await api.post('/v1/sandbox/crypto-deposits', body);
      expect([status, error.reason]).toEqual([400, 'invalid_amount']);
      expect(error.details).toMatchObject([{ path: '/amount' }]);
    },
  );

  it('of the largest amount fits, and of one unit more does not', async () => {
    const { id } = await newWallet(api);
    await deposit(api, id, '1000000000.00');
    expect(await balanceOf(api, id)).toBe('1000000000.00');
    const body = { walletId: id, chain: 'base', currency: 'usdc', amount: '1000000000.000001' };
    expect((await api.post('/v1/sandbox/crypto-deposits', body)).error.reason).toBe('invalid_amount');
  });

  it('to no wallet, on no chain and in no currency is refused with the field at fault', async () => {
    const { id } = await newWallet(api);
    const body = { walletId: id, chain: 'base', currency: 'usdc', amount: '1.00' };
    const faults = [
      [{ ...body, walletId: missingLike(id) }, '/walletId'],
      [{ ...body, walletId: '' }, '/walletId'],
      [{ ...body, chain: 'bitcoin' }, '/chain'],
      [{ ...body, currency: 'btc' }, '/currency'],
      [{ ...body, currency: 'constructor' }, '/currency'],
    ] as const;
    for (const [faulty, path] of faults) {
      const { error, status } = await api.post('/v1/sandbox/crypto-deposits', faulty);
      expect([status, error.details?.[0]?.path], JSON.stringify(faulty)).toEqual([400, path]);
    }
  });
});

describe('the list of transactions', () => {
  it('is narrowed by every filter', async () => {
    const [one, two] = [await newWallet(api), await newWallet(api)];
    const first = await deposit(api, one.id, '5.00');
    clock.advance(1000);
    const second = await deposit(api, one.id, '6.00');
    clock.advance(1000);
    const third = await deposit(api, two.id, '7.00');
    const idsOf = async (query: string) =>
      (await walk(api, `/v1/transactions?${query}`, 1)).map(({ id }) => id);
    expect(await idsOf(`walletId=${one.id}`)).toEqual([second.id, first.id]);
    expect(await idsOf(`customerId=${two.customerId}&type=deposit&status=completed`)).toEqual([third.id]);
    expect(await idsOf(`walletId=${one.id}&type=transfer`)).toEqual([]);
    expect(await idsOf(`walletId=${one.id}&createdAfter=${second.createdAt}`)).toEqual([second.id]);
    expect(await idsOf(`walletId=${one.id}&createdBefore=${second.createdAt}`)).toEqual([first.id]);
    expect(await idsOf(`customerId=${one.customerId}&walletId=${two.id}`)).toEqual([]);
    const sent = await ok(
      api.post('/v1/transfers', {
        customerId: one.customerId,
        walletId: one.id,
        amount: 1,
        destinationCurrency: 'usdc',
        destinationPaymentRail: 'base',
        destinationAddress: '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045',
        clientReferenceId: 'order 7/b',
      }),
    );
    expect(await idsOf('clientReferenceId=order%207%2Fb')).toEqual([sent.id]);
    expect(await idsOf(`walletId=${one.id}&type=transfer&status=in_review`)).toEqual([sent.id]);
  });
});

/** What conversions have left in the FX accounts, in minor units. */
async function fxPositions(): Promise<{ usdt: bigint; usdc: bigint }> {
  const { rows } = await server.app.pool.query<{ currency: string; balance: bigint }>(
    `select currency, sum(balance_minor)::int8 as balance from accounts where kind = 'fx_position' group by 1`,
  );
  const of = (currency: string) => rows.find((row) => row.currency === currency)?.balance ?? 0n;
  return { usdt: of('usdt'), usdc: of('usdc') };
}
