import fc from 'fast-check';

/** Texts that have broken programs before. */
export const hostileTexts: readonly string[] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\uD800',
  '\uFFFF',
  '\u202Etxt',
  '\r\nX-Injected: 1',
  '%00',
  '%',
  '%ff',
  '../../etc/passwd',
  "' or 1=1; --",
  '"; drop table customers; --',
  '{{7*7}}$(id)`id`',
  '<script>alert(1)</script>',
  '__proto__',
  'constructor',
  'toString',
  'NaN',
  'Infinity',
  'null',
  '-1',
  '1e400',
  '0x10',
  '٣',
  '1,000',
  '9'.repeat(400),
  'x'.repeat(300),
  'é'.repeat(5000),
  '2025-02-30T00:00:00.000Z',
  '2025-01-01T00:00:00+99:99',
  '-000001-01-01T00:00:00.000Z',
  'http://[::1',
  'http://169.254.169.254/latest/meta-data',
  'javascript:alert(1)',
];

/** Values of other types that have. */
const hostileOthers: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  0.1,
  1e-7,
  1e21,
  1e308,
  2 ** 53,
  -(2 ** 63),
  [],
  {},
  [[]],
  [null],
  { id: 1 },
  { length: 5 },
  { toString: 'x' },
];

/** What any field of a body is tried with. */
export const hostileValues: readonly unknown[] = [...hostileTexts, ...hostileOthers];

export const hostileText = fc.oneof(
  fc.constantFrom(...hostileTexts),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: 'grapheme-composite', maxLength: 40 }),
);

/** Any JSON, with a taste for what is wrong. */
export const hostileValue: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 4, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom(...hostileOthers) },
  { weight: 2, arbitrary: fc.jsonValue() },
);
