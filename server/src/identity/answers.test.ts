import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { faultsOf, parseAnswers } from './answers.ts';
import { countries } from './countries.ts';
import { contentTypeOf } from './documents.ts';
import { documentsFault, emptyForm, missingSteps, ownersFault, sharesFault, stepNames } from './form.ts';
import { ownerQuestions, type Question, questionSteps } from './questions.ts';
import { decisionByName, isOpen } from './state.ts';

const rules = {
  nowMs: Date.parse('2026-11-23T10:00:00Z'),
  references: (_list: string, code: string) => (code === '15-1252' ? 'Software Developers' : undefined),
};

const asked: readonly Question[] = [
  ...questionSteps('individual').flatMap(({ questions }) => questions),
  ...ownerQuestions,
];
const question = (name: string) => [asked.find((one) => one.name === name) as Question];

/** What becomes of one text typed into one field; its fault when it is refused. */
function typed(name: string, text: string): string | undefined {
  const { answers, faults } = parseAnswers(question(name), (field) => (field === name ? text : ''), rules);
  return faults[0] ? undefined : answers[name];
}

/** The same for a birthday as `day month year`. */
function born(text: string): string | undefined {
  const [day = '', month = '', year = ''] = text.split(' ');
  const parts: Record<string, string> = { day, month, year };
  const { answers, faults } = parseAnswers(
    question('dateOfBirth'),
    (field) => parts[field.split('.')[1] ?? ''] ?? '',
    rules,
  );
  return faults[0] ? undefined : answers.dateOfBirth;
}

describe('an answer', () => {
  it.each([
    ['  Ada \t\n Augusta ', 'Ada Augusta'],
    ['Zoë', 'Zoë'],
    ['e\u0301', '\u00e9'],
    ["D'Arcy-O\u2019Neil", "D'Arcy-O\u2019Neil"],
    ['李', '李'],
    ['\u00a0', undefined],
    ['a\u0000b', undefined],
    ['a\u0007b', undefined],
    ['a\u202eb', undefined],
    ['a\ud800b', undefined],
    ['\ufffd', undefined],
    ['x'.repeat(201), undefined],
  ])('that is a text is tidied or refused: %j', (text, expected) => {
    expect(typed('firstName', text)).toBe(expected);
  });

  it.each([
    ['1 2 1990', '1990-02-01'],
    ['29 2 2000', '2000-02-29'],
    ['29 2 1900', undefined],
    ['31 4 1990', undefined],
    ['0 1 1990', undefined],
    ['1 13 1990', undefined],
    ['1 1 90', undefined],
    ['1 1 1906', '1906-01-01'],
    ['1 1 1905', undefined],
    ['23 11 2008', '2008-11-23'],
    ['24 11 2008', undefined],
    ['1 1 2030', undefined],
    ['1e1 1 1990', undefined],
    ['-1 1 1990', undefined],
  ])('that is a birthday is a real day of someone of 18 or more: %s', (text, expected) => {
    expect(born(text)).toBe(expected);
  });

  it.each([
    ['25', '25'],
    ['33,3', '33.3'],
    ['033.33 %', '33.33'],
    ['100', '100'],
    ['100.01', undefined],
    ['1e2', undefined],
    ['-5', undefined],
    ['33.333', undefined],
    ['٣٣', undefined],
  ])('that is a share is a part of a hundred: %s', (text, expected) => {
    expect(typed('share', text)).toBe(expected);
  });

  it('never breaks the check, and what was taken once is taken again', () => {
    fc.assert(
      fc.property(fc.constantFrom(...asked), fc.string({ unit: 'binary', maxLength: 300 }), (one, text) => {
        const { answers, faults } = parseAnswers([one], () => text, rules);
        expect(faults.length).toBe(answers[one.name] === undefined ? 1 : 0);
        if (faults.length === 0) expect(faultsOf([one], answers, rules)).toEqual([]);
        for (const { message } of faults) expect(message).not.toBe('');
      }),
    );
  });
});

describe('a form', () => {
  const good = { firstName: 'A', lastName: 'B', dateOfBirth: '1985-12-10', country: 'GB', share: '50' };

  it('misses every step at first, and each has a name of its own', () => {
    for (const type of ['individual', 'business'] as const) {
      const steps = stepNames(type);
      expect(missingSteps(type, emptyForm, rules)).toEqual(steps.slice(0, -1));
      expect(new Set(steps).size).toBe(steps.length);
    }
  });

  it('asks a business for owners of 100 percent at most', () => {
    const owners = (...shares: string[]) =>
      shares.map((share, index) => ({ key: String(index), answers: { ...good, share } }));
    expect(ownersFault([], rules)).toBe('Add at least one person.');
    expect(ownersFault(owners('33.33', '33.33', '33.34'), rules)).toBeUndefined();
    expect(ownersFault(owners('33.34', '33.33', '33.34'), rules)).toMatch(/more than 100/);
    expect(ownersFault(owners(''), rules)).toMatch(/Remove the person/);
    expect(sharesFault(owners('60', '40.01').map(({ answers }) => answers))).toBeDefined();
  });

  it('asks for a document that proves something', () => {
    const document = (kind: string) =>
      ({ id: '', kind, fileName: '', contentType: 'image/png', byteSize: 1 }) as const;
    expect(documentsFault('individual', [document('proof_of_address')])).toBeDefined();
    expect(documentsFault('individual', [document('passport')])).toBeUndefined();
    expect(documentsFault('business', [document('passport')])).toBeDefined();
    expect(documentsFault('business', [document('registration')])).toBeUndefined();
  });
});

describe('what surrounds a form', () => {
  it('knows every country once, by its name', () => {
    expect(countries).toHaveLength(249);
    expect(new Set(countries.map(({ code }) => code)).size).toBe(249);
    for (const { code, name } of countries) expect(name).not.toBe(code);
    expect(countries.find(({ code }) => code === 'CI')?.name).toMatch(/Ivoire|Ivory/);
  });

  it('tells files by their first bytes', () => {
    expect(contentTypeOf(Buffer.from('\x89PNG\r\n\x1a\n....', 'latin1'))).toBe('image/png');
    expect(contentTypeOf(Buffer.from([0xff, 0xd8, 0xff, 0xdb]))).toBe('image/jpeg');
    expect(contentTypeOf(Buffer.from('%PDF-2.0'))).toBe('application/pdf');
    for (const other of ['', '\x89PNG', 'GIF89a', '<svg/>', ' %PDF-1.7', 'PK\x03\x04', 'MZ', '<html>']) {
      expect(contentTypeOf(Buffer.from(other, 'latin1'))).toBeUndefined();
    }
  });

  it('lets the sandbox decide by a last name, in any case', () => {
    expect(decisionByName(['Lovelace', undefined])).toBeUndefined();
    expect(decisionByName(['Lovelace', ' DENIED '])).toBe('rejected');
    expect(decisionByName(['review', 'Denied'])).toBe('under_review');
    expect(decisionByName(['toString', '__proto__', 'Deniedson'])).toBeUndefined();
  });

  it('is open only while nobody looks at it and nobody has refused it', () => {
    const open = (['not_started', 'under_review', 'incomplete', 'approved', 'rejected'] as const).filter(
      (kyc_status) => isOpen({ kyc_status, status: 'active' }),
    );
    expect(open).toEqual(['not_started', 'incomplete']);
    expect(isOpen({ kyc_status: 'incomplete', status: 'suspended' })).toBe(true);
    expect(isOpen({ kyc_status: 'incomplete', status: 'rejected' })).toBe(false);
  });
});
