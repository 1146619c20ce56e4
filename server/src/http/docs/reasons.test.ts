import { readdirSync, readFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { errorStatus } from '../../platform/errors.ts';
import { codeMeanings, reasons } from './reasons.ts';

const sourceFolder = fileURLToPath(new URL('../../', import.meta.url));

/** A reason as the source has it; a template's `${…}` can stand for any word. */
interface GivenReason {
  readonly pattern: string;
  readonly code: string | undefined;
  readonly file: string;
}

const codes: Readonly<Record<string, string>> = {
  invalidRequest: 'INVALID_REQUEST',
  conflict: 'CONFLICT',
  unauthorized: 'UNAUTHORIZED',
  rateLimited: 'RATE_LIMITED',
};

const text = `(?:'([^']+)'|\`([^\`]+)\`)`;

/** Reasons for the operator, which no response contains, and a column of that name. */
const hasOwnReasons = (file: string): boolean => /^(chains|onchain|screening|store)\b|worker\.ts$/.test(file);

/** Every reason that the text of a source file gives. */
function reasonsOf(file: string, source: string): GivenReason[] {
  const found = (pattern: string | undefined, code?: string): GivenReason[] =>
    pattern === undefined ? [] : [{ pattern: pattern.replaceAll(/\$\{[^}]*\}/g, '[a-z]+'), code, file }];
  const called = [
    ...source.matchAll(
      new RegExp(`\\b(invalidRequest|conflict|unauthorized|rateLimited|refuse|faultAt)\\(\\s*${text}`, 'g'),
    ),
  ];
  const made = [...source.matchAll(new RegExp(`\\brefusal\\(\\s*'([A-Z_]+)',\\s*${text}`, 'g'))];
  const missing = [...source.matchAll(/\bnotFound\(\s*'([^']+)'/g)];
  // An object's `reason: 'x'`, or `const reason = condition ? 'x' : 'y'`.
  const assigned = hasOwnReasons(file)
    ? []
    : [...source.matchAll(/\breason(?::| =)([^,;{}]*)/g)].flatMap(([, value = '']) => [
        ...value.matchAll(new RegExp(text, 'g')),
      ]);
  return [
    ...called.flatMap(([, name = '', plain, template]) => found(plain ?? template, codes[name])),
    ...made.flatMap(([, code, plain, template]) => found(plain ?? template, code)),
    ...missing.flatMap(([, what = '']) => found(`${what.replaceAll(' ', '_')}_not_found`, 'NOT_FOUND')),
    ...assigned.flatMap(([, plain, template]) => found(plain ?? template)),
  ];
}

/** The documentation explains reasons, and examples show some. */
const notGiven = [join('http', 'docs') + sep, join('http', 'openapi', 'example-values.ts')];

const given = readdirSync(sourceFolder, { recursive: true, encoding: 'utf8' })
  .filter(
    (file) =>
      file.endsWith('.ts') && !file.endsWith('.test.ts') && !notGiven.some((path) => file.startsWith(path)),
  )
  .flatMap((file) => reasonsOf(file, readFileSync(join(sourceFolder, file), 'utf8')));

/** Which listed reasons a given one can be. */
function listed({ code, pattern }: GivenReason) {
  const whole = new RegExp(`^${pattern}$`);
  return reasons.filter(
    (entry) => whole.test(entry.reason) && (!code || entry.codes.some((one) => one === code)),
  );
}

it('lists every reason that the source gives, with its code', () => {
  expect(given.length).toBeGreaterThan(40);
  expect(given.filter((one) => listed(one).length === 0)).toEqual([]);
});

it('lists no reason that the source does not give', () => {
  const found = new Set(given.flatMap(listed).map(({ reason }) => reason));
  expect(reasons.map(({ reason }) => reason).filter((reason) => !found.has(reason))).toEqual([]);
});

it('lists each reason once', () => {
  const names = reasons.map(({ reason }) => reason);
  expect(names).toEqual([...new Set(names)]);
});

it('lists the six codes', () => {
  expect(codeMeanings.map(([code]) => code).sort()).toEqual(Object.keys(errorStatus).sort());
});
