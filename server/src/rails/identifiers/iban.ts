import { type Checked, compact, failed, passed, upperAscii } from './checked.ts';

/**
 * What follows the check digits of an IBAN, by country (SWIFT, IBAN Registry, "BBAN structure"): so many digits (n), capital letters
 * (a), or capital letters and digits (c). Parts of one kind that stand together are one here.
 */
const bbanStructures: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'AD 8n12c, AE 19n, AL 8n16c, AT 16n, AZ 4a20c, BA 16n, BE 12n, BG 4a6n8c, BH 4a14c, BI 23n, ' +
    'BR 23n1a1c, BY 4c4n16c, CH 5n12c, CR 18n, CY 8n16c, CZ 20n, DE 18n, DJ 23n, DK 14n, DO 4c20n, EE 16n, ' +
    'EG 25n, ES 20n, FI 14n, FK 2a12n, FO 14n, FR 10n11c2n, GB 4a14n, GE 2a16n, GI 4a15c, GL 14n, ' +
    'GR 7n16c, GT 24c, HN 4a20n, HR 17n, HU 24n, IE 4a14n, IL 19n, IQ 4a15n, IS 22n, IT 1a10n12c, ' +
    'JO 4a4n18c, KW 4a22c, KZ 3n13c, LB 4n20c, LC 4a24c, LI 5n12c, LT 16n, LU 3n13c, LV 4a13c, LY 21n, ' +
    'MC 10n11c2n, MD 20c, ME 18n, MK 3n10c2n, MN 16n, MR 23n, MT 4a5n18c, MU 4a19n3a, NI 4a20n, NL 4a10n, ' +
    'NO 11n, OM 3n16c, PK 4a16c, PL 24n, PS 4a21c, PT 21n, QA 4a21c, RO 4a16c, RS 18n, RU 14n15c, ' +
    'SA 2n18c, SC 4a20n3a, SD 14n, SE 20n, SI 15n, SK 20n, SM 1a10n12c, SO 19n, ST 21n, SV 4a20n, TL 19n, ' +
    'TN 20n, TR 6n16c, UA 6n19c, VA 18n, VG 4a16n, XK 16n, YE 4a4n18c'
  )
    .split(', ')
    .map((entry) => entry.split(' ')),
);

const characterClasses: Readonly<Record<string, string>> = { n: '\\d', a: '[A-Z]', c: '[A-Z0-9]' };

interface Bban {
  readonly length: number;
  readonly pattern: RegExp;
}

const bbans: Readonly<Record<string, Bban>> = Object.fromEntries(
  Object.entries(bbanStructures).map(([country, structure]) => {
    const parts = [...structure.matchAll(/(\d+)([nac])/g)];
    const pattern = parts.map(([, count, kind = '']) => `${characterClasses[kind]}{${count}}`).join('');
    const length = parts.reduce((sum, [, count]) => sum + Number(count), 0);
    return [country, { length, pattern: new RegExp(`^${pattern}$`) }];
  }),
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
  return Object.hasOwn(bbans, country);
}

/** Checks an IBAN: its country, that country's length and structure, and mod 97 (ISO 13616-1). */
export function checkIban(text: string): Checked {
  const iban = upperAscii(compact(text));
  if (!/^[A-Z]{2}\d{2}[A-Z0-9]{1,30}$/.test(iban)) {
    return failed('An IBAN must be a country code, two digits, and then letters and digits.');
  }
  const country = iban.slice(0, 2);
  const bban = hasIbans(country) ? bbans[country] : undefined;
  if (bban === undefined) return failed('There are no IBANs with this country code.');
  const length = 4 + bban.length;
  if (iban.length !== length) return failed(`An IBAN of this country has ${length} characters.`);
  if (!bban.pattern.test(iban.slice(4)))
    return failed(`An IBAN of this country must be ${describeBban(country)}.`);
  // The two digits are 98 less a remainder: 00, 01 and 99 are never made, yet can pass.
  const check = Number(iban.slice(2, 4));
  if (check < 2 || check > 98 || mod97(iban) !== 1) {
    return failed('The IBAN fails its checksum: copy it again, character for character.');
  }
  return passed(iban);
}

/** For example "GB, 2 digits, 4 letters, 14 digits". */
function describeBban(country: string): string {
  const names: Readonly<Record<string, string>> = { n: 'digits', a: 'letters', c: 'letters or digits' };
  const parts = [...(bbanStructures[country] ?? '').matchAll(/(\d+)([nac])/g)];
  return [country, '2 digits', ...parts.map(([, count, kind = '']) => `${count} ${names[kind]}`)].join(', ');
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
