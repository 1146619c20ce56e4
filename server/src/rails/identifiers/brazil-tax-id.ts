import { type Checked, compact, failed, passed, upperAscii } from './checked.ts';

/** Checks a CPF: eleven digits, the last two of which follow from the others (mod 11). */
export function checkCpf(text: string): Checked {
  const digits = bare(text);
  if (!/^\d{11}$/.test(digits)) return failed('A CPF has 11 digits.');
  // Eleven times the same digit passes, and is never given out.
  if (/^(.)\1+$/.test(digits) || !hasCheckDigits(digits, 12)) {
    return failed('The CPF fails its check digits: copy it again, digit for digit.');
  }
  return passed(digits);
}

/**
 * Checks a CNPJ: twelve digits or capital letters and two check digits (mod 11 over ASCII code − 48: Receita Federal,
 * Instrução Normativa RFB 2.229/2024).
 */
export function checkCnpj(text: string): Checked {
  const characters = upperAscii(bare(text));
  if (!/^[A-Z\d]{12}\d{2}$/.test(characters)) {
    return failed('A CNPJ has 12 digits or letters, and 2 digits.');
  }
  if (/^(.)\1+$/.test(characters) || !hasCheckDigits(characters, 9)) {
    return failed('The CNPJ fails its check digits: copy it again, character for character.');
  }
  return passed(characters);
}

function bare(text: string): string {
  return compact(text).replaceAll(/[./]/g, '');
}

/** @param maxWeight weights count from 2 at the last character upwards to here, then from 2 again */
function hasCheckDigits(characters: string, maxWeight: number): boolean {
  const payload = characters.slice(0, -2);
  const first = checkDigit(payload, maxWeight);
  return characters.endsWith(`${first}${checkDigit(payload + first, maxWeight)}`);
}

function checkDigit(characters: string, maxWeight: number): number {
  let sum = 0;
  for (let index = 0; index < characters.length; index += 1) {
    const fromEnd = characters.length - 1 - index;
    sum += (characters.charCodeAt(index) - 48) * ((fromEnd % (maxWeight - 1)) + 2);
  }
  return sum % 11 < 2 ? 0 : 11 - (sum % 11);
}
