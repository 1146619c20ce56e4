import { describe, expect, it, test } from 'vitest';
import { railNames } from './rails.ts';
import { findReturnCode, isUnknownOutcome, returnCodesOf } from './return-codes.ts';

const codesOf = (rail: (typeof railNames)[number]) => returnCodesOf(rail).map(({ code }) => code);

test.each(railNames)('%s knows each code once, with a reason that is a sentence', (rail) => {
  const codes = codesOf(rail);
  expect(codes.length).toBeGreaterThan(0);
  expect(new Set(codes).size).toBe(codes.length);
  for (const known of returnCodesOf(rail)) {
    expect(known.reason).toMatch(/^[A-Z].*\w\.$/);
    expect(findReturnCode(rail, known.code)).toBe(known);
    expect(isUnknownOutcome(rail, known.code)).toBe(false);
  }
  expect(findReturnCode(rail, 'ZZ99')).toBeUndefined();
});

describe('ACH', () => {
  it('has the whole table from R01 to R29, in order', () => {
    const names = Array.from({ length: 29 }, (_, index) => `R${String(index + 1).padStart(2, '0')}`);
    expect(codesOf('ach')).toEqual(names);
    expect(codesOf('ach_same_day')).toEqual(names);
  });

  // Nacha's time frames as ODFIs publish them (e.g. PayNearMe and GrailPay, "ACH return codes"), which agree but for
  // R06: "undefined" in the rules, since the banks agree on it.
  it('says how long each takes', () => {
    const withDays = (days: number) => returnCodesOf('ach').filter(({ bankingDays }) => bankingDays === days);
    const names = (list: readonly { code: string }[]) => list.map(({ code }) => code).join(' ');
    expect(names(returnCodesOf('ach').filter(({ calendarDays }) => calendarDays === 60))).toBe(
      'R05 R07 R10 R11',
    );
    expect(names(withDays(1))).toBe('R13 R18 R19 R25 R26 R27 R28');
    expect(names(withDays(2))).toBe('R01 R02 R03 R04 R08 R09 R12 R14 R15 R16 R17 R20 R21 R22 R23 R24 R29');
    expect(findReturnCode('ach', 'R06')).toEqual({ code: 'R06', reason: expect.any(String) });
  });
});

test.each([
  ['sepa', 'AC01 AC04 AC06 AG01 AM05 BE04 FOCR FRAD MD07 MS02 MS03 RC01 RR01 RR02 RR03 RR04 TECH AB05'],
  ['pix', 'AB03 AB09 AC03 AC06 AC07 AC14'],
  ['spei', '01 02 03 06 14 19 20 30'],
  ['nip', '03 06 07 08 16 51 57 58 61 91'],
] as const)('%s has its own codes', (rail, codes) => {
  expect(codesOf(rail).sort()).toEqual(codes.split(' ').sort());
});

test('an unknown outcome on NIP is never a return', () => {
  for (const code of ['01', '09', '96', '97']) {
    expect(isUnknownOutcome('nip', code)).toBe(true);
    expect(findReturnCode('nip', code)).toBeUndefined();
  }
  expect(isUnknownOutcome('spei', '01')).toBe(false);
  expect(isUnknownOutcome('nip', '00')).toBe(false);
});
