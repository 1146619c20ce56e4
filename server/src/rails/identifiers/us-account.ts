import { type Checked, compact, failed, passed, weightedSum } from './checked.ts';

const weights = [3, 7, 1];

/** The first two digits that ABA gives out: Federal Reserve districts, thrifts, electronic, traveller's cheques. */
function isAssigned(prefix: number): boolean {
  return prefix <= 12 || (prefix >= 21 && prefix <= 32) || (prefix >= 61 && prefix <= 72) || prefix === 80;
}

/** Checks an ABA routing number: nine digits, the 3-7-1 checksum, and an assigned prefix. */
export function checkRoutingNumber(text: string): Checked {
  const digits = compact(text);
  if (!/^\d{9}$/.test(digits)) return failed('A routing number has 9 digits.');
  if (weightedSum(digits, weights) % 10 !== 0) {
    return failed('The routing number fails its checksum: copy it again, digit for digit.');
  }
  // Nine zeros pass the checksum too.
  if (!isAssigned(Number(digits.slice(0, 2))) || /^0+$/.test(digits)) {
    return failed('The routing number must start with an assigned prefix.');
  }
  return passed(digits);
}

/** Checks a US account number: 4 to 17 digits, as Nacha's entry record holds them; there is no checksum. */
export function checkUsAccountNumber(text: string): Checked {
  const digits = compact(text);
  return /^\d{4,17}$/.test(digits) ? passed(digits) : failed('A US account number has 4 to 17 digits.');
}
