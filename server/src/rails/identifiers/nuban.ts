import { type Checked, compact, failed, passed, weightedSum } from './checked.ts';

const weights = [3, 7, 3];

/**
 * Commercial and non-interest banks by the code that the Central Bank of Nigeria gave them. Each is in two lists of
 * different origin at least (Paystack, Monnify, Prembly and others). Left out are Heritage Bank (030), which lost its
 * licence on 3 June 2024, and codes on which lists disagree, such as 304.
 */
export const nigerianBanks: Readonly<Record<string, string>> = {
  '011': 'First Bank',
  '023': 'Citibank',
  '032': 'Union Bank',
  '033': 'UBA',
  '035': 'Wema Bank',
  '044': 'Access Bank',
  '050': 'Ecobank',
  '057': 'Zenith Bank',
  '058': 'GTBank',
  '063': 'Access Bank (Diamond)',
  '068': 'Standard Chartered',
  '070': 'Fidelity Bank',
  '076': 'Polaris Bank',
  '082': 'Keystone Bank',
  '100': 'SunTrust Bank',
  '101': 'Providus Bank',
  '102': 'Titan Trust Bank',
  '103': 'Globus Bank',
  '104': 'Parallex Bank',
  '105': 'PremiumTrust Bank',
  '106': 'Signature Bank',
  '107': 'Optimus Bank',
  '214': 'FCMB',
  '215': 'Unity Bank',
  '221': 'Stanbic IBTC',
  '232': 'Sterling Bank',
  '301': 'Jaiz Bank',
  '302': 'TAJBank',
  '303': 'Lotus Bank',
};

/**
 * Checks the code of a Nigerian bank: three digits of a known bank, or five digits of another institution, which
 * may be written with the 9 that stands before them in its NUBAN.
 */
export function checkNigerianBankCode(text: string): Checked {
  const digits = compact(text);
  if (/^\d{3}$/.test(digits)) {
    return Object.hasOwn(nigerianBanks, digits)
      ? passed(digits)
      : failed('The bank code must be one that the Central Bank of Nigeria has assigned.');
  }
  // Some lists write a bank's code with five digits: Globus Bank is 00103 there. No institution's code starts so.
  if (/^00\d{3}$/.test(digits)) return checkNigerianBankCode(digits.slice(2));
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
