import { validate as isRoutingNumber } from 'abavalidator';
import { clabe as clabeValidator } from 'clabe-validator';
import fc from 'fast-check';
import { countrySpecs, isValidBIC, isValidIBAN } from 'ibantools';
import {
  type CountryCode,
  getCountryCallingCode,
  getExampleNumber,
  parsePhoneNumber,
} from 'libphonenumber-js/max';
import examples from 'libphonenumber-js/mobile/examples';
import { stdnum } from 'stdnum';
import { describe, expect, it, test } from 'vitest';
import { sandboxDepositAccount } from '../../simulator/bank/deposit-accounts.ts';
import { checkBic } from './bic.ts';
import { checkCnpj, checkCpf } from './brazil-tax-id.ts';
import { checkClabe, clabeCheckDigit } from './clabe.ts';
import { checkIban, checkSepaIban, hasIbans, ibanCheckDigits } from './iban.ts';
import { checkMobileNumber, mobileMoneyCurrencies, mobileMoneyFacts } from './mobile-money.ts';
import { checkNuban, nigerianBanks } from './nuban.ts';
import { checkRoutingNumber } from './us-account.ts';

/** Our checks and tables against those of libraries that others have written. */

const digitsOf = (length: number) => fc.stringMatching(new RegExp(`^\\d{${length}}$`));
const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
const countries = letters.flatMap((first) => letters.map((second) => first + second));

describe('IBANs and ibantools', () => {
  /** BBANs of a country by their table. */
  function bbansOf(country: string): string[] {
    const pattern = countrySpecs[country]?.bban_regexp ?? '';
    const anchored = new RegExp(`^${pattern.replaceAll(/[\^$]/g, '')}$`);
    return fc.sample(fc.stringMatching(anchored), { numRuns: 20, seed: 1 });
  }

  const ibanOf = (country: string, bban: string): string => country + ibanCheckDigits(country, bban) + bban;
  const passes = (country: string, bban: string): boolean => checkIban(ibanOf(country, bban)).ok;
  /** Where their table has digits or letters, and the registry (release 99) has one of them: letters at first, a digit in Turkey. */
  const stricter: Readonly<Record<string, RegExp>> = {
    GE: /^[A-Z]{2}/,
    IE: /^[A-Z]{4}/,
    PK: /^[A-Z]{4}/,
    PS: /^[A-Z]{4}/,
    TR: /^\d{6}/,
    VG: /^[A-Z]{4}/,
  };
  /** Where their table has letters, and the registry has digits or letters. */
  const laxer: Readonly<Record<string, RegExp>> = {
    BY: /^[A-Z0-9]{4}\d{4}[A-Z0-9]{16}$/,
    PK: /^[A-Z]{4}[A-Z0-9]{16}$/,
    PS: /^[A-Z]{4}[A-Z0-9]{21}$/,
    DO: /^[A-Z0-9]{4}\d{20}$/,
  };
  const isRight = (country: string, bban: string): boolean => stricter[country]?.test(bban) ?? true;

  // Not in the IBAN Registry: formats that were agreed on or tried out elsewhere.
  const unregistered = new Set(
    'AO BF BJ CF CG CI CM CV DZ GA GQ GW IR KM MA MG ML MZ NE SN TD TG'.split(' '),
  );
  // Territories that the registry lists under "country code includes": their IBANs start with FI or FR.
  const territories = new Set('AX BL GF GP MF MQ NC PF PM RE TF WF YT'.split(' '));

  it('know the same countries and lengths, but for what the registry does not have', () => {
    for (const country of countries) {
      const theirs = countrySpecs[country]?.chars ?? undefined;
      if (unregistered.has(country) || territories.has(country)) {
        expect(theirs, country).toBeDefined();
        expect(hasIbans(country), country).toBe(false);
      } else {
        expect(hasIbans(country), country).toBe(theirs !== undefined);
        for (const bban of theirs === undefined ? [] : bbansOf(country))
          expect(passes(country, bban), `${country} ${bban}`).toBe(isRight(country, bban));
      }
    }
  });

  it('have the same structure: no character of another kind passes', () => {
    for (const country of countries.filter(hasIbans)) {
      const pattern = new RegExp(`^${countrySpecs[country]?.bban_regexp?.replaceAll(/[\^$]/g, '')}$`);
      const base = bbansOf(country).find((bban) => isRight(country, bban)) ?? '';
      for (let position = 0; position < base.length; position += 1) {
        for (const character of ['4', 'Q']) {
          const bban = base.slice(0, position) + character + base.slice(position + 1);
          const expected = (pattern.test(bban) || laxer[country]?.test(bban)) && isRight(country, bban);
          expect(passes(country, bban), `${country} ${bban}`).toBe(expected === true);
        }
      }
    }
  });

  it('agree on SEPA, but for the countries that joined since', () => {
    // European Payments Council, EPC409-09: Albania and Montenegro since 21 November 2024, Moldova and North Macedonia
    // since 6 March 2025, Serbia since 22 May 2025. ibantools 4.5 does not have them yet: we are right.
    const joinedSince = new Set(['AL', 'MD', 'ME', 'MK', 'RS']);
    for (const country of countries.filter(hasIbans)) {
      const theirs = countrySpecs[country]?.SEPA === true;
      const bban = bbansOf(country).find((one) => isRight(country, one)) ?? '';
      const isOurs = checkSepaIban(ibanOf(country, bban)).ok;
      expect([country, isOurs]).toEqual([country, theirs || joinedSince.has(country)]);
      if (joinedSince.has(country)) expect(theirs).toBe(false);
    }
  });

  it('agree on numbers, right and wrong', () => {
    const iban = fc.tuple(fc.constantFrom('DE', 'GE', 'NO', 'LU', 'AE', 'EE'), digitsOf(20), fc.boolean());
    fc.assert(
      fc.property(iban, fc.nat(98), ([country, digits, isRight], wrong) => {
        const bban =
          country === 'GE'
            ? `NB${digits.slice(0, 16)}`
            : digits.slice(0, (countrySpecs[country]?.chars ?? 0) - 4);
        const check = isRight ? ibanCheckDigits(country, bban) : String(wrong).padStart(2, '0');
        const text = country + check + bban;
        // Norway and Estonia have check digits of their own inside, which we leave to their banks.
        if (isRight) expect(checkIban(text).ok).toBe(true);
        if (isValidIBAN(text)) expect(checkIban(text).ok).toBe(true);
        if (!checkIban(text).ok) expect(isValidIBAN(text)).toBe(false);
      }),
    );
  });
});

test('BICs: ibantools knows the same countries and forms', () => {
  for (const country of countries) {
    const text = `ABCD${country}2A`;
    expect([text, checkBic(text).ok]).toEqual([text, isValidBIC(text)]);
  }
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Z0-9]{7,12}$/), fc.stringMatching(/^[A-Z0-9]{1,6}$/), (any, tail) => {
      // Since 2022 the first four characters may be digits, which ibantools does not know.
      for (const text of [any.replace(/^.{4}/, 'DEUT'), `DEUTDE${tail}`]) {
        expect([text, checkBic(text).ok]).toEqual([text, isValidBIC(text)]);
      }
    }),
  );
});

test('routing numbers: abavalidator agrees, but for prefixes that ABA has not given out', () => {
  let right = 0;
  fc.assert(
    fc.property(digitsOf(8), fc.nat(9), (head, last) => {
      const text = `${head}${last}`;
      const ours = checkRoutingNumber(text);
      if (ours.ok) right += 1;
      if (ours.ok) expect(isRoutingNumber(text)).toBe(true);
      else if (isRoutingNumber(text)) expect(ours.fault).toContain('assigned prefix');
    }),
    { numRuns: 2000 },
  );
  expect(right).toBeGreaterThan(20);
});

test('CLABEs: clabe-validator and stdnum agree on the check digit', () => {
  fc.assert(
    fc.property(digitsOf(11), fc.nat(9), (account, last) => {
      // A bank and a city that both libraries know.
      const head = `002010${account}`;
      expect(clabeCheckDigit(head)).toBe(clabeValidator.computeChecksum(head));
      const text = `${head}${last}`;
      expect(checkClabe(text).ok).toBe(clabeValidator.validate(text).valid.format);
      expect(checkClabe(text).ok).toBe(stdnum.MX?.clabe?.validate(text).isValid);
    }),
  );
});

describe('Brazilian tax numbers and stdnum', () => {
  const twoDigits = fc.nat(99).map((value) => String(value).padStart(2, '0'));
  /** The head with its own check digits, as our check tells. */
  const completed = (head: string, check: (text: string) => { ok: boolean }): string | undefined =>
    Array.from({ length: 100 }, (_, value) => head + String(value).padStart(2, '0')).find(
      (text) => check(text).ok,
    );

  it.each([
    ['CPF', /^\d{9}$/, checkCpf, stdnum.BR?.cpf],
    ['CNPJ', /^\d{12}$/, checkCnpj, stdnum.BR?.cnpj],
    ['alphanumeric CNPJ', /^[A-Z\d]{12}$/, checkCnpj, stdnum.BR?.cnpj],
  ] as const)('agree on a %s', (_name, head, check, oracle) => {
    fc.assert(
      fc.property(fc.stringMatching(head), twoDigits, (front, last) => {
        const any = front + last;
        const right = completed(front, check);
        for (const text of right === undefined ? [any] : [any, right]) {
          // One digit repeated: we refuse what nobody has.
          if (!/^(.)\1+$/.test(text))
            expect([text, check(text).ok]).toEqual([text, oracle?.validate(text).isValid]);
        }
        if (!/^(.)\1+$/.test(front)) expect(right).toBeDefined();
      }),
    );
  });
});

// CBN, Standards on NUBAN: A·3+B·7+C·3 of the bank's code + D·3+E·7+F·3+G·3+H·7+I·3+J·3+K·7+L·3 of the serial number;
// the check digit is what is missing to the next ten.
test('NUBANs: the formula of the standard, written out, gives the same digit', () => {
  const formula = 'A3 B7 C3 D3 E7 F3 G3 H7 I3 J3 K7 L3'.split(' ');
  const checkDigit = (text: string): number => {
    let missing = 0;
    formula.forEach((term, place) => {
      missing += 10 - ((Number(text[place]) * Number(term[1])) % 10);
    });
    return missing % 10;
  };
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(nigerianBanks)),
      digitsOf(9),
      fc.nat(9),
      (bank, serial, last) => {
        expect(checkNuban(`${serial}${last}`, bank).ok).toBe(checkDigit(bank + serial) === last);
      },
    ),
  );
});

describe.each(mobileMoneyCurrencies)('mobile numbers for %s and libphonenumber', (currency) => {
  const { countries: reached, examplePhoneNumber } = mobileMoneyFacts(currency);

  it('agree on the example', () => {
    expect(parsePhoneNumber(examplePhoneNumber).getType()).toBe('MOBILE');
    expect(checkMobileNumber(examplePhoneNumber, currency).ok).toBe(true);
  });

  it.each(reached)(
    'agree on $country: calling code, length, and which are mobile',
    ({ callingCode, country, digits }) => {
      const code = country as CountryCode;
      expect(getCountryCallingCode(code)).toBe(callingCode);
      const example = getExampleNumber(code, examples);
      expect(example?.nationalNumber).toHaveLength(digits);
      expect(checkMobileNumber(example?.number ?? '', currency).ok).toBe(true);
      // Every beginning of three digits, with what follows drawn from a formula.
      const seen = { MOBILE: 0, FIXED_LINE: 0 };
      for (let head = 0; head < 1000; head += 1) {
        for (let draw = 1; draw <= 3; draw += 1) {
          const tail = String((head * 7_919 + draw * 104_729_231) % 10 ** (digits - 3)).padStart(
            digits - 3,
            '0',
          );
          const number = `+${callingCode}${String(head).padStart(3, '0')}${tail}`;
          const type = parsePhoneNumber(number).getType();
          if (type !== 'MOBILE' && type !== 'FIXED_LINE') continue;
          seen[type] += 1;
          expect([number, checkMobileNumber(number, currency).ok]).toEqual([number, type === 'MOBILE']);
        }
      }
      expect(seen.MOBILE).toBeGreaterThan(10);
    },
  );
});

test('accounts of the sandbox bank pass the checks of the libraries too', () => {
  fc.assert(
    fc.property(fc.string(), (seed) => {
      const of = (currency: 'usd' | 'eur' | 'mxn') =>
        sandboxDepositAccount(currency, seed, 'Ada Lovelace').depositInstructions as Record<string, string>;
      expect(isValidIBAN(of('eur').iban ?? '')).toBe(true);
      expect(isValidBIC(of('eur').bic ?? '')).toBe(true);
      expect(isRoutingNumber(of('usd').routing_number ?? '')).toBe(true);
      expect(clabeValidator.validate(of('mxn').clabe ?? '').ok).toBe(true);
    }),
  );
});
