/**
 * Amounts are whole minor units in a `bigint`, never JavaScript numbers.
 */

/** Decimal places of every currency the server knows: six for stablecoins, the minor units of ISO 4217 for the rest. */
export const currencyScale = {
  usd: 2,
  eur: 2,
  gbp: 2,
  mxn: 2,
  brl: 2,
  ghs: 2,
  ngn: 2,
  kes: 2,
  zmw: 2,
  tzs: 2,
  ugx: 0,
  rwf: 0,
  xof: 0,
  xaf: 0,
  usdc: 6,
  usdt: 6,
  pyusd: 6,
  eurc: 6,
} as const;

export type Currency = keyof typeof currencyScale;

export type Rounding = 'down' | 'up' | 'half_even';

/** A fraction of whole numbers: a rate or a fee. */
export interface Ratio {
  readonly numerator: bigint;
  readonly denominator: bigint;
}

const decimalPattern = /^(\d+)(?:\.(\d+))?$/;

/** A parsed amount, or why the text is not one. */
export type ParsedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly fault: 'not_decimal' | 'too_precise' };

/**
 * Parses a plain decimal text (`"10"`, `"10.00"`; no sign, no exponent, no separators) as minor units.
 * Trailing zeros beyond the scale are allowed: `"1.500"` is valid at scale 2.
 *
 * @param scale decimal places of the currency
 */
export function parseAmount(text: string, scale: number): ParsedAmount {
  const match = decimalPattern.exec(text);
  if (!match) return { ok: false, fault: 'not_decimal' };
  const whole = match[1] ?? '0';
  const fraction = withoutZerosAtEnd(match[2] ?? '');
  if (fraction.length > scale) return { ok: false, fault: 'too_precise' };
  return { ok: true, minor: BigInt(whole + fraction.padEnd(scale, '0')) };
}

/** A loop, because a regular expression would take quadratic time. */
function withoutZerosAtEnd(digits: string): string {
  let end = digits.length;
  while (end > 0 && digits[end - 1] === '0') end -= 1;
  return digits.slice(0, end);
}

/**
 * Formats minor units as the API does: at least two decimals, at most the currency's scale, no other padding
 * (`"4.40"`, `"0.123456"`; `"1500"` at scale 0).
 */
export function formatAmount(minor: bigint, scale: number): string {
  const negative = minor < 0n;
  const digits = (negative ? -minor : minor).toString().padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const sign = negative ? '-' : '';
  if (scale === 0) return sign + whole;
  let end = digits.length;
  const shortest = digits.length - scale + Math.min(2, scale);
  while (end > shortest && digits.charCodeAt(end - 1) === 48) end -= 1;
  return `${sign}${whole}.${digits.slice(digits.length - scale, end)}`;
}

/**
 * Parses a decimal text as an exact ratio (`"0.003"` → 3/1000).
 *
 * @throws RangeError if the text is not a plain decimal
 */
export function parseRatio(text: string): Ratio {
  const match = decimalPattern.exec(text);
  if (!match) throw new RangeError(`Not a decimal ratio: ${text}`);
  const fraction = match[2] ?? '';
  return { numerator: BigInt((match[1] ?? '0') + fraction), denominator: 10n ** BigInt(fraction.length) };
}

/**
 * Multiplies minor units by a ratio.
 *
 * @throws RangeError if the denominator is not positive
 */
export function multiplyRatio(minor: bigint, ratio: Ratio, rounding: Rounding): bigint {
  return divideRounded(minor * ratio.numerator, ratio.denominator, rounding);
}

/**
 * Converts minor units of one scale to another at a rate (units of `to` for one unit of `from`).
 */
export function convertAmount(
  minor: bigint,
  fromScale: number,
  toScale: number,
  rate: Ratio,
  rounding: Rounding,
): bigint {
  const numerator = minor * rate.numerator * 10n ** BigInt(toScale);
  return divideRounded(numerator, rate.denominator * 10n ** BigInt(fromScale), rounding);
}

/** Divides whole numbers; `down` goes towards minus infinity, `up` towards plus infinity. */
function divideRounded(numerator: bigint, denominator: bigint, rounding: Rounding): bigint {
  if (denominator <= 0n) throw new RangeError('A ratio needs a positive denominator');
  let quotient = numerator / denominator;
  let remainder = numerator % denominator;
  if (remainder < 0n) {
    quotient -= 1n;
    remainder += denominator;
  }
  if (remainder === 0n || rounding === 'down') return quotient;
  if (rounding === 'up') return quotient + 1n;
  const twice = remainder * 2n;
  const roundUp = twice > denominator || (twice === denominator && quotient % 2n !== 0n);
  return roundUp ? quotient + 1n : quotient;
}
