import type { Refusal } from '../../platform/errors.ts';
import { isId } from '../../platform/ids.ts';
import type { FiatCode } from '../../rails/fiat.ts';
import { checkReference, type Rail, railFacts } from '../../rails/rails.ts';
import type { HeldCurrency } from '../../resources/crypto-wallets/state.ts';
import { payoutMinor } from '../../resources/transfers/pricing.ts';
import {
  faultAt,
  type Pricing,
  parseTransferAmount,
  rateUnavailable,
  refusalFor,
  refuse,
  type TransferAmount,
} from '../../resources/transfers/request-amount.ts';
import type { CreateTransferBody } from '../../resources/transfers/schema.ts';

/** The parsed request of a transfer to a counterparty's bank account. */
export interface PayoutTerms extends TransferAmount {
  readonly kind: 'bank';
  readonly rail: Rail;
  readonly payoutCurrency: FiatCode;
  readonly counterpartyId: string;
  /** What would arrive at the current rate, in minor units of `payoutCurrency`. */
  readonly expectedMinor: bigint;
}

/**
 * Parses the request of a payout: currency, counterparty, reference and amount must fit the rail.
 *
 * @returns the terms, or a refusal that lists every fault
 */
export function parsePayoutRequest(
  body: CreateTransferBody,
  rail: Rail,
  currency: HeldCurrency,
  { convert, fiatFee }: Pricing,
): { readonly terms: PayoutTerms } | { readonly refusal: Refusal } {
  const { destinationAddress: counterpartyId, destinationCurrency, reference } = body;
  const payoutCurrency = railFacts(rail).currencies.find((known) => known === destinationCurrency);
  if (payoutCurrency === undefined) {
    const message = `\`destinationCurrency\` must be a currency of the rail ${rail}: ${railFacts(rail).currencies.join(', ')}.`;
    return refuse('unsupported_currency', '/destinationCurrency', message);
  }
  const { amount, faults } = parseTransferAmount(body.amount, currency, fiatFee);
  if (!isId(counterpartyId, 'pa')) {
    const message = '`destinationAddress` must be the id of a counterparty: pa_….';
    faults.push(faultAt('counterparty_not_found', '/destinationAddress', message));
  }
  const unfit = reference === undefined ? undefined : checkReference(rail, reference);
  if (unfit !== undefined) faults.push(faultAt('invalid_reference', '/reference', unfit));
  if (!amount || faults.length > 0) return { refusal: refusalFor(faults) };
  const rate = convert(currency, payoutCurrency);
  if (!rate) return rateUnavailable(currency, payoutCurrency);
  const expectedMinor = payoutMinor(amount, payoutCurrency, rate);
  return { terms: { ...amount, kind: 'bank', rail, payoutCurrency, counterpartyId, expectedMinor } };
}
