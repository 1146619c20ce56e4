/** A normalised identifier, or a fault for the client that never contains it. */
export type Checked = { readonly ok: true; readonly value: string } | Failed;

export interface Failed {
  readonly ok: false;
  readonly fault: string;
}

export function passed(value: string): Checked {
  return { ok: true, value };
}

export function failed(fault: string): Failed {
  return { ok: false, fault };
}

/**
 * White space, dashes (U+2010 to U+2015, minus, small and full-width hyphen), and marks that nobody sees: soft hyphen, zero-width
 * characters, directions, word joiner, byte order mark.
 */
const separators =
  /[\s\u00ad\u200b-\u200f\u2010-\u2015\u202a-\u202e\u2060\u2066-\u2069\u2212\ufe58\ufe63\uff0d\ufeff-]/g;

/** Removes what people and programs write between the characters of an identifier. */
export function compact(text: string): string {
  return text.replaceAll(separators, '');
}

/**
 * Capital letters for a to z, and for nothing else: `toUpperCase` makes letters of ASCII out of others (`ﬁ` is `FI`, `ı` is `I`).
 */
export function upperAscii(text: string): string {
  return text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** Small letters for A to Z, and for nothing else: the Kelvin sign is no `k`. */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/**
 * The sum of every digit times its weight; the weights repeat.
 *
 * @param digits ASCII digits only
 */
export function weightedSum(digits: string, weights: readonly number[]): number {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    sum += (digits.charCodeAt(index) - 48) * (weights[index % weights.length] as number);
  }
  return sum;
}
