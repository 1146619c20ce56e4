import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bank, fxPosition, suspense, walletAvailable } from '../../ledger/accounts.ts';
import { fiatDepositFlow, returnedDepositFlows } from '../../ledger/flows.ts';
import type { JournalDraft } from '../../ledger/journal.ts';
import { limits } from '../../platform/limits.ts';
import { currencyScale, formatAmount, parseRatio } from '../../platform/money.ts';
import { conversionRate } from '../../rates/conversion.ts';
import { createSandboxRates } from '../../rates/sandbox-rates.ts';
import { sourceCurrencies } from '../../resources/virtual-accounts/schema.ts';
import { parseFiatDeposit } from './request.ts';

const fee = parseRatio('0.03');
const rates = createSandboxRates({ fiat: parseRatio('0.005'), stablecoin: parseRatio('0.001') });
const virtualAccountId = 'va_00000000000000000000000000';
const stripe = { environmentId: 'env_a', lane: 0 };
const walletId = 'wal_01m8364btve20tvkaz126tzp00';

const read = (amount: string | number, currency: (typeof sourceCurrencies)[number] = 'usd', more = {}) =>
  parseFiatDeposit(
    { virtualAccountId, amount, ...more },
    currency,
    conversionRate(rates, currency, 'usdc', 0),
    fee,
  );

const reasonOf = (result: ReturnType<typeof read>) =>
  'refusal' in result ? [result.refusal.reason, result.refusal.details?.map(({ path }) => path)] : 'accepted';

/** What a journal's lines sum to, by currency. */
function sums({ postings }: JournalDraft): bigint[] {
  const byCurrency = new Map<string, bigint>();
  for (const { account, amountMinor } of postings) {
    byCurrency.set(account.currency, (byCurrency.get(account.currency) ?? 0n) + amountMinor);
  }
  return [...byCurrency.values()];
}

describe('parseFiatDeposit', () => {
  it('never credits more than the rate times the net amount, nor a whole unit less; nothing is made or lost', () => {
    const amounts = fc.oneof(
      fc.bigInt({ min: 1n, max: 1_000_000n }),
      fc.bigInt({ min: 1n, max: limits.amountMinor }),
    );
    const fees = fc
      .bigInt({ min: 0n, max: 999_999n })
      .map((numerator) => ({ numerator, denominator: 1_000_000n }));
    const times = fc.integer({ min: 0, max: 4_000_000_000_000 });
    const currencies = fc.constantFrom(...sourceCurrencies);
    let accepted = 0;
    const property = fc.property(amounts, fees, times, currencies, (minor, fiatFee, nowMs, currency) => {
      const conversion = conversionRate(rates, currency, 'usdc', nowMs);
      const amount = formatAmount(minor, currencyScale[currency]);
      const result = parseFiatDeposit({ virtualAccountId, amount }, currency, conversion, fiatFee);
      if ('refusal' in result) {
        expect(result.refusal.reason).toMatch(/^amount_too_(small|large)$/);
        return;
      }
      accepted += 1;
      const { creditedMinor, feeMinor, sourceMinor } = result.terms;
      expect(sourceMinor).toBe(minor);
      // The fee: at least its part of the amount, and less than a unit more.
      expect(feeMinor * fiatFee.denominator).toBeGreaterThanOrEqual(minor * fiatFee.numerator);
      expect((feeMinor - 1n) * fiatFee.denominator).toBeLessThan(minor * fiatFee.numerator);
      // Four decimals more in usdc than in the source currency.
      const rate = parseRatio(conversion?.rate ?? '0');
      const exact = (sourceMinor - feeMinor) * 10_000n * rate.numerator;
      expect(creditedMinor * rate.denominator).toBeLessThanOrEqual(exact);
      expect((creditedMinor + 1n) * rate.denominator).toBeGreaterThan(exact);
      expect(creditedMinor).toBeGreaterThan(0n);
      expect(creditedMinor).toBeLessThanOrEqual(limits.amountMinor);
      const money = { transactionId: 'txn_1', walletId, sourceCurrency: currency, sourceMinor, feeMinor };
      const flow = fiatDepositFlow(stripe, { ...money, creditedCurrency: 'usdc', creditedMinor });
      expect(sums(flow).every((sum) => sum === 0n)).toBe(true);
      const credited = flow.postings.find(
        ({ account }) => account.id === walletAvailable(walletId, 'usdc').id,
      );
      expect(credited?.amountMinor).toBe(-creditedMinor);
      expect(flow.postings.find(({ account }) => account.id === bank(stripe, currency).id)?.amountMinor).toBe(
        minor,
      );
    });
    fc.assert(property, { numRuns: 1000 });
    expect(accepted).toBeGreaterThan(200);
  });

  it('keeps at least the fee whatever the rounding', () => {
    expect(read('100.00')).toMatchObject({ terms: { feeMinor: 300n, creditedMinor: 97_000_000n } });
    expect(read('0.34')).toMatchObject({ terms: { feeMinor: 2n, creditedMinor: 320_000n } });
    expect(read(12.5)).toMatchObject({ terms: { feeMinor: 38n, sourceMinor: 1250n } });
  });

  it('refuses what its fee would eat, and what no wallet can hold', () => {
    expect(reasonOf(read('0.01'))).toEqual(['amount_too_small', ['/amount']]);
    expect(reasonOf(read('0.02'))).toBe('accepted');
    expect(reasonOf(read('9999999999999.99'))).toEqual(['amount_too_large', ['/amount']]);
    expect(reasonOf(read('10000000000000.01'))).toEqual(['invalid_amount', ['/amount']]);
    const most = formatAmount(limits.amountMinor / 10_000n, 2);
    expect(
      reasonOf(
        parseFiatDeposit(
          { virtualAccountId, amount: most },
          'usd',
          conversionRate(rates, 'usd', 'usdc', 0),
          parseRatio('0'),
        ),
      ),
    ).toBe('accepted');
  });

  it.each(['0', '-1', '1.001', '', 'ten', '1e3', ' 1'])('refuses the amount %j', (amount) => {
    expect(reasonOf(read(amount))).toEqual(['invalid_amount', ['/amount']]);
  });

  it('comes on a rail of the currency only, an ordinary one when none is named', () => {
    const railOf = (currency: (typeof sourceCurrencies)[number], paymentRail?: string) => {
      const result = read('100.00', currency, paymentRail === undefined ? {} : { paymentRail });
      return 'terms' in result ? result.terms.rail : reasonOf(result);
    };
    expect(sourceCurrencies.map((currency) => railOf(currency))).toEqual([
      'ach',
      'sepa',
      'faster_payments',
      'spei',
      'pix',
    ]);
    expect(railOf('eur', 'swift')).toBe('swift');
    expect(railOf('eur', 'ach')).toEqual(['unsupported_rail', ['/paymentRail']]);
    expect(railOf('usd', 'solana')).toEqual(['unsupported_rail', ['/paymentRail']]);
    expect(reasonOf(read('x', 'usd', { paymentRail: 'pix' }))).toEqual([
      'invalid_amount',
      ['/amount', '/paymentRail'],
    ]);
  });

  it('waits for a rate', () => {
    const none = parseFiatDeposit({ virtualAccountId, amount: '1.00' }, 'eur', undefined, fee);
    expect(reasonOf(none)).toEqual(['rate_unavailable', ['/amount']]);
  });
});

it('what cannot be credited passes through suspense, and leaves nothing there', () => {
  const flows = returnedDepositFlows(stripe, {
    transactionId: 'txn_1',
    sourceCurrency: 'mxn',
    sourceMinor: 5n,
  });
  const lines = flows.flatMap(({ postings }) => postings);
  for (const account of [bank(stripe, 'mxn'), suspense(stripe, 'mxn')]) {
    const own = lines.filter((line) => line.account.id === account.id);
    expect(own.map(({ amountMinor }) => amountMinor).reduce((sum, part) => sum + part, 0n)).toBe(0n);
    expect(own).toHaveLength(2);
  }
  expect(lines.some(({ account }) => account.id === fxPosition(stripe, 'mxn').id)).toBe(false);
});
