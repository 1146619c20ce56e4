import { type Checked, compact, failed, passed } from './checked.ts';

/** Checks a Ghanaian account number: digits only. Banks differ in how many, and GhIPSS has no checksum. */
export function checkGhanaAccountNumber(text: string): Checked {
  const digits = compact(text);
  return /^\d{6,20}$/.test(digits) ? passed(digits) : failed('A Ghanaian account number has 6 to 20 digits.');
}
