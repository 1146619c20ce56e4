import { assert, type FaultDetail, invalidRequest, type Refusal } from '../../platform/errors.ts';
import {
  type Currency,
  currencyScale,
  formatAmount,
  multiplyRatio,
  type Ratio,
} from '../../platform/money.ts';
import type { ConversionRate } from '../../rates/conversion.ts';
import { parseAmountField } from '../fields.ts';

/** What leaves the wallet, and the fee that is kept of it. */
export interface TransferAmount {
  readonly amountMinor: bigint;
  /** Included in `amountMinor`. */
  readonly feeMinor: bigint;
  readonly currency: Currency;
}

/** The fees and rates that a request is priced with. */
export interface Pricing {
  /** Fees as parts of the amount, rounded up to the smallest unit. */
  readonly onChainFee: Ratio;
  /** What the sender of a live transfer is charged for the receiver's account, in minor units; undefined where nobody is charged. */
  readonly accountFeeMinor?: bigint | undefined;
  readonly fiatFee: Ratio;
  /** @returns the current rate; undefined if there is none */
  convert(from: Currency, to: Currency): ConversionRate | undefined;
}

/** A fault of one field, with the `reason` of the refusal. */
export interface RequestFault extends FaultDetail {
  readonly reason: string;
}

export function faultAt(reason: string, path: string, message: string): RequestFault {
  return { reason, path, message };
}

/**
 * Parses the amount of a transfer request and computes the fee.
 *
 * @param feeRate the part of the amount that is kept as the fee, rounded up
 * @param accountFeeMinor added to the fee
 * @returns `amount`, or the fault of the field
 */
export function parseTransferAmount(
  value: string | number,
  currency: Currency,
  feeRate: Ratio,
  accountFeeMinor = 0n,
): { readonly faults: RequestFault[]; readonly amount?: TransferAmount } {
  const parsed = parseAmountField(value, currency);
  if (!parsed.ok) return { faults: [{ reason: 'invalid_amount', ...parsed.fault }] };
  const feeMinor = multiplyRatio(parsed.minor, feeRate, 'up') + accountFeeMinor;
  if (feeMinor < parsed.minor)
    return { faults: [], amount: { amountMinor: parsed.minor, feeMinor, currency } };
  const message = `\`amount\` must be greater than its fee of ${formatAmount(feeMinor, currencyScale[currency])}.`;
  return { faults: [faultAt('amount_too_small', '/amount', message)] };
}

/** One refusal that lists all faults; the first fault gives its reason and message. */
export function refusalFor(faults: readonly RequestFault[]): Refusal {
  const [first] = faults;
  assert(first, 'a refusal has at least one fault');
  const details = faults.map(({ path, message }) => ({ path, message }));
  return invalidRequest(first.reason, first.message, details);
}

/** A refusal for one field. */
export function refuse(reason: string, path: string, message: string): { readonly refusal: Refusal } {
  return { refusal: refusalFor([faultAt(reason, path, message)]) };
}

/** The refusal of a conversion for which there is no current rate. */
export function rateUnavailable(from: Currency, to: Currency): { readonly refusal: Refusal } {
  const message = `There is no current rate from ${from} to ${to}; try again later.`;
  return refuse('rate_unavailable', '/destinationCurrency', message);
}
