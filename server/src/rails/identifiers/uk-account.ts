import { type Checked, compact, failed, passed } from './checked.ts';

/** Checks a UK account number: eight digits. What more could be checked differs from bank to bank. */
export function checkUkAccountNumber(text: string): Checked {
  const digits = compact(text);
  return /^\d{8}$/.test(digits) ? passed(digits) : failed('A UK account number has 8 digits.');
}

/** Checks a UK sort code: six digits. */
export function checkSortCode(text: string): Checked {
  const digits = compact(text);
  return /^\d{6}$/.test(digits) ? passed(digits) : failed('A sort code has 6 digits.');
}
