import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bucketOfId } from '../../server/src/platform/ids.ts';
import { limits } from '../../server/src/platform/limits.ts';
import { type ApiAnswer, type ApiClient, createClient } from '../support/client.ts';
import {
  address,
  approvedCustomer,
  balanceOf,
  completed,
  countRows,
  decideKyc,
  deposit,
  environmentOf,
  fundedWallet,
  inStatus,
  minor,
  missingLike,
  newWallet,
  ok,
  suspend,
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

const send = (body: object) => api.post('/v1/transfers', body);

describe('two hundred concurrent transfers of 1.00 from a wallet of 100.00', () => {
  async function race(target: TestServer, clients: readonly ApiClient[]): Promise<void> {
    const wallet = await fundedWallet(target.api, '100.00');
    const body = transferBody(wallet);
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (clients[index % clients.length] as ApiClient).post('/v1/transfers', body),
      ),
    );
    const accepted = answers.filter(({ status }) => status === 200);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(accepted).toHaveLength(100);
    expect(refused.map(({ error, status }) => [status, error.reason])).toEqual(
      refused.map(() => [400, 'insufficient_funds']),
    );
    await Promise.all(accepted.map(({ data }) => completed(target.api, data.id)));
    await expectAccountedFor(target.api, wallet.id, '100.00');
  }

  /** What was deposited is what is left, what was sent and what it cost. */
  async function expectAccountedFor(client: ApiClient, walletId: string, deposited: string): Promise<void> {
    const transfers = await walk(client, `/v1/transactions?walletId=${walletId}&type=transfer`, 200);
    const sum = (field: string) => transfers.reduce((total, transfer) => total + minor(transfer[field]), 0n);
    const left = await balanceOf(client, walletId);
    expect(minor(left) + sum('finalAmount') + sum('fee')).toBe(minor(deposited));
    expect([transfers.length, left, sum('fee')]).toEqual([100, '0.00', minor('0.30')]);
    const { ok: sound, problems } = await ok(client.get('/v1/ledger/verify'));
    expect({ sound, problems }).toEqual({ sound: true, problems: [] });
  }

  it('never overdraw it', () => race(server, [api]));

  it.each([1, 4])('never overdraw it through two servers with %i lanes', async (lanes) => {
    const pair = await startServer({ lanes });
    try {
      await race(pair, [pair.api, await createClient((await pair.second()).url, pair.testKey)]);
    } finally {
      await pair.stop();
    }
  });
});

describe('the life of a transfer', () => {
  const chains: [chain: string, currency: string, to: string, txHash: RegExp][] = [
    ['solana', 'usdc', address.solana, /^[1-9A-HJ-NP-Za-km-z]{86,88}$/],
    ['base', 'usdc', address.evm, /^0x[0-9a-f]{64}$/],
    ['avalanche', 'eurc', address.evm, /^0x[0-9a-f]{64}$/],
    ['ethereum', 'pyusd', address.evm, /^0x[0-9a-f]{64}$/],
  ];

  it.each(chains)('on %s in %s', async (chain, currency, to, txHash) => {
    const wallet = await newWallet(api);
    const where = chain === 'base' ? 'ethereum' : chain;
    await deposit(api, wallet.id, '14.40', { chain: where, currency });
    const created = await ok(
      send(
        transferBody(wallet, {
          amount: '10.00',
          sourceCurrency: currency,
          destinationCurrency: currency,
          destinationPaymentRail: chain,
          destinationAddress: to,
          reference: 'rent',
          clientReferenceId: `ref-${chain}-${currency}`,
          metadata: { flat: '4' },
        }),
      ),
    );
    expect(created).toEqual({
      id: expect.stringMatching(/^txn_/),
      customerId: wallet.customerId,
      walletId: wallet.id,
      type: 'transfer',
      status: 'in_review',
      amount: '10.00',
      sourceCurrency: currency,
      destinationCurrency: currency,
      fee: '0.03',
      netAmount: '9.97',
      finalAmount: null,
      exchangeFee: null,
      exchangeRate: null,
      destinationPaymentRail: chain,
      destinationAddress: to,
      destinationTxHash: null,
      gasFee: null,
      reference: 'rent',
      clientReferenceId: `ref-${chain}-${currency}`,
      returnReason: null,
      metadata: { flat: '4' },
      timeline: [{ status: 'in_review', at: created.createdAt }],
      createdAt: created.createdAt,
      updatedAt: created.createdAt,
    });
    const ended = await completed(api, created.id);
    const statuses = ['in_review', 'funds_received', 'payment_submitted', 'completed'];
    expect(ended).toEqual({
      ...created,
      status: 'completed',
      finalAmount: '9.97',
      gasFee: '0.00',
      exchangeFee: '0.00',
      destinationTxHash: expect.stringMatching(txHash),
      timeline: statuses.map((status) => ({ status, at: expect.any(String) })),
      updatedAt: ended.timeline[3].at,
    });
    const times = ended.timeline.map(({ at }: { at: string }) => at);
    expect(times).toEqual([...times].sort());
    const { balances } = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
    const held = { currency, available: '4.40', pending: '0.00', total: '4.40' };
    expect(balances.find((entry: { currency: string }) => entry.currency === currency)).toEqual(held);
  });

  it('of USDC that is sent as USDT is converted at the rate of the moment when it is sent', async () => {
    const wallet = await fundedWallet(api, '10.00');
    const tron = { destinationPaymentRail: 'tron', destinationCurrency: 'usdt' };
    const body = transferBody(wallet, { ...tron, amount: '10.00', destinationAddress: address.tron });
    const created = await ok(send(body));
    const unknown = { finalAmount: null, exchangeFee: null, exchangeRate: null };
    expect(created).toMatchObject({ sourceCurrency: 'usdc', destinationCurrency: 'usdt', ...unknown });
    const ended = await completed(api, created.id);
    const exact = Number(ended.netAmount) * Number(ended.exchangeRate);
    expect(ended.netAmount).toBe('9.97');
    expect(minor(ended.finalAmount)).toBe(BigInt(Math.floor(Math.round(exact * 1e12) / 1e6)));
    expect(minor(ended.exchangeFee)).toBeGreaterThan(0n);
    expect(ended.destinationTxHash).toMatch(/^[0-9a-f]{64}$/);
    const journals = await ok(api.get(`/v1/ledger/journals?transactionId=${created.id}`));
    const lines = journals.flatMap(({ postings }: { postings: object[] }) => postings);
    expect(lines).toContainEqual(
      expect.objectContaining({
        accountId: expect.stringMatching(/:custody:tron:usdt$/),
        side: 'credit',
        amount: ended.finalAmount,
      }),
    );
    expect(await balanceOf(api, wallet.id)).toBe('0.00');
    expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
  });

  it('that is converted and fails is refunded whole, in the currency that it left in', async () => {
    const wallet = await fundedWallet(api, '100.00');
    const tron = { destinationPaymentRail: 'tron', destinationCurrency: 'usdt' };
    const body = transferBody(wallet, { ...tron, amount: '66.13', destinationAddress: address.tron });
    const ended = await inStatus(api, (await ok(send(body))).id, 'refunded');
    expect(ended).toMatchObject({ finalAmount: null, exchangeRate: null });
    expect(await balanceOf(api, wallet.id)).toBe('100.00');
    expect(await ok(api.get('/v1/ledger/verify'))).toMatchObject({ ok: true, problems: [] });
  });

  it('writes an event for every step, and each holds what the transfer was then', async () => {
    const wallet = await fundedWallet(api, '2.00');
    const { id } = await ok(send(transferBody(wallet)));
    const ended = await completed(api, id);
    const events = (await walk(api, '/v1/events', 200)).filter(({ data }) => data.id === id).reverse();
    expect(events.map(({ data, type }) => [type, data.status])).toEqual([
      ['transaction.created', 'in_review'],
      ['transaction.updated', 'funds_received'],
      ['transaction.updated', 'payment_submitted'],
      ['transaction.updated', 'completed'],
      ['transaction.completed', 'completed'],
    ]);
    expect(events.at(-1)?.data).toEqual(ended);
    expect(events[2]?.data.destinationTxHash).toBe(ended.destinationTxHash);
  });

  it('takes the whole amount out of the available balance immediately', async () => {
    const slow = await startServer({ sandboxStepMs: 3_600_000 });
    try {
      const wallet = await fundedWallet(slow.api, '14.40');
      await ok(slow.api.post('/v1/transfers', transferBody(wallet, { amount: '10.00' })));
      const { balance, balances } = await ok(slow.api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
      expect(balance).toBe('4.40');
      expect(balances).toEqual([{ currency: 'usdc', available: '4.40', pending: '0.00', total: '4.40' }]);
      const again = await slow.api.post('/v1/transfers', transferBody(wallet, { amount: '4.41' }));
      expect(again.error.reason).toBe('insufficient_funds');
    } finally {
      await slow.stop();
    }
  });

  it.each([
    ['the text "1"', '1', '1.00', '0.003', '0.997'],
    ['the text "1.500000000"', '1.500000000', '1.50', '0.0045', '1.4955'],
    ['the number 1', 1, '1.00', '0.003', '0.997'],
    ['the number 2.5', 2.5, '2.50', '0.0075', '2.4925'],
    ['the number 0.1', 0.1, '0.10', '0.0003', '0.0997'],
    ['the number 0.000002', 0.000002, '0.000002', '0.000001', '0.000001'],
    ['a fee that is rounded up', '0.001001', '0.001001', '0.000004', '0.000997'],
  ])('takes an amount given as %s', async (_name, amount, printed, fee, netAmount) => {
    const wallet = await fundedWallet(api, '10.00');
    const transfer = await ok(send(transferBody(wallet, { amount })));
    expect(transfer).toMatchObject({ amount: printed, fee, netAmount });
  });

  it('writes an EVM address in its checksummed form', async () => {
    const wallet = await fundedWallet(api, '10.00');
    const rail = { destinationPaymentRail: 'polygon', destinationAddress: address.evm.toLowerCase() };
    expect((await ok(send(transferBody(wallet, rail)))).destinationAddress).toBe(address.evm);
  });
});

describe('a transfer is refused', () => {
  let wallet: { id: string; customerId: string };
  beforeAll(async () => {
    wallet = await fundedWallet(api, '10.00');
  });

  async function expectRefused(
    body: object,
    status: number,
    reason: string,
    path: string,
    message: RegExp = /./,
  ): Promise<ApiAnswer> {
    const before = await countRows(server.app, 'transactions');
    const answer = await send(body);
    expect([answer.status, answer.error.reason], answer.text).toEqual([status, reason]);
    expect(answer.error.message).toMatch(message);
    if (path) expect(answer.error.details?.map((detail) => detail.path)).toContain(path);
    expect(await countRows(server.app, 'transactions')).toBe(before);
    return answer;
  }

  it('on a rail that does not exist, and says which do', async () => {
    const body = transferBody(wallet, { destinationPaymentRail: 'pigeon' });
    await expectRefused(body, 400, 'unsupported_rail', '/destinationPaymentRail', /solana, ethereum.*tron/);
  });

  it.each([
    ['usdc', 'tron', address.tron, /solana, ethereum, arbitrum, base, optimism, polygon, avalanche/],
    ['pyusd', 'base', address.evm, /solana, ethereum, arbitrum/],
    ['eurc', 'polygon', address.evm, /solana, ethereum, base, avalanche/],
  ])('when there is no %s on %s, and says where there is', async (currency, rail, to, message) => {
    const body = transferBody(wallet, {
      sourceCurrency: currency,
      destinationCurrency: currency,
      destinationPaymentRail: rail,
      destinationAddress: to,
    });
    await expectRefused(body, 400, 'unsupported_rail', '/destinationPaymentRail', message);
  });

  it('when it would arrive in another currency, and says which would fit', async () => {
    const body = transferBody(wallet, { destinationCurrency: 'eurc' });
    await expectRefused(body, 400, 'unsupported_currency', '/destinationCurrency', /usdc/);
  });

  it.each(['usdt', 'usd', 'USDC', '__proto__'])(
    'out of a currency that no wallet holds: %s',
    async (source) => {
      const body = transferBody(wallet, { sourceCurrency: source, destinationCurrency: source });
      await expectRefused(body, 400, 'unsupported_currency', '/sourceCurrency', /usdc, pyusd, eurc/);
    },
  );

  it.each([
    ['solana', address.evm],
    ['solana', address.tron],
    ['solana', `${address.solana}1`],
    ['base', address.solana],
    ['base', address.evm.slice(0, -1)],
    ['base', address.evm.replace('d8dA', 'd8da')],
    ['base', `0x${'0'.repeat(40)}`],
  ])('to an address that does not fit %s: %s', async (rail, to) => {
    const body = transferBody(wallet, { destinationPaymentRail: rail, destinationAddress: to });
    await expectRefused(body, 400, 'invalid_address', '/destinationAddress', /\w{4}/);
  });

  it.each([
    ['a token contract', 'base', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913'],
    ['a token contract of another chain', 'base', '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'],
    ['a precompile', 'polygon', `0x${'2'.padStart(40, '0')}`],
    ['a mint', 'solana', 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v'],
    ['a token program', 'solana', 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA'],
    ['a sysvar', 'solana', 'SysvarC1ock11111111111111111111111111111111'],
  ])('to %s on %s, which nobody can use, in sandbox and live alike', async (_what, rail, to) => {
    const body = transferBody(wallet, { destinationPaymentRail: rail, destinationAddress: to });
    await expectRefused(body, 400, 'unusable_address', '/destinationAddress', /must not be a/);
  });

  it('to the treasury of the server itself', async () => {
    for (const { address: to, chain } of server.app.treasuries) {
      if (chain === 'tron') continue;
      const body = transferBody(wallet, { destinationPaymentRail: chain, destinationAddress: to });
      await expectRefused(body, 400, 'unusable_address', '/destinationAddress', /server's own/);
    }
  });

  it.each([
    ['0', 'invalid_amount'],
    ['0.00', 'invalid_amount'],
    ['-1.00', 'invalid_amount'],
    ['1.0000001', 'invalid_amount'],
    ['1e2', 'invalid_amount'],
    ['1,00', 'invalid_amount'],
    [' 1', 'invalid_amount'],
    ['', 'invalid_amount'],
    ['Infinity', 'invalid_amount'],
    ['9'.repeat(30), 'invalid_amount'],
    ['9'.repeat(limits.shortTextLength), 'invalid_amount'],
    ['9'.repeat(3000), 'validation_failed'],
    [0, 'invalid_amount'],
    [-1, 'invalid_amount'],
    [1.0000001, 'invalid_amount'],
    [1e21, 'invalid_amount'],
    [1e-7, 'invalid_amount'],
    ['0.000001', 'amount_too_small'],
    ['10.01', 'insufficient_funds'],
    [true, 'validation_failed'],
    [null, 'validation_failed'],
    [['1.00'], 'validation_failed'],
  ])('of the amount %j', async (amount, reason) => {
    await expectRefused(transferBody(wallet, { amount }), 400, reason, '/amount');
  });

  it('with every fault together', async () => {
    const body = transferBody(wallet, { amount: '0', destinationAddress: 'nowhere' });
    const { error } = await expectRefused(body, 400, 'invalid_amount', '/destinationAddress');
    expect(error.details?.map(({ path }) => path)).toEqual(['/amount', '/destinationAddress']);
  });

  it("out of another customer's wallet and out of none", async () => {
    const { id: customerId } = await approvedCustomer(api);
    const others = transferBody(wallet, { customerId });
    await expectRefused(others, 400, 'wallet_not_found', '/walletId');
    const none = transferBody(wallet, { walletId: missingLike(wallet.id) });
    await expectRefused(none, 400, 'wallet_not_found', '/walletId');
  });

  it("out of another customer's wallet, without hiding that customer from what follows", async () => {
    let stranger = await approvedCustomer(api);
    while (bucketOfId(stranger.id) === bucketOfId(wallet.id)) stranger = await approvedCustomer(api);
    // Another process has not read the customer yet.
    const fresh = await createClient((await server.second()).url, server.testKey);
    const refused = await fresh.post('/v1/transfers', transferBody(wallet, { customerId: stranger.id }));
    expect([refused.status, refused.error.reason]).toEqual([400, 'wallet_not_found']);
    await ok(fresh.post('/v1/crypto-wallets', { customerId: stranger.id }));
  });

  it('by a customer who does not exist', async () => {
    const body = transferBody(wallet, { customerId: missingLike(wallet.customerId) });
    await expectRefused(body, 400, 'customer_not_found', '/customerId');
  });

  it('out of a frozen and out of a closed wallet', async () => {
    const closing = await newWallet(api);
    const path = `/v1/crypto-wallets/${closing.id}`;
    await ok(api.patch(path, { status: 'frozen' }));
    await expectRefused(transferBody(closing), 409, 'wallet_frozen', '');
    await ok(api.patch(path, { status: 'closed' }));
    await expectRefused(transferBody(closing), 409, 'wallet_closed', '');
  });

  it.each(['not_started', 'under_review', 'incomplete', 'rejected'])(
    'by a customer whose verification is %s, and says what is missing',
    async (kycStatus) => {
      const theirs = await fundedWallet(api, '10.00');
      await decideKyc(api, theirs.customerId, kycStatus);
      const { error } = await expectRefused(transferBody(theirs), 409, 'kyc_required', '/customerId');
      expect(error.details?.map(({ message }) => message)).toContain('identity');
      await decideKyc(api, theirs.customerId, 'approved');
      await ok(send(transferBody(theirs)));
    },
  );

  it('by a suspended customer, and says so', async () => {
    const theirs = await fundedWallet(api, '10.00');
    await suspend(server.app, await environmentOf(server, server.testKey), theirs.customerId);
    expect(await ok(api.get(`/v1/customers/${theirs.customerId}`))).toMatchObject({
      status: 'suspended',
      capabilities: { transfers: false },
    });
    await expectRefused(transferBody(theirs), 409, 'kyc_required', '/customerId', /suspended/);
  });

  it('with a live key, because there are no live chains here', async () => {
    const answer = await server.live.post('/v1/transfers', transferBody(wallet));
    expect([answer.status, answer.error.reason]).toEqual([400, 'rail_not_configured']);
  });
});
