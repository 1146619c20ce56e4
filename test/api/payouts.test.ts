import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { currencyScale, formatAmount } from '../../server/src/platform/money.ts';
import { type Rail, railNames } from '../../server/src/rails/rails.ts';
import { findReturnCode } from '../../server/src/rails/return-codes.ts';
import { traceIdPattern } from '../../server/src/rails/trace-ids.ts';
import { type ApiClient, createClient } from '../support/client.ts';
import {
  address,
  allRows,
  approvedCustomer,
  balanceOf,
  decideKyc,
  deposit,
  environmentOf,
  fundedWallet,
  inStatus,
  minor,
  missingLike,
  newCustomer,
  newPayee,
  newWallet,
  ok,
  suspend,
  transferBody,
  usBank,
  walk,
  watchRows,
} from '../support/factories.ts';
import { startServer, type TestServer } from '../support/server.ts';

/** Transfers to banks. */

const mobileMoney = (currency: string, provider: string, phoneNumber: string) => ({
  currency,
  accountType: 'mobile_money',
  details: { provider, phoneNumber },
});

const iban = { currency: 'eur', accountType: 'iban', iban: 'DE89370400440532013000' };
const gbBank = {
  currency: 'gbp',
  accountType: 'gb_bank',
  account: { account_number: '31926819', sort_code: '60-16-13' },
};
const clabe = { currency: 'mxn', accountType: 'clabe', clabe: '032180000118359719' };
const pix = { currency: 'brl', accountType: 'pix', pixKey: '123.456.789-09' };
const nip = {
  currency: 'ngn',
  accountType: 'nip',
  details: { accountNumber: '0000000018', bankCode: '058' },
};
const swift = (currency: string) => ({
  currency,
  accountType: 'swift',
  details: { accountNumber: 'DE89370400440532013000', swiftCode: 'DEUTDEFF' },
});
const ghipss = { currency: 'ghs', accountType: 'ghipss', details: { accountNumber: '0010123456789' } };

const everyRail: [Rail, currency: string, payee: object][] = [
  ['ach', 'usd', usBank()],
  ['ach_same_day', 'usd', usBank()],
  ['wire', 'usd', usBank()],
  ['rtp', 'usd', usBank()],
  ['fednow', 'usd', usBank()],
  ['sepa', 'eur', iban],
  ['faster_payments', 'gbp', gbBank],
  ['spei', 'mxn', clabe],
  ['pix', 'brl', pix],
  ['swift', 'usd', swift('usd')],
  ['swift', 'eur', swift('eur')],
  ['swift', 'gbp', swift('gbp')],
  ['nip', 'ngn', nip],
  ['ghipss', 'ghs', ghipss],
  ['mobile_money', 'ghs', mobileMoney('ghs', 'MTN', '+233501234567')],
  ['mobile_money', 'kes', mobileMoney('kes', 'MPESA', '+254712345678')],
  ['mobile_money', 'ugx', mobileMoney('ugx', 'MTN', '+256772345678')],
  ['mobile_money', 'rwf', mobileMoney('rwf', 'MTN', '+250788123456')],
  ['mobile_money', 'tzs', mobileMoney('tzs', 'VODACOM', '+255754123456')],
  ['mobile_money', 'xof', mobileMoney('xof', 'ORANGE', '+221771234567')],
  ['mobile_money', 'xaf', mobileMoney('xaf', 'MTN', '+237671234567')],
  ['mobile_money', 'zmw', mobileMoney('zmw', 'MTN', '+260961234567')],
];

const payoutBody = (
  wallet: { id: string; customerId: string },
  payee: { id: string; currency: string },
  rail: string,
  more: object = {},
) =>
  transferBody(wallet, {
    amount: '100.00',
    destinationCurrency: payee.currency,
    destinationPaymentRail: rail,
    destinationAddress: payee.id,
    ...more,
  });

const scaleOf = (currency: string): number => currencyScale[currency as keyof typeof currencyScale];

/** A decimal text as a fraction. */
function ratio(text: string): [numerator: bigint, denominator: bigint] {
  const [whole = '', fraction = ''] = text.split('.');
  return [BigInt(whole + fraction), 10n ** BigInt(fraction.length)];
}

/** So many millionths at a rate, rounded down, as the API prints them. */
function atRate(millionths: bigint, rate: string, currency: string): string {
  const [numerator, denominator] = ratio(rate);
  const scale = scaleOf(currency);
  const paid = (millionths * numerator) / (denominator * 10n ** BigInt(6 - scale));
  return formatAmount(paid, scale);
}

describe('with a clock that stands still', () => {
  // The beginning of a window of rates: they stay as they are for 30 seconds.
  let nowMs = Math.ceil(Date.now() / 30_000) * 30_000;
  let server: TestServer;
  let api: ApiClient;
  let wallet: { id: string; customerId: string };
  beforeAll(async () => {
    server = await startServer({ clock: { now: () => nowMs } });
    api = server.api;
    wallet = await fundedWallet(api, '10000.00');
  });
  afterAll(async () => {
    expect((await ok(api.get('/v1/ledger/verify'))).problems).toEqual([]);
    await server.stop();
  });

  /** Lets one step after the other become due until the transfer has a status. */
  async function settle(id: string, status = 'payment_processed') {
    for (let steps = 0; steps < 4; steps += 1) {
      const { status: before } = await ok(api.get(`/v1/transfers/${id}`));
      if (before === status) break;
      nowMs += 21;
      await expect
        .poll(async () => (await ok(api.get(`/v1/transfers/${id}`))).status, { timeout: 10_000 })
        .not.toBe(before);
    }
    return inStatus(api, id, status);
  }

  it('there is a row below for every rail', () => {
    expect([...new Set(everyRail.map(([rail]) => rail))].sort()).toEqual([...railNames].sort());
  });

  it.each(everyRail)('%s pays %s, and gives a receipt of it', async (rail, currency, account) => {
    nowMs = Math.ceil(nowMs / 30_000) * 30_000;
    const payee = await newPayee(api, wallet.customerId, account);
    const before = minor(await balanceOf(api, wallet.id));
    const payout = await ok(api.post('/v1/transfers', payoutBody(wallet, payee, rail)));
    expect(payout).toMatchObject({
      type: 'transfer',
      status: 'funds_received',
      amount: '100.00',
      sourceCurrency: 'usdc',
      destinationCurrency: currency,
      destinationPaymentRail: rail,
      payoutAccountId: payee.id,
      fee: '3.00',
      netAmount: '97.00',
    });
    const unknown = 'finalAmount exchangeFee exchangeRate traceId estimatedArrivalAt returnCode returnReason';
    for (const name of unknown.split(' ')) expect(payout[name]).toBeNull();
    const foreign =
      'destinationAddress destinationTxHash gasFee virtualAccountId sourcePaymentRail sourceTxHash';
    for (const name of foreign.split(' ')) expect(payout).not.toHaveProperty(name);
    expect(minor(await balanceOf(api, wallet.id))).toBe(before - minor('100.00'));

    const quote = currency === 'usd' ? undefined : await ok(api.get(`/v1/rates?from=usd&to=${currency}`));
    const paid = await settle(payout.id);
    expect(paid.finalAmount).toBe(atRate(minor('97.00'), quote?.sellRate ?? '1', currency));
    expect(paid.finalAmount).toMatch(scaleOf(currency) === 0 ? /^\d+$/ : /^\d+\.\d\d$/);
    expect(paid.exchangeRate).toBe(quote?.sellRate ?? null);
    expect(paid.traceId).toMatch(traceIdPattern(rail));
    expect(Date.parse(paid.estimatedArrivalAt)).toBeGreaterThan(nowMs - 30_000);
    if (currency === 'usd') expect(paid.exchangeFee).toBe('0.00');
    else {
      // Half a per cent of what is converted, give or take the rounding of the rate.
      expect(Number(paid.exchangeFee)).toBeGreaterThan(0.48);
      expect(Number(paid.exchangeFee)).toBeLessThan(0.49);
    }
    expect(paid.returnCode).toBeNull();
    expect(paid.timeline.map(({ status }: { status: string }) => status)).toEqual([
      'funds_received',
      'payment_submitted',
      'payment_processed',
    ]);
    expect(minor(await balanceOf(api, wallet.id))).toBe(before - minor('100.00'));
    expect(await ok(api.get(`/v1/transactions/${payout.id}`))).toEqual(paid);
  });

  it.each([
    ['pyusd', 'ethereum', 'usd', 'ach', usBank()],
    ['eurc', 'base', 'eur', 'sepa', iban],
    ['eurc', 'base', 'gbp', 'faster_payments', gbBank],
    ['pyusd', 'ethereum', 'ugx', 'mobile_money', mobileMoney('ugx', 'MTN', '+256772345678')],
  ])(
    '%s is paid out at the rates shown, crossed where there is no pair',
    async (source, chain, currency, rail, account) => {
      nowMs = Math.ceil(nowMs / 30_000) * 30_000;
      await deposit(api, wallet.id, '100.00', { chain, currency: source });
      const payee = await newPayee(api, wallet.customerId, account);
      const body = payoutBody(wallet, payee, rail, { sourceCurrency: source });
      const payout = await ok(api.post('/v1/transfers', body));
      expect(payout).toMatchObject({ sourceCurrency: source, fee: '3.00', netAmount: '97.00' });
      const first = await ok(api.get(`/v1/rates?from=${source}&to=usd`));
      const second = currency === 'usd' ? undefined : await ok(api.get(`/v1/rates?from=usd&to=${currency}`));
      const paid = await settle(payout.id);
      const [a, b] = [ratio(first.sellRate), ratio(second?.sellRate ?? '1')];
      const [numerator, denominator] = ratio(paid.exchangeRate);
      // The rate applied is never above the product of the two, and less than a hundred-millionth below it.
      const [exact, shown] = [a[0] * b[0] * denominator, numerator * a[1] * b[1]];
      expect(shown).toBeLessThanOrEqual(exact);
      expect((exact - shown) * 100_000_000n).toBeLessThan(a[1] * b[1] * denominator);
      expect(paid.finalAmount).toBe(atRate(minor('97.00'), paid.exchangeRate, currency));
      const { balances } = await ok(api.get(`/v1/crypto-wallets/${wallet.id}/balance`));
      expect(balances.find((entry: { currency: string }) => entry.currency === source).available).toBe(
        '0.00',
      );
    },
  );

  it('comes back on ACH with the code that the account number ends with, R01 to R29, each once', async () => {
    // Its own sandbox clock goes a quarter ahead, so this is the last test on it.
    const rich = await fundedWallet(api, '2900.00');
    const numbers = Array.from({ length: 29 }, (_, index) => String(index + 1).padStart(2, '0'));
    const sent = await Promise.all(
      numbers.map(async (number) => {
        const payee = await newPayee(api, rich.customerId, usBank(`777100${number}`));
        const rail = Number(number) % 2 === 0 ? 'ach' : 'ach_same_day';
        return { number, ...(await ok(api.post('/v1/transfers', payoutBody(rich, payee, rail)))) };
      }),
    );
    expect(await balanceOf(api, rich.id)).toBe('0.00');
    for (const { id } of sent) await settle(id);
    nowMs += 90 * 86_400_000;
    for (const { id, number } of sent) {
      const refunded = await settle(id, 'refunded');
      expect(refunded.returnCode).toBe(`R${number}`);
      expect(refunded.returnReason).toBe(findReturnCode('ach', `R${number}`)?.reason);
      expect(refunded.timeline.map(({ status }: { status: string }) => status)).toEqual([
        'funds_received',
        'payment_submitted',
        'payment_processed',
        'returned',
        'refunded',
      ]);
    }
    expect(await balanceOf(api, rich.id)).toBe('2900.00');
  });
});

describe('without a fee', () => {
  const nowMs = Math.ceil(Date.now() / 30_000) * 30_000;
  let server: TestServer;
  let api: ApiClient;
  let wallet: { id: string; customerId: string };
  beforeAll(async () => {
    server = await startServer({
      clock: { now: () => nowMs },
      fiatFee: { numerator: 0n, denominator: 1n },
    });
    api = server.api;
    wallet = await fundedWallet(api, '900000000.00');
  });
  afterAll(() => server.stop());

  /** The smallest amount of USDC, in millionths, that pays so many cents. */
  async function costOf(cents: bigint, currency: string): Promise<bigint> {
    if (currency === 'usd') return cents * 10_000n;
    const [numerator, denominator] = ratio((await ok(api.get(`/v1/rates?from=usd&to=${currency}`))).sellRate);
    return (cents * 10_000n * denominator + numerator - 1n) / numerator;
  }

  async function send(account: object, currency: string, rail: string, millionths: bigint) {
    const payee = await newPayee(api, wallet.customerId, { ...account, currency });
    const amount = formatAmount(millionths, 6);
    const { error, status } = await api.post('/v1/transfers', payoutBody(wallet, payee, rail, { amount }));
    return status === 200 ? 'paid' : [status, error.reason, error.details?.[0]?.path, error.message];
  }

  it.each([
    ['ach', 'usd', usBank(), 1_00n],
    ['wire', 'usd', usBank(), 1n],
    ['sepa', 'eur', iban, 1n],
    ['faster_payments', 'gbp', gbBank, 1n],
    ['spei', 'mxn', clabe, 50_00n],
    ['pix', 'brl', pix, 10_00n],
  ] as const)(
    '%s pays its smallest amount in %s and nothing less',
    async (rail, currency, account, cents) => {
      const cost = await costOf(cents, currency);
      expect(await send(account, currency, rail, cost)).toBe('paid');
      const least = formatAmount(cents, 2);
      expect(await send(account, currency, rail, cost - 1n)).toEqual([
        400,
        'amount_too_small',
        '/amount',
        expect.stringContaining(`${rail} pays at least ${least} ${currency}`),
      ]);
    },
  );

  const million = 100_000_000n;
  it.each([
    ['ach_same_day', 'usd', usBank(), million],
    ['rtp', 'usd', usBank(), 10n * million],
    ['fednow', 'usd', usBank(), 10n * million],
    ['faster_payments', 'gbp', gbBank, million],
    ['nip', 'ngn', nip, 5n * million],
    ['nip', 'ngn', { ...nip, accountOwnerType: 'individual' }, 5n * million],
    ['nip', 'ngn', { ...nip, accountOwnerType: 'business', businessName: 'Lovelace Ltd' }, 10n * million],
  ] as const)('%s pays its largest amount in %s and nothing more', async (rail, currency, account, cents) => {
    const tooMuch = await costOf(cents + 1n, currency);
    expect(await send(account, currency, rail, tooMuch - 1n)).toBe('paid');
    const most = formatAmount(cents, 2);
    expect(await send(account, currency, rail, tooMuch)).toEqual([
      400,
      'amount_too_large',
      '/amount',
      expect.stringContaining(`${rail} pays at most ${most} ${currency}`),
    ]);
  });

  it('a whole unit is the least of a currency without decimals', async () => {
    const account = mobileMoney('ugx', 'MTN', '+256772345678');
    const cost = await costOf(100n, 'ugx');
    expect(await send(account, 'ugx', 'mobile_money', cost)).toBe('paid');
    expect(await send(account, 'ugx', 'mobile_money', cost - 1n)).toContain('amount_too_small');
  });
});

describe('a payout is refused, and nothing is written', () => {
  let server: TestServer;
  let api: ApiClient;
  let wallet: { id: string; customerId: string };
  let us: { id: string; currency: string };
  let gb: { id: string; currency: string };
  beforeAll(async () => {
    server = await startServer({ sandboxStepMs: 3_600_000 });
    api = server.api;
    wallet = await fundedWallet(api, '100.00');
    us = await newPayee(api, wallet.customerId, usBank());
    gb = await newPayee(api, wallet.customerId, gbBank);
  });
  afterAll(() => server.stop());

  async function expectRefused(
    body: object,
    [status, reason, ...paths]: [number, string, ...string[]],
    message = /./,
  ): Promise<void> {
    const changes = await watchRows(server.app);
    const { error, status: answered } = await api.post('/v1/transfers', body);
    expect([answered, error.reason, ...(error.details ?? []).map(({ path }) => path)]).toEqual([
      status,
      reason,
      ...paths,
    ]);
    expect(error.message).toMatch(message);
    expect(await changes()).toEqual([]);
  }

  it('on a rail that does not reach the account, and says which do', async () => {
    const rail = '/destinationPaymentRail';
    await expectRefused(
      payoutBody(wallet, us, 'swift'),
      [400, 'unsupported_rail', rail],
      /us_bank account: ach, ach_same_day, wire, rtp, fednow/,
    );
    await expectRefused(payoutBody(wallet, us, 'carrier_pigeon'), [400, 'unsupported_rail', rail], /sepa/);
    const eur = await newPayee(api, wallet.customerId, swift('eur'));
    await expectRefused(
      payoutBody(wallet, eur, 'sepa'),
      [400, 'unsupported_rail', rail],
      /a swift account: swift/,
    );
  });

  it('in a currency that the rail or the account does not have, and says which it has', async () => {
    const path = '/destinationCurrency';
    const inEur = { destinationCurrency: 'eur' };
    await expectRefused(
      payoutBody(wallet, us, 'ach', inEur),
      [400, 'unsupported_currency', path],
      /rail ach: usd/,
    );
    const eur = await newPayee(api, wallet.customerId, swift('eur'));
    const inGbp = payoutBody(wallet, eur, 'swift', { destinationCurrency: 'gbp' });
    await expectRefused(inGbp, [400, 'unsupported_currency', path], /account: eur/);
    const ofUsd = payoutBody(wallet, us, 'ach', { sourceCurrency: 'usd' });
    await expectRefused(ofUsd, [400, 'unsupported_currency', '/sourceCurrency'], /usdc, pyusd, eurc/);
  });

  it('to an address on a bank rail, and to a counterparty on a chain', async () => {
    const toAddress = payoutBody(wallet, us, 'ach', { destinationAddress: address.evm });
    await expectRefused(toAddress, [400, 'counterparty_not_found', '/destinationAddress'], /pa_…/);
    const onChain = transferBody(wallet, { destinationAddress: us.id });
    await expectRefused(onChain, [400, 'invalid_address', '/destinationAddress'], /base58/);
    const inUsd = payoutBody(wallet, us, 'solana');
    await expectRefused(inUsd, [400, 'unsupported_currency', '/destinationCurrency'], /usdc/);
  });

  it("to another customer's counterparty, to none, and to an inactive one", async () => {
    const path = '/destinationAddress';
    const stranger = await approvedCustomer(api);
    const others = await newPayee(api, stranger.id, usBank());
    const reason: [number, string, string] = [400, 'counterparty_not_found', path];
    await expectRefused(payoutBody(wallet, others, 'ach'), reason);
    await expectRefused(payoutBody(wallet, { ...us, id: missingLike(us.id) }, 'ach'), reason);
    await expectRefused(payoutBody(wallet, { ...us, id: wallet.id }, 'ach'), reason);
    const former = await newPayee(api, wallet.customerId, usBank());
    await ok(api.post(`/v1/counterparties/${former.id}/deactivate`));
    await expectRefused(payoutBody(wallet, former, 'ach'), [409, 'counterparty_inactive']);
  });

  it('with every fault together', async () => {
    const body = payoutBody(wallet, us, 'ach', {
      amount: '1.0000001',
      reference: 'Rent & more',
      destinationAddress: 'nobody',
    });
    await expectRefused(body, [400, 'invalid_amount', '/amount', '/destinationAddress', '/reference']);
    const misspelt = payoutBody(wallet, us, 'ach', { refrence: 'Rent' });
    await expectRefused(misspelt, [400, 'validation_failed', '/refrence']);
  });

  it.each([
    ['ach', 'usd', 10],
    ['faster_payments', 'gbp', 18],
  ])('on %s with a reference that is too long, and no shorter one', async (rail, currency, length) => {
    const payee = currency === 'usd' ? us : gb;
    const using = (reference: string) => payoutBody(wallet, payee, rail, { amount: '5.00', reference });
    await expectRefused(
      using('a'.repeat(length + 1)),
      [400, 'invalid_reference', '/reference'],
      new RegExp(`at most ${length} characters`),
    );
    const sent = await ok(api.post('/v1/transfers', using('a'.repeat(length))));
    expect(sent.reference).toBe('a'.repeat(length));
  });

  it('when the wallet has not so much, is frozen, or is not the customer’s', async () => {
    const poor = await fundedWallet(api, '10.00');
    const payee = await newPayee(api, poor.customerId, usBank());
    const body = payoutBody(poor, payee, 'ach', { amount: '10.01' });
    await expectRefused(body, [400, 'insufficient_funds', '/amount'], /available balance of 10\.00 usdc/);
    const others = payoutBody({ ...poor, id: wallet.id }, payee, 'ach');
    await expectRefused(others, [400, 'wallet_not_found', '/walletId']);
    await ok(api.patch(`/v1/crypto-wallets/${poor.id}`, { status: 'frozen' }));
    await expectRefused(payoutBody(poor, payee, 'ach', { amount: '5.00' }), [409, 'wallet_frozen']);
  });

  it('to a customer whose verification has lapsed where the account asks for it, to one suspended anywhere', async () => {
    const theirs = await fundedWallet(api, '100.00');
    const payees = [
      [await newPayee(api, theirs.customerId, usBank()), 'ach'],
      [await newPayee(api, theirs.customerId, mobileMoney('kes', 'MPESA', '+254712345678')), 'mobile_money'],
    ] as const;
    const [[bank], [mobile]] = payees;
    await decideKyc(api, theirs.customerId, 'incomplete');
    await expectRefused(payoutBody(theirs, bank, 'ach'), [409, 'kyc_required', '/customerId'], /identity/);
    await ok(api.post('/v1/transfers', payoutBody(theirs, mobile, 'mobile_money', { amount: '1.00' })));
    await decideKyc(api, theirs.customerId, 'approved');
    await suspend(server.app, await environmentOf(server, server.testKey), theirs.customerId);
    for (const [payee, rail] of payees) {
      await expectRefused(payoutBody(theirs, payee, rail), [409, 'kyc_required', '/customerId'], /suspended/);
    }
    const nobody = payoutBody({ ...theirs, customerId: missingLike(theirs.customerId) }, bank, 'ach');
    await expectRefused(nobody, [400, 'customer_not_found', '/customerId']);
  });

  it('with a live key, because there is no live bank here', async () => {
    const live = await server.live.post('/v1/transfers', payoutBody(wallet, us, 'ach'));
    expect([live.status, live.error.reason]).toEqual([400, 'rail_not_configured']);
    expect(await ok(server.live.get('/v1/transfers'))).toEqual([]);
  });

  it('and what was accepted keeps no number of the account in the open', async () => {
    const payee = await newPayee(api, wallet.customerId, usBank('998877665544'));
    const { id } = await ok(api.post('/v1/transfers', payoutBody(wallet, payee, 'ach', { amount: '5.00' })));
    await ok(api.post(`/v1/sandbox/transactions/${id}/advance`, { status: 'refunded' }));
    const text = [...(await allRows(server.app)).values()].flat().join('\n');
    expect(text).toContain(id);
    expect(text).not.toContain('998877665544');
  });
});

describe('a hundred concurrent payouts from a wallet that can pay half of them', () => {
  async function race(server: TestServer, clients: readonly ApiClient[]): Promise<void> {
    const wallet = await fundedWallet(server.api, '250.00');
    const payee = await newPayee(server.api, wallet.customerId, usBank());
    const body = payoutBody(wallet, payee, 'ach', { amount: '5.00' });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, index) => clients[index % clients.length]?.post('/v1/transfers', body)),
    );
    const paid = answers.filter((answer) => answer?.status === 200);
    expect(paid).toHaveLength(50);
    for (const answer of answers) {
      if (answer?.status !== 200)
        expect([answer?.status, answer?.error.reason]).toEqual([400, 'insufficient_funds']);
    }
    expect(await balanceOf(server.api, wallet.id)).toBe('0.00');
    for (const answer of paid) await inStatus(server.api, answer?.data.id, 'payment_processed');
    expect((await ok(server.api.get('/v1/ledger/verify'))).problems).toEqual([]);
  }

  it.each([1, 4])('spend it once, through two servers with %i lanes', async (lanes) => {
    const server = await startServer({ lanes });
    const other = await createClient((await server.second()).url, server.testKey);
    await race(server, [server.api, other]);
    await server.stop();
  });
});

describe('the list of transfers', () => {
  it('has transfers only, and is narrowed by each filter', async () => {
    const server = await startServer({ sandboxStepMs: 3_600_000 });
    const { api } = server;
    const [first, second] = [await fundedWallet(api, '100.00'), await fundedWallet(api, '100.00')];
    const third = await newWallet(api, first.customerId);
    await deposit(api, third.id, '10.00');
    const payee = await newPayee(api, first.customerId, usBank());
    const bank = payoutBody(first, payee, 'ach', { amount: '5.00', clientReferenceId: 'invoice-1' });
    const payout = await ok(api.post('/v1/transfers', bank));
    const chain = await ok(api.post('/v1/transfers', transferBody(second)));
    await ok(api.post('/v1/sandbox/clock/advance', { seconds: 60 }));
    const late = await ok(api.post('/v1/transfers', transferBody(third)));
    const list = async (query = '') =>
      (await walk(api, `/v1/transfers${query}`, 2)).map(({ id }: { id: string }) => id);
    expect(await list()).toEqual([late.id, chain.id, payout.id]);
    expect(await list(`?customerId=${first.customerId}`)).toEqual([late.id, payout.id]);
    expect(await list(`?walletId=${first.id}`)).toEqual([payout.id]);
    expect(await list(`?walletId=${first.id}&customerId=${second.customerId}`)).toEqual([]);
    expect(await list('?status=in_review')).toEqual([late.id, chain.id]);
    expect(await list('?status=funds_received')).toEqual([payout.id]);
    expect(await list('?clientReferenceId=invoice-1')).toEqual([payout.id]);
    expect(await list(`?createdAfter=${late.createdAt}`)).toEqual([late.id]);
    expect(await list(`?createdBefore=${late.createdAt}`)).toEqual([chain.id, payout.id]);
    for (const query of ['type=deposit', 'virtualAccountId=va_1', 'status=lost', 'limit=0', 'cursor=x']) {
      expect((await api.get(`/v1/transfers?${query}`)).status).toBe(400);
    }
    expect(await ok(api.get(`/v1/transfers/${payout.id}`))).toEqual(payout);
    const [deposited] = (await api.get('/v1/transactions?type=deposit')).data;
    for (const id of [deposited.id, missingLike(payout.id), 'txn_x']) {
      const missing = await api.get(`/v1/transfers/${id}`);
      expect([missing.status, missing.error.reason]).toEqual([404, 'transfer_not_found']);
    }
    await server.stop();
  });

  it('is empty for a customer who has none', async () => {
    const server = await startServer();
    const { id } = await newCustomer(server.api);
    const { data, nextCursor } = await server.api.get(`/v1/transfers?customerId=${id}`);
    expect([data, nextCursor]).toEqual([[], null]);
    await server.stop();
  });
});
