import { isAddress } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiClient } from '../support/client.ts';
import {
  address,
  approvedCustomer,
  balanceOf,
  completed,
  deposit,
  fundedWallet,
  missingLike,
  newCustomer,
  newWallet,
  ok,
  transferBody,
  walk,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

let server: TestServer;
let api: ApiClient;
beforeAll(async () => {
  server = await startServer();
  api = server.api;
});
afterAll(() => server.stop());

const evmChains = ['ethereum', 'arbitrum', 'base', 'optimism', 'polygon', 'avalanche'];

describe('a new wallet', () => {
  it('is active, is what GET returns, and its event says the same', async () => {
    const { id: customerId } = await approvedCustomer(api);
    const wallet = await newWallet(api, customerId);
    expect(wallet).toEqual({
      id: expect.stringMatching(/^wal_[0-9a-z]{26}$/),
      customerId,
      status: 'active',
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updatedAt: wallet.createdAt,
    });
    expect(await ok(api.get(`/v1/crypto-wallets/${wallet.id}`))).toEqual(wallet);
    const [event] = await ok(api.get('/v1/events?type=wallet.created&limit=1'));
    expect(event.data).toEqual(wallet);
  });

  it('is empty', async () => {
    const { id } = await newWallet(api);
    expect(await ok(api.get(`/v1/crypto-wallets/${id}/balance`))).toEqual({
      walletId: id,
      balance: '0.00',
      balances: [{ currency: 'usdc', available: '0.00', pending: '0.00', total: '0.00' }],
    });
  });

  it('has an address of the right form on every chain, and says what may be sent there', async () => {
    const { id } = await newWallet(api);
    const addresses = await ok(api.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`));
    const all = ['usdc', 'usdt', 'pyusd', 'eurc'];
    expect(addresses.map(({ chain, currencies }: Row) => [chain, currencies])).toEqual([
      ['solana', all],
      ['ethereum', all],
      ['arbitrum', ['usdc', 'usdt', 'pyusd']],
      ['base', ['usdc', 'eurc']],
      ['optimism', ['usdc', 'usdt']],
      ['polygon', ['usdc', 'usdt']],
      ['avalanche', ['usdc', 'usdt', 'eurc']],
      ['tron', ['usdt']],
    ]);
    const on = (chain: string) => addresses.find((entry: Row) => entry.chain === chain).address;
    for (const chain of evmChains) {
      expect(isAddress(on(chain), { strict: true })).toBe(true);
      expect(on(chain)).toBe(on('ethereum'));
    }
    expect(on('solana')).toMatch(/^[1-9A-HJ-NP-Za-km-z]{32,44}$/);
    expect(on('tron')).toMatch(/^T[1-9A-HJ-NP-Za-km-z]{33}$/);
  });

  it('shares no address with any other, also of the same customer', async () => {
    const { id: customerId } = await approvedCustomer(api);
    const wallets = await Promise.all(Array.from({ length: 20 }, () => newWallet(api, customerId)));
    const lists = await Promise.all(
      wallets.map(({ id }) => ok(api.get(`/v1/crypto-wallets/${id}/crypto-deposit-addresses`))),
    );
    for (const chain of ['solana', 'base', 'tron']) {
      const found = lists.map((list) => list.find((entry: Row) => entry.chain === chain).address);
      expect(new Set(found).size).toBe(wallets.length);
    }
  });

  it('takes transfers to its own addresses as valid ones', async () => {
    const [from, to] = [await fundedWallet(api, '50.00'), await newWallet(api)];
    const addresses = await ok(api.get(`/v1/crypto-wallets/${to.id}/crypto-deposit-addresses`));
    for (const { address: target, chain } of addresses.filter((entry: Row) => entry.chain !== 'tron')) {
      const body = transferBody(from, { destinationPaymentRail: chain, destinationAddress: target });
      expect((await ok(api.post('/v1/transfers', body))).destinationAddress).toBe(target);
    }
  });

  it('needs a customer who exists', async () => {
    const { id } = await newCustomer(api);
    for (const customerId of [missingLike(id), 'cus_', 'nobody', '', id.toUpperCase()]) {
      const { error, status } = await api.post('/v1/crypto-wallets', { customerId });
      expect([status, error.reason]).toEqual([400, 'customer_not_found']);
      expect(error.details).toMatchObject([{ path: '/customerId' }]);
    }
  });

  it('needs a verified customer, and says what is missing', async () => {
    const { id: customerId } = await newCustomer(api);
    const { error, status } = await api.post('/v1/crypto-wallets', { customerId });
    expect([status, error.code, error.reason]).toEqual([409, 'CONFLICT', 'kyc_required']);
    expect(error.details).toEqual([
      { path: '/customerId', message: 'identity' },
      { path: '/customerId', message: 'terms_of_service' },
    ]);
  });
});

interface Row {
  readonly chain: string;
  readonly address: string;
  readonly currencies: string[];
}

describe('the status of a wallet', () => {
  const patch = (id: string, body: object) => api.patch(`/v1/crypto-wallets/${id}`, body);

  it('goes to frozen and back, each with an event', async () => {
    const wallet = await newWallet(api);
    const frozen = await ok(patch(wallet.id, { status: 'frozen' }));
    expect(frozen).toEqual({ ...wallet, status: 'frozen', updatedAt: frozen.updatedAt });
    expect(await ok(api.get(`/v1/crypto-wallets/${wallet.id}`))).toEqual(frozen);
    const thawed = await ok(patch(wallet.id, { status: 'active' }));
    const events = await ok(api.get('/v1/events?type=wallet.updated&limit=2'));
    expect(events.map(({ data }: { data: object }) => data)).toEqual([thawed, frozen]);
  });

  it('stays as it is without an event when nothing changes', async () => {
    const wallet = await newWallet(api);
    expect(await ok(patch(wallet.id, { status: 'active' }))).toEqual(wallet);
    const events = await ok(api.get('/v1/events?type=wallet.updated'));
    expect(events.filter(({ data }: { data: { id: string } }) => data.id === wallet.id)).toEqual([]);
  });

  it('lets a frozen wallet receive and not send', async () => {
    const wallet = await fundedWallet(api, '5.00');
    await ok(patch(wallet.id, { status: 'frozen' }));
    await deposit(api, wallet.id, '1.00');
    expect((await api.post('/v1/transfers', transferBody(wallet))).status).toBe(409);
    expect(await balanceOf(api, wallet.id)).toBe('6.00');
  });

  it('is closed only when the wallet is empty, also of other currencies and of what is under way', async () => {
    const wallet = await newWallet(api);
    await deposit(api, wallet.id, '1.00', { currency: 'eurc' });
    const refused = await patch(wallet.id, { status: 'closed' });
    expect([refused.status, refused.error.reason]).toEqual([409, 'wallet_not_empty']);
    const eurc = { sourceCurrency: 'eurc', destinationCurrency: 'eurc' };
    const { id } = await ok(api.post('/v1/transfers', transferBody(wallet, eurc)));
    await completed(api, id);
    expect(await ok(patch(wallet.id, { status: 'closed' }))).toMatchObject({ status: 'closed' });
  });

  it('is not closed while a transfer is under way', async () => {
    const slow = await startServer({ sandboxStepMs: 3_600_000 });
    try {
      const wallet = await fundedWallet(slow.api, '1.00');
      await ok(slow.api.post('/v1/transfers', transferBody(wallet)));
      const refused = await slow.api.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'closed' });
      expect([refused.status, refused.error.reason]).toEqual([409, 'wallet_not_empty']);
    } finally {
      await slow.stop();
    }
  });

  it('is final once it is closed: nothing goes in or out', async () => {
    const wallet = await newWallet(api);
    await ok(patch(wallet.id, { status: 'closed' }));
    for (const status of ['active', 'frozen']) {
      const refused = await patch(wallet.id, { status });
      expect([refused.status, refused.error.reason]).toEqual([409, 'wallet_closed']);
    }
    const body = { walletId: wallet.id, chain: 'base', currency: 'usdc', amount: '1.00' };
    const arriving = await api.post('/v1/sandbox/crypto-deposits', body);
    expect([arriving.status, arriving.error.reason]).toEqual([409, 'wallet_closed']);
    expect((await api.get(`/v1/crypto-wallets/${wallet.id}/balance`)).data.balance).toBe('0.00');
  });

  it.each([
    {},
    { status: 'open' },
    { status: null },
    { status: 'frozen', note: 'x' },
    { customerId: 'cus_x' },
  ])('is not changed by %j', async (body) => {
    const wallet = await newWallet(api);
    const { error, status } = await patch(wallet.id, body);
    expect([status, error.reason]).toEqual([400, 'validation_failed']);
    expect(await ok(api.get(`/v1/crypto-wallets/${wallet.id}`))).toEqual(wallet);
  });
});

describe('the list of wallets', () => {
  it('is narrowed to a customer and to a status, newest first', async () => {
    const [one, two] = [await approvedCustomer(api), await approvedCustomer(api)];
    const wallets = [];
    for (let count = 0; count < 5; count += 1) wallets.unshift(await newWallet(api, one.id));
    await newWallet(api, two.id);
    expect(await walk(api, `/v1/crypto-wallets?customerId=${one.id}`, 2)).toEqual(wallets);
    const frozen = await ok(api.patch(`/v1/crypto-wallets/${wallets[3].id}`, { status: 'frozen' }));
    expect(await ok(api.get(`/v1/crypto-wallets?customerId=${one.id}&status=frozen`))).toEqual([frozen]);
    expect(await ok(api.get(`/v1/crypto-wallets?customerId=${missingLike(one.id)}`))).toEqual([]);
    const all = await walk(api, '/v1/crypto-wallets', 200);
    const ids = all.map(({ id }) => id);
    expect(ids).toEqual([...ids].sort().reverse());
  });
});

describe('the books behind the wallets', () => {
  it('agree with the balances after deposits and transfers in several currencies', async () => {
    const wallet = await newWallet(api);
    await deposit(api, wallet.id, '10.00');
    await deposit(api, wallet.id, '20.000001', { chain: 'ethereum', currency: 'pyusd' });
    const sent = await ok(
      api.post(
        '/v1/transfers',
        transferBody(wallet, { destinationPaymentRail: 'base', destinationAddress: address.evm }),
      ),
    );
    await completed(api, sent.id);
    const { balance, balances } = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
    expect(balance).toBe('9.00');
    expect(balances).toEqual([
      { currency: 'usdc', available: '9.00', pending: '0.00', total: '9.00' },
      { currency: 'pyusd', available: '20.000001', pending: '0.00', total: '20.000001' },
    ]);
    expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
  });
});
