import { type Checked, compact, failed, passed } from './checked.ts';

const weights = [3, 7, 1];

/** Checks a CLABE: 18 digits, the last of which follows from the others (weights 3, 7, 1, each product mod 10). */
export function checkClabe(text: string): Checked {
  const digits = compact(text);
  if (!/^\d{18}$/.test(digits)) return failed('A CLABE has 18 digits.');
  if (Number(digits.charAt(17)) !== clabeCheckDigit(digits.slice(0, 17))) {
    return failed('The CLABE fails its check digit: copy it again, digit for digit.');
  }
  return passed(digits);
}

/**
 * The last digit of a CLABE.
 *
 * @param digits the other 17
 */
export function clabeCheckDigit(digits: string): number {
  let sum = 0;
  for (let index = 0; index < digits.length; index += 1) {
    sum += (Number(digits.charAt(index)) * (weights[index % weights.length] as number)) % 10;
  }
  return (10 - (sum % 10)) % 10;
}
