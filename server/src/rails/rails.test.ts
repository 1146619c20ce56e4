import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { accountTypeNames, factsOf } from './account-types.ts';
import { checkReference, isRail, type Rail, railFacts, railNames } from './rails.ts';

test('the rails are those that reach some type of account, and no others', () => {
  expect(railNames).toEqual([
    'ach',
    'ach_same_day',
    'wire',
    'rtp',
    'fednow',
    'sepa',
    'faster_payments',
    'spei',
    'pix',
    'swift',
    'nip',
    'ghipss',
    'mobile_money',
  ]);
  const reaching = accountTypeNames.flatMap((type) => factsOf(type).rails);
  expect(new Set(reaching)).toEqual(new Set(railNames));
  expect(isRail('sepa')).toBe(true);
  for (const name of ['solana', 'SEPA', '', 'toString']) expect(isRail(name)).toBe(false);
});

test('currencies and account types of a rail follow from the account types', () => {
  expect(railFacts('ach')).toMatchObject({ currencies: ['usd'], accountTypes: ['us_bank'] });
  expect(railFacts('swift')).toMatchObject({ currencies: ['usd', 'eur', 'gbp'], accountTypes: ['swift'] });
  expect(railFacts('mobile_money').currencies).toEqual([
    'ghs',
    'kes',
    'ugx',
    'rwf',
    'tzs',
    'xof',
    'xaf',
    'zmw',
  ]);
});

describe('a reference', () => {
  // Contract §4, Transfers.
  const fitting: [Rail, string][] = [
    ['ach', 'Invoice 12'],
    ['wire', 'x'.repeat(140)],
    ['sepa', 'Rent 03/26 - A & B.'],
    ['faster_payments', 'x'.repeat(18)],
    ['spei', `${'Renta marzo '.repeat(3)}2026`],
    ['pix', 'ç'.repeat(100)],
    ['swift', "Inv. 12/3-(a): O'Hara, ok? +1"],
    ['nip', 'School fees'],
    ['mobile_money', '💶'.repeat(100)],
  ];
  const wrong: [Rail, string, RegExp][] = [
    ['ach', 'Invoice 123', /at most 10 characters/],
    ['ach', 'Inv-12', /only letters, digits and spaces/],
    ['wire', 'x'.repeat(141), /at most 140/],
    ['wire', 'two\nlines', /control/],
    ['sepa', 'Rent?', /only letters/],
    ['sepa', 'x'.repeat(141), /at most 140/],
    ['faster_payments', 'x'.repeat(19), /at most 18/],
    ['spei', 'a-b', /only letters/],
    ['spei', 'x'.repeat(41), /at most 40/],
    ['pix', 'x'.repeat(101), /at most 100/],
    ['swift', 'a & b', /only letters/],
    ['swift', 'a\nb', /only letters/],
    ['ach', 'a\n', /only letters/],
  ];
  it.each(fitting)('for %s fits: %s', (rail, text) => {
    expect(checkReference(rail, text)).toBeUndefined();
  });
  it.each(wrong)('for %s does not fit: %j', (rail, text, fault) => {
    expect(checkReference(rail, text)).toMatch(fault);
  });

  it('may be left empty, and never makes the check throw', () => {
    for (const rail of railNames) expect(checkReference(rail, '')).toBeUndefined();
    fc.assert(
      fc.property(fc.constantFrom(...railNames), fc.string({ unit: 'binary' }), (rail, text) => {
        expect(checkReference(rail, text) ?? '').not.toContain('undefined');
      }),
    );
  });
});
