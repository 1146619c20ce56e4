import { invalidRequest, type Refusal } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import {
  convertAmount,
  currencyScale,
  formatAmount,
  multiplyRatio,
  parseRatio,
  type Ratio,
} from '../../platform/money.ts';
import { type Rail, railFacts, railNames } from '../../rails/rails.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { parseAmountField } from '../../resources/fields.ts';
import type { FiatDepositBody } from '../../resources/sandbox/schema.ts';
import type { VirtualAccountRow } from '../../store/tables/wallets.ts';

/** The currency that every fiat deposit is credited in. */
export const creditedCurrency = 'usdc';

/** The parsed request of a fiat deposit. Amounts are in minor units. */
export interface FiatDepositTerms {
  readonly rail: Rail;
  readonly sourceMinor: bigint;
  readonly feeMinor: bigint;
  readonly creditedMinor: bigint;
  readonly conversion: ConversionRate;
  readonly senderName: string | undefined;
}

type ParsedDeposit = { readonly terms: FiatDepositTerms } | { readonly refusal: Refusal };

/**
 * Parses the request of a fiat deposit. The fee is rounded up; the rest is converted at the current rate, rounded down.
 *
 * @param currency the currency of the virtual account
 * @param conversion from `currency` into USDC; undefined if there is no current rate
 * @param fiatFee the part of the amount that is kept as the fee
 */
export function parseFiatDeposit(
  body: FiatDepositBody,
  currency: VirtualAccountRow['source_currency'],
  conversion: ConversionRate | undefined,
  fiatFee: Ratio,
): ParsedDeposit {
  const rails = railNames.filter((name) => railFacts(name).currencies.includes(currency));
  const rail = body.paymentRail === undefined ? rails[0] : rails.find((name) => name === body.paymentRail);
  const amount = parseAmountField(body.amount, currency);
  const details = amount.ok ? [] : [amount.fault];
  if (!rail) {
    const message = `\`paymentRail\` must be a rail of ${currency}: ${rails.join(', ')}.`;
    details.push({ path: '/paymentRail', message });
  }
  if (!amount.ok || !rail) {
    const reason = amount.ok ? 'unsupported_rail' : 'invalid_amount';
    return { refusal: invalidRequest(reason, details[0]?.message ?? '', details) };
  }
  if (!conversion)
    return refuse('rate_unavailable', `There is no current rate from ${currency}; try again later.`);
  return priceDeposit(amount.minor, currency, conversion, fiatFee, {
    rail,
    senderName: body.senderName,
  });
}

function priceDeposit(
  sourceMinor: bigint,
  currency: VirtualAccountRow['source_currency'],
  conversion: ConversionRate,
  fiatFee: Ratio,
  given: Pick<FiatDepositTerms, 'rail' | 'senderName'>,
): ParsedDeposit {
  const feeMinor = multiplyRatio(sourceMinor, fiatFee, 'up');
  const scales = [currencyScale[currency], currencyScale[creditedCurrency]] as const;
  const creditedMinor =
    feeMinor < sourceMinor
      ? convertAmount(sourceMinor - feeMinor, ...scales, parseRatio(conversion.rate), 'down')
      : 0n;
  if (creditedMinor === 0n) {
    const fee = formatAmount(feeMinor, currencyScale[currency]);
    const message = `\`amount\` less its fee of ${fee} must convert to at least one minor unit of ${creditedCurrency}.`;
    return refuse('amount_too_small', message);
  }
  if (creditedMinor > limits.amountMinor) {
    const max = formatAmount(limits.amountMinor, currencyScale[creditedCurrency]);
    return refuse('amount_too_large', `\`amount\` must convert to at most ${max} ${creditedCurrency}.`);
  }
  return { terms: { ...given, sourceMinor, feeMinor, creditedMinor, conversion } };
}

function refuse(reason: string, message: string): ParsedDeposit {
  return { refusal: invalidRequest(reason, message, [{ path: '/amount', message }]) };
}
