import { type Checked, compact, failed, passed, weightedSum } from './checked.ts';

const weights = [3, 7, 3];

/** Commercial banks by the code that the Central Bank of Nigeria gave them. */
export const nigerianBanks: Readonly<Record<string, string>> = {
  '011': 'First Bank',
  '032': 'Union Bank',
  '033': 'UBA',
  '035': 'Wema Bank',
  '044': 'Access Bank',
  '050': 'Ecobank',
  '057': 'Zenith Bank',
  '058': 'GTBank',
  '068': 'Standard Chartered',
  '070': 'Fidelity Bank',
  '076': 'Polaris Bank',
  '082': 'Keystone Bank',
  '101': 'Providus Bank',
  '214': 'FCMB',
  '221': 'Stanbic IBTC',
  '232': 'Sterling Bank',
};

/**
 * Checks the code of a Nigerian bank: three digits of a known bank, or five digits of another institution, which
 * may be written with the 9 that stands before them in its NUBAN.
 */
export function checkNigerianBankCode(text: string): Checked {
  const digits = compact(text);
  if (/^\d{3}$/.test(digits)) {
    return Object.hasOwn(nigerianBanks, digits) ? passed(digits) : failed('No bank has this code.');
  }
  if (/^\d{5}$/.test(digits)) return passed(`9${digits}`);
  if (/^9\d{5}$/.test(digits)) return passed(digits);
  return failed('A bank code has 3 digits, or 5 for institutions that are no commercial banks.');
}

/**
 * Checks a NUBAN: ten digits, the last of which follows from the bank's code and the other nine (CBN, Standards on
 * NUBAN).
 *
 * @param bankCode as `checkNigerianBankCode` returns it
 */
export function checkNuban(text: string, bankCode: string): Checked {
  const shape = checkNubanShape(text);
  if (!shape.ok) return shape;
  const sum = weightedSum(bankCode + shape.value.slice(0, 9), weights);
  if (Number(shape.value.charAt(9)) !== (10 - (sum % 10)) % 10) {
    return failed('The account number fails its check digit at this bank: check both, digit for digit.');
  }
  return shape;
}

/** Checks as much of a NUBAN as can be seen without its bank. */
export function checkNubanShape(text: string): Checked {
  const digits = compact(text);
  return /^\d{10}$/.test(digits) ? passed(digits) : failed('A Nigerian account number has 10 digits.');
}
