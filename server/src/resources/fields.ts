import type { FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type Currency, currencyScale, formatAmount, parseAmount } from '../platform/money.ts';

/** Request and response fields that several resources share. */

/** The amount of a request in minor units, or the fault of its field. */
export type AmountField =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly fault: FaultDetail };

/**
 * Parses an amount that is given as a text or as a number.
 *
 * @param path the JSON pointer of the field, for the fault
 * @returns minor units of the currency, or the fault of the field
 */
export function parseAmountField(value: string | number, currency: Currency, path = '/amount'): AmountField {
  const fault = (rule: string): AmountField => ({
    ok: false,
    fault: { path, message: `\`${path.slice(1)}\` must be ${rule}.` },
  });
  const scale = currencyScale[currency];
  const text = typeof value === 'number' ? numberText(value) : value;
  if (text === undefined || text.length > limits.amountTextLength) {
    return fault(plainDecimal);
  }
  const parsed = parseAmount(text, scale);
  if (!parsed.ok) {
    return fault(parsed.fault === 'too_precise' ? tooPrecise(currency, scale) : plainDecimal);
  }
  if (parsed.minor === 0n) return fault('greater than zero');
  if (parsed.minor > limits.amountMinor) {
    return fault(`at most ${formatAmount(limits.amountMinor, scale)}`);
  }
  return { ok: true, minor: parsed.minor };
}

const plainDecimal = 'a plain decimal number, such as "10.00"';

function tooPrecise(currency: Currency, scale: number): string {
  if (scale === 0) return `a whole number in ${currency}`;
  return `a decimal number with at most ${scale} decimals in ${currency}`;
}

/** A JSON number as plain decimal text; undefined if it is negative, infinite or too large to be written in full. */
function numberText(value: number): string | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  const text = String(value);
  if (!text.includes('e')) return text;
  return value < 1 ? value.toFixed(20) : undefined;
}

/** Formats minor units with the decimals of their currency. */
export function printAmount(minor: bigint, currency: string): string {
  return formatAmount(minor, currencyScale[currency as Currency]);
}

/** Formats an amount that may not be known yet. */
export function printOptional(minor: bigint | null, currency: string): string | null {
  return minor === null ? null : printAmount(minor, currency);
}
