import { type Checked, compact, failed, passed } from './checked.ts';

/** How long an IBAN is by country: SWIFT, IBAN Registry (ISO 13616). */
const lengthByCountry: Readonly<Record<string, number>> = Object.fromEntries(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 ' +
    'YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);

/** Countries of the SEPA schemes whose IBANs carry their own code: EPC409-09. */
const sepaCountries: ReadonlySet<string> = new Set(
  (
    'AD AL AT BE BG CH CY CZ DE DK EE ES FI FR GB GI GR HR HU IE IS IT LI LT LU LV MC MD ME MK MT NL NO PL PT RO RS ' +
    'SE SI SK SM VA'
  ).split(' '),
);

/** Whether accounts in a country (ISO 3166 alpha-2) have IBANs. */
export function hasIbans(country: string): boolean {
  return Object.hasOwn(lengthByCountry, country);
}

/** Checks an IBAN: its country, that country's length, and mod 97 (ISO 13616-1). */
export function checkIban(text: string): Checked {
  const iban = compact(text).toUpperCase();
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{1,30}$/.test(iban)) {
    return failed('An IBAN must be a country code, two digits, and then letters and digits.');
  }
  const length = lengthByCountry[iban.slice(0, 2)];
  if (length === undefined) return failed('The country code must be one of the IBAN registry.');
  if (iban.length !== length) return failed(`An IBAN of this country must have ${length} characters.`);
  // The two digits are 98 less a remainder: 00, 01 and 99 are never made, yet can pass.
  const check = Number(iban.slice(2, 4));
  if (check < 2 || check > 98 || mod97(iban) !== 1) {
    return failed('The IBAN fails its checksum: copy it again, character for character.');
  }
  return passed(iban);
}

/** Checks an IBAN that SEPA reaches. */
export function checkSepaIban(text: string): Checked {
  const checked = checkIban(text);
  if (!checked.ok || sepaCountries.has(checked.value.slice(0, 2))) return checked;
  return failed('SEPA does not reach the country of this IBAN.');
}

/**
 * The two check digits of an IBAN (ISO 13616-1).
 *
 * @param country ISO 3166 alpha-2
 * @param bban what follows the check digits, capital letters and digits
 */
export function ibanCheckDigits(country: string, bban: string): string {
  return String(98 - mod97(`${country}00${bban}`)).padStart(2, '0');
}

/** The remainder by 97 with the first four characters moved to the end and A = 10 … Z = 35. */
function mod97(iban: string): number {
  let remainder = 0;
  for (const character of iban.slice(4) + iban.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}
