import { describe, expect, it } from 'vitest';
import { checkBic } from './bic.ts';
import { checkCnpj, checkCpf } from './brazil-tax-id.ts';
import type { Checked } from './checked.ts';
import { checkClabe } from './clabe.ts';
import { checkIban, ibanCheckDigits } from './iban.ts';
import { checkMobileNumber, checkProvider } from './mobile-money.ts';
import { checkNubanShape } from './nuban.ts';
import { checkPixKey } from './pix-key.ts';
import { checkAccountShape } from './swift-account.ts';
import { checkSortCode } from './uk-account.ts';
import { checkRoutingNumber } from './us-account.ts';

/** Identifiers that are right, each with its check. IBANs: examples of the IBAN Registry. */
const right: readonly (readonly [string, string, (text: string) => Checked])[] = [
  ['IBAN', 'DE89370400440532013000', checkIban],
  ['IBAN with letters', 'GB29NWBK60161331926819', checkIban],
  ['BIC', 'COBADEFFXXX', checkBic],
  ['sort code', '200000', checkSortCode],
  ['CPF', '52998224725', checkCpf],
  ['CNPJ', '11222333000181', checkCnpj],
  ['Pix key', '52998224725', checkPixKey],
  ['CLABE', '032180000118359719', checkClabe],
  ['routing number', '021000021', checkRoutingNumber],
  ['NUBAN', '0000014579', checkNubanShape],
  ['account number', 'ABCD1234', checkAccountShape],
  ['phone number', '+254712345678', (text) => checkMobileNumber(text, 'kes')],
  ['provider', 'MPESA', (text) => checkProvider(text, 'kes')],
];

/** What stands between the characters when they are copied out of documents, chats and web pages. */
const separators = [
  ...[
    ' ',
    '\u00a0',
    '\u2009',
    '\u3000',
    '-',
    '\u00ad',
    '\u2010',
    '\u2011',
    '\u2012',
    '\u2013',
    '\u2014',
    '\u2015',
  ],
  ...['\u2212', '\ufe58', '\uff0d', '\u200b', '\u200c', '\u200d', '\u200e', '\u200f', '\u2060', '\ufeff'],
  ...['\u202a', '\u202b', '\u202c', '\u202d', '\u202e'],
];

describe.each(right)('%s', (_name, text, check) => {
  it('passes as it is', () => {
    expect(check(text)).toMatchObject({ ok: true, value: text });
  });

  it.each(separators.map((separator) => [separator.codePointAt(0)?.toString(16), separator]))(
    'passes with U+%s in it, and comes out without',
    (_code, separator) => {
      // A phone number starts with +, which a separator before would hide from nobody.
      const typed = `${text.slice(0, 3)}${separator}${text.slice(3)}${separator}`;
      expect(check(typed)).toMatchObject({ ok: true, value: text });
    },
  );

  it('fails with digits or letters that are none of ASCII', () => {
    const foreign: readonly (readonly [RegExp, string])[] = [
      [/1/, '\u0661'],
      [/2/, '\u{1d7d0}'],
      [/0/, '\uff10'],
      [/FI|FF/, '\ufb01'],
      [/I/, '\u0131'],
      [/S/, '\u017f'],
      [/K/, '\u212a'],
      [/A/, '\uff21'],
    ];
    for (const [pattern, character] of foreign) {
      if (!pattern.test(text)) continue;
      expect(check(text.replace(pattern, character)), character).toMatchObject({ ok: false });
    }
  });
});

it('makes capitals of ASCII letters only', () => {
  expect(checkIban('fi2112345600000785')).toMatchObject({ ok: true, value: 'FI2112345600000785' });
  for (const text of ['\ufb012112345600000785', 'F\u01312112345600000785', '\uff26I2112345600000785'])
    expect(checkIban(text), text).toMatchObject({ ok: false });
  for (const text of ['DEUTDE\ufb00', 'COBADEFF\u017f\u017f\u017f', 'COBADEF\uff26'])
    expect(checkBic(text), text).toMatchObject({ ok: false });
  expect(checkProvider('mpe\u017fa', 'kes')).toMatchObject({ ok: false });
  expect(checkPixKey('ma\u212ae@example.com')).toMatchObject({ ok: false });
});

it('takes a BIC whose first four characters have digits (ISO 9362:2022)', () => {
  expect(checkBic('e097aexxxxx')).toMatchObject({ ok: true, value: 'E097AEXXXXX' });
  expect(checkBic('1234DEFF')).toMatchObject({ ok: true });
  expect(checkBic('DEUT9EFF')).toMatchObject({ ok: false });
});

it('tells the structure that an IBAN of the country must have', () => {
  const bban = '37040044053201300X';
  expect(checkIban(`DE${ibanCheckDigits('DE', bban)}${bban}`)).toEqual({
    ok: false,
    fault: 'An IBAN of this country must be DE, 2 digits, 18 digits.',
  });
});
