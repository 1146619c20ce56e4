import type { FaultDetail } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type Currency, currencyScale, formatAmount, parseAmount } from '../platform/money.ts';

/** Request fields and answer fields that several resources have. */

/** An amount of a request, or the fault of its field. */
export type AmountField =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly fault: FaultDetail };

/**
 * Reads an amount given as a text or a number.
 *
 * @param path where the field is, for the fault
 */
export function readAmount(value: string | number, currency: Currency, path = '/amount'): AmountField {
  const fault = (message: string): AmountField => ({ ok: false, fault: { path, message } });
  const scale = currencyScale[currency];
  const text = typeof value === 'number' ? numberText(value) : value;
  if (text === undefined || text.length > limits.amountTextLength) {
    return fault('It must be a plain decimal number, such as "10.00".');
  }
  const parsed = parseAmount(text, scale);
  if (!parsed.ok) {
    return fault(
      parsed.fault === 'too_precise'
        ? tooPrecise(currency, scale)
        : 'It must be a plain decimal number, such as "10.00".',
    );
  }
  if (parsed.minor === 0n) return fault('It must be greater than zero.');
  if (parsed.minor > limits.amountMinor) {
    return fault(`It must be at most ${formatAmount(limits.amountMinor, scale)}.`);
  }
  return { ok: true, minor: parsed.minor };
}

function tooPrecise(currency: Currency, scale: number): string {
  if (scale === 0) return `It must be a whole number in ${currency}.`;
  return `It must have at most ${scale} decimals in ${currency}.`;
}

/** A JSON number as plain decimal text; undefined when it has none of reasonable length. */
function numberText(value: number): string | undefined {
  if (!Number.isFinite(value) || value < 0) return undefined;
  const text = String(value);
  if (!text.includes('e')) return text;
  return value < 1 ? value.toFixed(20) : undefined;
}

/** Minor units as the API prints them; the scale is the currency's. */
export function printAmount(minor: bigint, currency: string): string {
  return formatAmount(minor, currencyScale[currency as Currency]);
}

/** The same, for an amount that may not be known yet. */
export function printOptional(minor: bigint | null, currency: string): string | null {
  return minor === null ? null : printAmount(minor, currency);
}
