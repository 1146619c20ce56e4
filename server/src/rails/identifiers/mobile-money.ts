import { type Checked, compact, failed, passed, upperAscii } from './checked.ts';

/**
 * A country that mobile money reaches: its E.164 calling code, how many digits a mobile number has after it, and how
 * these begin (a regular expression), which tells them from landlines.
 */
interface Country {
  readonly country: string;
  readonly callingCode: string;
  readonly digits: number;
  readonly mobile: string;
}

interface MobileMoneyCurrency {
  readonly countries: readonly Country[];
  readonly providers: readonly [string, ...string[]];
  readonly examplePhoneNumber: string;
}

function of(country: string, callingCode: string, digits: number, mobile: string): Country {
  return { country, callingCode, digits, mobile };
}

/**
 * Lengths and beginnings: the national numbering plans (ITU-T E.129), in few digits, so that new ranges of a network
 * pass as well.
 */
const mobileMoney = {
  ghs: {
    countries: [of('GH', '233', 9, '[25]')],
    providers: ['MTN', 'TELECEL', 'AIRTELTIGO'],
    examplePhoneNumber: '+233501234567',
  },
  kes: {
    countries: [of('KE', '254', 9, '[17]')],
    providers: ['MPESA', 'AIRTEL'],
    examplePhoneNumber: '+254712345678',
  },
  ugx: {
    countries: [of('UG', '256', 9, '7')],
    providers: ['MTN', 'AIRTEL'],
    examplePhoneNumber: '+256712345678',
  },
  rwf: {
    countries: [of('RW', '250', 9, '7')],
    providers: ['MTN', 'AIRTEL'],
    examplePhoneNumber: '+250781234567',
  },
  tzs: {
    countries: [of('TZ', '255', 9, '[67]')],
    providers: ['VODACOM', 'AIRTEL', 'TIGO', 'HALOPESA'],
    examplePhoneNumber: '+255751234567',
  },
  // WAEMU. Benin has ten digits since 30 November 2024, Côte d'Ivoire since 31 January 2021.
  xof: {
    countries: [
      of('BJ', '229', 10, '01(?:2[5-9]|[4-69])'),
      of('BF', '226', 8, '(?:0|4[4-6]|[5-7])'),
      of('CI', '225', 10, '0[157]'),
      of('GW', '245', 9, '9'),
      of('ML', '223', 8, '(?:[5-9]|2001|2079|217)'),
      of('NE', '227', 8, '(?:[789]|23)'),
      of('SN', '221', 9, '7'),
      of('TG', '228', 8, '[79]'),
    ],
    providers: ['ORANGE', 'MTN', 'MOOV', 'WAVE'],
    examplePhoneNumber: '+2290190123456',
  },
  // CEMAC
  xaf: {
    countries: [
      of('CM', '237', 9, '(?:6|24)'),
      of('CF', '236', 8, '7'),
      of('TD', '235', 8, '(?:[3689]|77)'),
      of('CG', '242', 9, '0'),
      of('GQ', '240', 9, '(?:222|5)'),
      of('GA', '241', 8, '(?:0[2-7]|[67])'),
    ],
    providers: ['MTN', 'ORANGE'],
    examplePhoneNumber: '+237671234567',
  },
  zmw: {
    countries: [of('ZM', '260', 9, '[579]')],
    providers: ['MTN', 'AIRTEL', 'ZAMTEL'],
    examplePhoneNumber: '+260971234567',
  },
} as const satisfies Record<string, MobileMoneyCurrency>;

export type MobileMoneyCode = keyof typeof mobileMoney;

/** The currencies that mobile money is paid in. */
export const mobileMoneyCurrencies = Object.keys(mobileMoney) as MobileMoneyCode[];

/** Countries and providers of a currency. */
export function mobileMoneyFacts(currency: MobileMoneyCode): MobileMoneyCurrency {
  return mobileMoney[currency];
}

/** Checks a provider's name, in any case, for a currency. */
export function checkProvider(text: string, currency: MobileMoneyCode): Checked {
  const name = upperAscii(compact(text));
  const providers: readonly string[] = mobileMoney[currency].providers;
  return providers.includes(name)
    ? passed(name)
    : failed(`The provider for ${currency} must be one of: ${providers.join(', ')}.`);
}

/** Checks a phone number in E.164 form, of a country that has the currency. */
export function checkMobileNumber(text: string, currency: MobileMoneyCode): Checked {
  const number = compact(text);
  if (!/^\+[1-9]\d{6,14}$/.test(number)) {
    return failed('The phone number must be in E.164 form: +, the country code and the national number.');
  }
  const country = countryFacts(number, currency);
  if (!country) {
    const codes = mobileMoney[currency].countries.map(({ callingCode }) => `+${callingCode}`);
    return failed(`A phone number for ${currency} must start with ${codes.join(', ')}.`);
  }
  const { callingCode, digits, mobile } = country;
  const national = number.slice(1 + callingCode.length);
  if (national.length !== digits)
    return failed(`A phone number must have ${digits} digits after +${callingCode}.`);
  return new RegExp(`^${mobile}`).test(national)
    ? passed(number)
    : failed('The number must be a mobile number of its country.');
}

/** The country (ISO 3166 alpha-2) of a number that was checked. */
export function countryOfNumber(number: string, currency: MobileMoneyCode): string | undefined {
  return countryFacts(number, currency)?.country;
}

function countryFacts(number: string, currency: MobileMoneyCode): Country | undefined {
  return mobileMoney[currency].countries.find(({ callingCode }) => number.startsWith(callingCode, 1));
}
