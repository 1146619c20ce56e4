import { countryOfBic } from './bic.ts';
import { type Checked, compact, failed, passed, upperAscii } from './checked.ts';
import { checkIban, hasIbans } from './iban.ts';

/** Territories whose accounts have another country's IBANs (IBAN Registry, "Country code includes"). */
const ibanCountryByTerritory: Readonly<Record<string, string>> = {
  ...Object.fromEntries('GG IM JE'.split(' ').map((territory) => [territory, 'GB'])),
  ...Object.fromEntries(
    'BL GF GP MF MQ NC PF PM RE TF WF YT'.split(' ').map((territory) => [territory, 'FR']),
  ),
  AX: 'FI',
};

/**
 * Checks the account number of a SWIFT payment: an IBAN where the bank's country has them, else up to 34 letters and
 * digits (SWIFT MT, field 59).
 *
 * @param bic checked already
 */
export function checkSwiftAccountNumber(text: string, bic: string): Checked {
  const bankCountry = countryOfBic(bic);
  const country = ibanCountryByTerritory[bankCountry] ?? bankCountry;
  if (!hasIbans(country)) return checkAccountShape(text);
  const checked = checkIban(text);
  if (checked.ok && !checked.value.startsWith(country)) {
    return failed('The IBAN and the BIC must have the same country.');
  }
  return checked;
}

/** Checks as much as can be seen without the bank. */
export function checkAccountShape(text: string): Checked {
  const account = upperAscii(compact(text));
  return /^[A-Z0-9]{4,34}$/.test(account)
    ? passed(account)
    : failed('An account number must have 4 to 34 letters and digits.');
}
