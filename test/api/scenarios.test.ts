import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  approvedCustomer,
  balanceOf,
  decideKyc,
  deposit,
  fundedWallet,
  inStatus,
  minor,
  newCustomer,
  newWallet,
  ok,
  transferBody,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** What builders play in the sandbox, end to end over HTTP. After each of them the books are verified. */

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  const books = await ok(server.api.get('/v1/ledger/verify'));
  expect(books.problems).toEqual([]);
  expect(books.ok).toBe(true);
  await server.stop();
});

const counterparty = (customerId: string, body: object) =>
  ok(server.api.post('/v1/counterparties', { customerId, accountOwnerName: 'Ada Lovelace', ...body }));

const usBank = (accountNumber: string) => ({
  currency: 'usd',
  accountType: 'us_bank',
  account: { account_number: accountNumber, routing_number: '021000021' },
});

const transfer = (wallet: { id: string; customerId: string }, body: object) =>
  ok(server.api.post('/v1/transfers', transferBody(wallet, body)));

/** What an amount is at a rate, rounded down, in minor units of six decimals. */
const at = (amount: string, rate: string): bigint =>
  (minor(amount) * BigInt(rate.replace('.', ''))) / 10n ** BigInt(rate.split('.')[1]?.length ?? 0);

it('a EUR deposit to a virtual account pays a GBP payout', async () => {
  const { api } = server;
  const customer = await approvedCustomer(api);
  const account = await ok(
    api.post('/v1/virtual-accounts', { customerId: customer.id, sourceCurrency: 'eur' }),
  );
  const paidIn = await ok(
    api.post('/v1/sandbox/fiat-deposits', {
      virtualAccountId: account.id,
      amount: '1000.00',
      paymentRail: 'sepa',
      senderName: 'Charles Babbage',
    }),
  );
  expect(paidIn).toMatchObject({
    type: 'deposit',
    status: 'completed',
    amount: '1000.00',
    sourceCurrency: 'eur',
    destinationCurrency: 'usdc',
    fee: '30.00',
    netAmount: '970.00',
    virtualAccountId: account.id,
    sourcePaymentRail: 'sepa',
  });
  expect(minor(paidIn.finalAmount)).toBe(at('970.00', paidIn.exchangeRate));
  expect(await balanceOf(api, account.walletId)).toBe(paidIn.finalAmount);
  const history = await api.get(`/v1/virtual-accounts/${account.id}/history`);
  expect(history.data).toEqual([{ ...paidIn, senderName: 'Charles Babbage' }]);

  const payee = await counterparty(customer.id, {
    currency: 'gbp',
    accountType: 'gb_bank',
    account: { account_number: '31926819', sort_code: '60-16-13' },
  });
  const payout = await transfer(
    { id: account.walletId, customerId: customer.id },
    {
      amount: '500.00',
      destinationCurrency: 'gbp',
      destinationPaymentRail: 'faster_payments',
      destinationAddress: payee.id,
      reference: 'Invoice 42',
    },
  );
  expect(payout).toMatchObject({
    status: 'funds_received',
    fee: '15.00',
    netAmount: '485.00',
    payoutAccountId: payee.id,
    finalAmount: null,
    exchangeFee: null,
  });
  for (const absent of ['destinationAddress', 'destinationTxHash', 'gasFee']) {
    expect(payout).not.toHaveProperty(absent);
  }
  const paid = await inStatus(api, payout.id, 'payment_processed');
  expect(paid.status).toBe('payment_processed');
  expect(minor(paid.finalAmount) / 10_000n).toBe(at('485.00', paid.exchangeRate) / 10_000n);
  expect(paid.timeline.map(({ status }: { status: string }) => status)).toEqual([
    'funds_received',
    'payment_submitted',
    'payment_processed',
  ]);
  const left = minor(paidIn.finalAmount) - minor('500.00');
  expect(minor(await balanceOf(api, account.walletId))).toBe(left);
});

it('an ACH payout comes back with R03 four days later by the clock, and is refunded', async () => {
  const { api } = server;
  // Monday, 10:00 in New York: the day's file is still open.
  await ok(api.post('/v1/sandbox/clock/advance', { to: '2027-03-01T15:00:00.000Z' }));
  const wallet = await fundedWallet(api, '100.00');
  const payee = await counterparty(wallet.customerId, usBank('12345610003'));
  const payout = await transfer(wallet, {
    amount: '100.00',
    destinationCurrency: 'usd',
    destinationPaymentRail: 'ach',
    destinationAddress: payee.id,
    reference: 'PAYROLL 1',
  });
  const paid = await inStatus(api, payout.id, 'payment_processed');
  expect(paid).toMatchObject({ status: 'payment_processed', finalAmount: '97.00', returnCode: null });
  expect(paid.traceId).toMatch(/^\d{15}$/);
  expect(paid.estimatedArrivalAt).toBe('2027-03-02T13:30:00.000Z');
  expect(await balanceOf(api, wallet.id)).toBe('0.00');

  await ok(api.post('/v1/sandbox/clock/advance', { seconds: 2 * 86_400 }));
  expect((await ok(api.get(`/v1/transfers/${payout.id}`))).status).toBe('payment_processed');
  await ok(api.post('/v1/sandbox/clock/advance', { seconds: 2 * 86_400 }));
  const refunded = await inStatus(api, payout.id, 'refunded');
  expect(refunded).toMatchObject({ returnCode: 'R03', traceId: paid.traceId });
  expect(refunded.returnReason).toMatch(/no such account/i);
  expect(refunded.timeline.map(({ status }: { status: string }) => status)).toEqual([
    'funds_received',
    'payment_submitted',
    'payment_processed',
    'returned',
    'refunded',
  ]);
  expect(await balanceOf(api, wallet.id)).toBe('100.00');
  const events = await api.get(`/v1/events?type=transaction.completed`);
  const told = events.data.map(({ data }: { data: { status: string } }) => data.status).reverse();
  expect(told).toEqual(['completed', 'payment_processed', 'returned', 'refunded']);
});

it('a USDT deposit on Tron is credited in USDC', async () => {
  const { api } = server;
  const wallet = await newWallet(api);
  const addresses = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/crypto-deposit-addresses`));
  expect(addresses.find(({ chain }: { chain: string }) => chain === 'tron').currencies).toEqual(['usdt']);
  const arrived = await deposit(api, wallet.id, '250.00', { chain: 'tron', currency: 'usdt' });
  const rate = await ok(api.get('/v1/rates?from=usdt&to=usd'));
  expect(arrived).toMatchObject({ status: 'completed', sourceCurrency: 'usdt', destinationCurrency: 'usdc' });
  expect(arrived.exchangeRate).toBe(rate.sellRate);
  expect(minor(arrived.finalAmount)).toBe(at('250.00', rate.sellRate));
  expect(await balanceOf(api, wallet.id)).toBe(arrived.finalAmount);
});

it('mobile money in Ghana is paid without verification', async () => {
  const { api } = server;
  const unverified = await newCustomer(api);
  const payee = await counterparty(unverified.id, {
    currency: 'ghs',
    accountType: 'mobile_money',
    details: { provider: 'MTN', phoneNumber: '+233 50 123 4567' },
  });
  expect(payee.details).toEqual({ provider: 'MTN', phoneNumber: '+233501234567' });
  const refused = await api.post('/v1/counterparties', {
    customerId: unverified.id,
    accountOwnerName: 'Ama Mensah',
    ...usBank('123456789'),
  });
  expect([refused.status, refused.error.reason]).toEqual([409, 'kyc_required']);

  // A wallet needs verification; once it is there, its money reaches mobile money even if that lapses.
  await decideKyc(api, unverified.id, 'approved');
  const wallet = await newWallet(api, unverified.id);
  await deposit(api, wallet.id, '50.00');
  await decideKyc(api, unverified.id, 'incomplete');
  const payout = await transfer(wallet, {
    amount: '20.00',
    destinationCurrency: 'ghs',
    destinationPaymentRail: 'mobile_money',
    destinationAddress: payee.id,
  });
  const paid = await inStatus(api, payout.id, 'payment_processed');
  expect(paid).toMatchObject({ status: 'payment_processed', netAmount: '19.40', destinationCurrency: 'ghs' });
  expect(minor(paid.finalAmount) / 10_000n).toBe(at('19.40', paid.exchangeRate) / 10_000n);
  const onChain = await api.post('/v1/transfers', transferBody(wallet));
  expect([onChain.status, onChain.error.reason]).toEqual([409, 'kyc_required']);
  expect(await balanceOf(api, wallet.id)).toBe('30.00');
});

it('a PIX payout goes to a BR Code', async () => {
  const { api } = server;
  const wallet = await fundedWallet(api, '100.00');
  const account = await ok(
    api.post('/v1/virtual-accounts', { customerId: wallet.customerId, sourceCurrency: 'brl' }),
  );
  // The code of the customer's own account is as good as any.
  const payee = await counterparty(wallet.customerId, {
    currency: 'brl',
    accountType: 'pix',
    brCode: account.depositInstructions.br_code,
  });
  const payout = await transfer(wallet, {
    amount: '50.00',
    destinationCurrency: 'brl',
    destinationPaymentRail: 'pix',
    destinationAddress: payee.id,
    reference: 'Aluguel de março',
  });
  const paid = await inStatus(api, payout.id, 'payment_processed');
  expect(paid.status).toBe('payment_processed');
  expect(paid.traceId).toMatch(/^E\d{8}\d{12}[0-9A-Za-z]{11}$/);
  expect(await balanceOf(api, wallet.id)).toBe('50.00');
});

it('a rejected customer can read everything and move nothing', async () => {
  const { api } = server;
  const wallet = await fundedWallet(api, '100.00');
  const { customerId } = wallet;
  const account = await ok(api.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'usd' }));
  const payee = await counterparty(customerId, usBank('123456789'));
  const reason = {
    code: 'watchlist',
    message: 'On a list',
    customerMessage: 'We cannot offer you an account.',
  };
  const rejected = await decideKyc(api, customerId, 'rejected', { reasons: [reason] });
  expect(rejected).toMatchObject({
    status: 'rejected',
    kycStatus: 'rejected',
    kycRejectionReasons: [reason],
    capabilities: { wallets: false, virtualAccounts: false, transfers: false },
  });
  const bank = { destinationCurrency: 'usd', destinationPaymentRail: 'ach', destinationAddress: payee.id };
  for (const answer of [
    await api.post('/v1/transfers', transferBody(wallet)),
    await api.post('/v1/transfers', transferBody(wallet, bank)),
    await api.post('/v1/crypto-wallets', { customerId }),
    await api.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'eur' }),
    await api.post('/v1/virtual-accounts', { customerId, sourceCurrency: 'eur', walletId: wallet.id }),
  ]) {
    expect([answer.status, answer.error.reason]).toEqual([409, 'kyc_required']);
  }
  const paidIn = await ok(
    api.post('/v1/sandbox/fiat-deposits', { virtualAccountId: account.id, amount: '10.00' }),
  );
  expect(paidIn).toMatchObject({ status: 'returned', fee: '0.00', finalAmount: null });
  for (const path of [`/v1/customers/${customerId}`, `/v1/crypto-wallets/${wallet.id}`, '/v1/transactions']) {
    expect((await api.get(path)).status).toBe(200);
  }
  expect(await balanceOf(api, wallet.id)).toBe('100.00');
});

it('a frozen wallet receives and sends nothing, until it is thawed', async () => {
  const { api } = server;
  const wallet = await fundedWallet(api, '10.00');
  const account = await ok(
    api.post('/v1/virtual-accounts', {
      customerId: wallet.customerId,
      sourceCurrency: 'usd',
      walletId: wallet.id,
    }),
  );
  const payee = await counterparty(wallet.customerId, usBank('123456789'));
  const bank = { destinationCurrency: 'usd', destinationPaymentRail: 'ach', destinationAddress: payee.id };
  await ok(api.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'frozen' }));
  for (const body of [transferBody(wallet), transferBody(wallet, { ...bank, amount: '5.00' })]) {
    const refused = await api.post('/v1/transfers', body);
    expect([refused.status, refused.error.reason]).toEqual([409, 'wallet_frozen']);
  }
  await deposit(api, wallet.id, '5.00');
  await ok(api.post('/v1/sandbox/fiat-deposits', { virtualAccountId: account.id, amount: '10.00' }));
  expect(await balanceOf(api, wallet.id)).toBe('24.70');
  await ok(api.patch(`/v1/crypto-wallets/${wallet.id}`, { status: 'active' }));
  const payout = await transfer(wallet, { ...bank, amount: '24.70' });
  expect((await inStatus(api, payout.id, 'payment_processed')).finalAmount).toBe('23.95');
  expect(await balanceOf(api, wallet.id)).toBe('0.00');
});

it('a deposit to a deactivated virtual account goes back to its sender', async () => {
  const { api } = server;
  const wallet = await newWallet(api);
  const account = await ok(
    api.post('/v1/virtual-accounts', {
      customerId: wallet.customerId,
      sourceCurrency: 'mxn',
      walletId: wallet.id,
    }),
  );
  const pay = () =>
    ok(api.post('/v1/sandbox/fiat-deposits', { virtualAccountId: account.id, amount: '2000.00' }));
  const deactivated = await ok(api.post(`/v1/virtual-accounts/${account.id}/deactivate`));
  expect(deactivated.status).toBe('deactivated');
  const returned = await pay();
  expect(returned).toMatchObject({
    status: 'returned',
    fee: '0.00',
    netAmount: '2000.00',
    finalAmount: null,
  });
  expect(returned.returnReason).toMatch(/deactivated/);
  expect(await balanceOf(api, wallet.id)).toBe('0.00');
  await ok(api.post(`/v1/virtual-accounts/${account.id}/reactivate`));
  const credited = await pay();
  expect(credited.status).toBe('completed');
  expect(await balanceOf(api, wallet.id)).toBe(credited.finalAmount);
  const history = await api.get(`/v1/virtual-accounts/${account.id}/history`);
  expect(history.data.map(({ status }: { status: string }) => status)).toEqual(['completed', 'returned']);
});
