import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PayoutTerms } from '../../fiat/payouts/request.ts';
import { settlePayoutFlow } from '../../ledger/flows.ts';
import { type Currency, currencyScale, formatAmount, parseRatio } from '../../platform/money.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { type Rail, railFacts, railNames } from '../../rails/rails.ts';
import { conversionRate, exchangeFeeMinor } from '../../rates/conversion.ts';
import { createSandboxRates } from '../../rates/sandbox-rates.ts';
import { bankOutcome, chainOutcome, plannedReturn } from '../../simulator/test-values.ts';
import { heldCurrencies } from '../crypto-wallets/state.ts';
import { payoutMinor } from './pricing.ts';
import { type ChainTerms, parseTransferRequest } from './request.ts';
import type { Pricing } from './request-amount.ts';

const rates = createSandboxRates({ fiat: parseRatio('0.005'), stablecoin: parseRatio('0.001') });
const pricing = (nowMs = 0, fiatFee = parseRatio('0.03')): Pricing => ({
  onChainFee: parseRatio('0.003'),
  fiatFee,
  convert: (from, to) => conversionRate(rates, from, to, nowMs),
});

const payeeId = 'pa_01m8364btve20tvkaz126tzp00';
const ids = { customerId: 'cus_01m8364btve20tvkaz126tzp00', walletId: 'wal_01m8364btve20tvkaz126tzp00' };

const bankBody = (rail: string, destinationCurrency: string, more: object = {}) => ({
  ...ids,
  amount: '100.00',
  destinationCurrency,
  destinationPaymentRail: rail,
  destinationAddress: payeeId,
  ...more,
});

/** The terms, or the reason and the fields at fault. */
function read(body: ReturnType<typeof bankBody>, using = pricing()): unknown {
  const result = parseTransferRequest(body, using);
  if ('terms' in result) return result.terms;
  return [result.refusal.reason, ...(result.refusal.details ?? []).map(({ path }) => path)];
}

const everyWay: [Rail, FiatCode][] = railNames.flatMap((rail) =>
  railFacts(rail).currencies.map((currency): [Rail, FiatCode] => [rail, currency]),
);

describe('parseTransferRequest of a payout', () => {
  it('pays never more than the rate times the net amount, nor a whole unit less; nothing is made or lost', () => {
    const property = fc.property(
      fc.constantFrom(...everyWay),
      fc.constantFrom(...heldCurrencies),
      fc.bigInt({ min: 100n, max: 1_000_000_000_000_000n }),
      fc.integer({ min: 0, max: 4_000_000_000_000 }),
      fc.bigInt({ min: 0n, max: 999_999n }),
      ([rail, payoutCurrency], sourceCurrency, minor, nowMs, feeMillionths) => {
        const fee = { numerator: feeMillionths, denominator: 1_000_000n };
        const amount = formatAmount(minor, currencyScale[sourceCurrency]);
        const body = bankBody(rail, payoutCurrency, { amount, sourceCurrency });
        const result = parseTransferRequest(body, pricing(nowMs, fee));
        if ('refusal' in result) return void expect(result.refusal.reason).toBe('amount_too_small');
        const { amountMinor, expectedMinor, feeMinor } = result.terms as PayoutTerms;
        expect(amountMinor).toBe(minor);
        expect(feeMinor).toBeLessThan(amountMinor);
        expect(feeMinor * fee.denominator).toBeGreaterThanOrEqual(minor * fee.numerator);
        const conversion = conversionRate(rates, sourceCurrency, payoutCurrency, nowMs);
        const rate = parseRatio(conversion?.rate ?? '0');
        const unit = 10n ** BigInt(currencyScale[sourceCurrency] - currencyScale[payoutCurrency]);
        const exact = (amountMinor - feeMinor) * rate.numerator;
        expect(expectedMinor * unit * rate.denominator).toBeLessThanOrEqual(exact);
        expect((expectedMinor + 1n) * unit * rate.denominator).toBeGreaterThan(exact);
        if (expectedMinor === 0n) return;
        const spread = exchangeFeeMinor(
          amountMinor - feeMinor,
          conversion?.rate ?? '',
          conversion?.midRate ?? '',
        );
        expect(spread).toBeGreaterThanOrEqual(0n);
        expect(spread).toBeLessThanOrEqual(amountMinor - feeMinor);
        const { postings } = settlePayoutFlow(
          { environmentId: 'env_a', lane: 0 },
          {
            transactionId: 'txn_1',
            walletId: ids.walletId,
            currency: sourceCurrency,
            amountMinor,
            feeMinor,
            payoutCurrency,
            finalMinor: expectedMinor,
          },
        );
        for (const currency of [sourceCurrency, payoutCurrency]) {
          const lines = postings.filter(({ account }) => account.currency === currency);
          expect(lines.reduce((sum, line) => sum + line.amountMinor, 0n)).toBe(0n);
        }
      },
    );
    fc.assert(property, { numRuns: 1000 });
  });

  it.each(everyWay)('on %s in %s works out what arrives', (rail, currency) => {
    const terms = read(bankBody(rail, currency)) as PayoutTerms;
    expect(terms).toMatchObject({ kind: 'bank', rail, payoutCurrency: currency, counterpartyId: payeeId });
    const conversion = conversionRate(rates, 'usdc', currency, 0);
    expect(conversion && payoutMinor(terms, currency as Currency, conversion)).toBe(terms.expectedMinor);
    expect(terms.expectedMinor).toBeGreaterThan(0n);
  });

  it('is one for one between usdc and usd, and crossed between the others', () => {
    expect(read(bankBody('ach', 'usd'))).toMatchObject({ feeMinor: 3_000_000n, expectedMinor: 9700n });
    const tiny = read(bankBody('ach', 'usd', { amount: '0.000001' }));
    expect(tiny).toEqual(['amount_too_small', '/amount']);
    const cross = read(bankBody('sepa', 'eur', { sourceCurrency: 'eurc' })) as PayoutTerms;
    expect(cross.expectedMinor).toBeGreaterThan(9500n);
    expect(cross.expectedMinor).toBeLessThan(9700n);
  });

  it('names every field that does not fit', () => {
    for (const [body, faults] of [
      [bankBody('carrier_pigeon', 'usd'), ['unsupported_rail', '/destinationPaymentRail']],
      [bankBody('ach', 'eur'), ['unsupported_currency', '/destinationCurrency']],
      [bankBody('sepa', 'EUR'), ['unsupported_currency', '/destinationCurrency']],
      [bankBody('ach', 'usdc'), ['unsupported_currency', '/destinationCurrency']],
      [bankBody('ach', 'usd', { sourceCurrency: 'usd' }), ['unsupported_currency', '/sourceCurrency']],
      [bankBody('ach', 'usd', { sourceCurrency: 'usdt' }), ['unsupported_currency', '/sourceCurrency']],
      [
        bankBody('ach', 'usd', { amount: '0', destinationAddress: '0x0', reference: 'Ünknown' }),
        ['invalid_amount', '/amount', '/destinationAddress', '/reference'],
      ],
      [
        bankBody('ach', 'usd', { destinationAddress: ids.walletId }),
        ['counterparty_not_found', '/destinationAddress'],
      ],
    ] as const) {
      expect(read(body)).toEqual(faults);
    }
  });

  it('waits for a rate', () => {
    const none = { ...pricing(), convert: () => undefined };
    expect(read(bankBody('sepa', 'eur'), none)).toEqual(['rate_unavailable', '/destinationCurrency']);
  });
});

describe('parseTransferRequest of a transfer on a chain', () => {
  const tron = 'TBA6CypYJizwA9XdC7Ubgc5F1bxrQ7SqPt';
  const chainBody = (rail: string, destinationCurrency: string, more: object = {}) =>
    bankBody(rail, destinationCurrency, { destinationAddress: tron, ...more });

  it('sends usdc as usdt, where there is usdt', () => {
    expect(read(chainBody('tron', 'usdt'))).toMatchObject({
      kind: 'chain',
      chain: 'tron',
      currency: 'usdc',
      sentCurrency: 'usdt',
      feeMinor: 300_000n,
      // Five percent more than at the rate of now.
      mostMinor: 104_606_382n,
    });
    expect(read(chainBody('base', 'usdt'))).toEqual(['unsupported_rail', '/destinationPaymentRail']);
    expect(read(chainBody('tron', 'usdc'))).toEqual(['unsupported_rail', '/destinationPaymentRail']);
  });

  it('sends every other currency as what it is', () => {
    for (const [sourceCurrency, destinationCurrency] of [
      ['eurc', 'usdt'],
      ['usdc', 'eurc'],
      ['pyusd', 'usdc'],
      ['usdc', 'usd'],
    ] as const) {
      const body = chainBody('ethereum', destinationCurrency, { sourceCurrency });
      expect(read(body)).toEqual(['unsupported_currency', '/destinationCurrency']);
    }
  });

  it('needs a rate to convert, and enough that something arrives', () => {
    const none = { ...pricing(), convert: () => undefined };
    expect(read(chainBody('tron', 'usdt'), none)).toEqual(['rate_unavailable', '/destinationCurrency']);
    const tiny = chainBody('tron', 'usdt', { amount: '0.000002' });
    expect(read(tiny)).toEqual(['amount_too_small', '/amount']);
  });
});

describe('a reference', () => {
  const lengths: [Rail, number][] = [
    ['ach', 10],
    ['ach_same_day', 10],
    ['wire', 140],
    ['rtp', 140],
    ['fednow', 140],
    ['sepa', 140],
    ['faster_payments', 18],
    ['spei', 40],
    ['pix', 100],
    ['swift', 140],
    ['nip', 100],
    ['ghipss', 100],
    ['mobile_money', 100],
  ];

  it.each(lengths)('on %s has at most %i characters', (rail, length) => {
    const currency = railFacts(rail).currencies[0] as FiatCode;
    const using = (reference: string) => read(bankBody(rail, currency, { reference }));
    expect(using('a'.repeat(length))).toMatchObject({ kind: 'bank' });
    expect(using('a'.repeat(length + 1))).toEqual(['invalid_reference', '/reference']);
    expect(using('Rent 1')).toMatchObject({ kind: 'bank' });
    expect(using('two\nlines')).toEqual(['invalid_reference', '/reference']);
  });

  it.each<[Rail, string, string[], string[]]>([
    ['ach', 'usd', ['PAY ROLL 1'], ['Rent-1', 'Rent_1', 'Café', 'a.b']],
    ['sepa', 'eur', ['A&B - c.d/e'], ['a:b', 'é', 'a+b', "it's"]],
    ['spei', 'mxn', ['Renta 12'], ['Renta-12', 'año']],
    ['swift', 'usd', ["/INV/-?:(1).,'+"], ['a&b', 'é', 'a;b']],
    ['pix', 'brl', ['Aluguel de março – 100 €'], ['\u0007']],
    ['wire', 'usd', ['Any text, “quoted”'], ['\u009f']],
  ])('on %s has the characters of the rail', (rail, currency, good, bad) => {
    for (const reference of good)
      expect(read(bankBody(rail, currency, { reference }))).toMatchObject({ rail });
    for (const reference of bad) {
      expect(read(bankBody(rail, currency, { reference }))).toEqual(['invalid_reference', '/reference']);
    }
  });
});

describe('test values', () => {
  const bank = (rail: Rail, amountMinor: bigint): PayoutTerms => ({
    kind: 'bank',
    rail,
    payoutCurrency: 'usd',
    counterpartyId: payeeId,
    amountMinor,
    feeMinor: 0n,
    currency: 'usdc',
    expectedMinor: 1n,
  });
  const account = (accountNumber: string) =>
    ({ type: 'us_bank', currency: 'usd', accountNumber, routingNumber: '021000021' }) as const;
  const chain = (address: string, amountMinor = 1n): ChainTerms => ({
    kind: 'chain',
    chain: 'base',
    address,
    amountMinor,
    feeMinor: 0n,
    currency: 'usdc',
    sentCurrency: 'usdc',
    mostMinor: amountMinor,
  });

  it('return an ACH payment with each code of R01 to R29, and with no other', () => {
    for (let number = 0; number < 100; number += 1) {
      const two = String(number).padStart(2, '0');
      const isCode = number >= 1 && number <= 29;
      for (const rail of ['ach', 'ach_same_day'] as const) {
        const outcome = bankOutcome(bank(rail, 1n), account(`9100${two}`));
        expect(plannedReturn(outcome)).toBe(isCode ? `R${two}` : undefined);
      }
      expect(bankOutcome(bank('wire', 1n), account(`9100${two}`))).toBeNull();
    }
    expect(bankOutcome(bank('ach', 1n), account('100031'))).toBeNull();
  });

  it('let amounts fail or wait, and review no payout', () => {
    for (const [amount, onChain, atBank] of [
      [66_130_000n, 'fail', 'fail'],
      [66_170_000n, 'hold_review', null],
      [66_190_000n, 'hold_payment', 'hold_payment'],
      [66_130_001n, null, null],
    ] as const) {
      expect(chainOutcome(chain('0x0', amount))).toBe(onChain);
      expect(bankOutcome(bank('ach', amount), account('123456'))).toBe(atBank);
    }
    expect(bankOutcome(bank('ach', 66_130_000n), account('9910003'))).toBe('return:R03');
  });
});
