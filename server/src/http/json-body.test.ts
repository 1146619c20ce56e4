import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonBody } from './json-body.ts';

const parse = (text: string) => parseJsonBody(Buffer.from(text));

describe('a JSON body', () => {
  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        const value = JSON.parse(text);
        const hasProto = /"__proto__"/.test(text);
        const hasBadText = /\\u0000|\\ud[89a-f]/i.test(JSON.stringify(value));
        const parsed = parse(text);
        if (!hasProto && !hasBadText) expect(parsed).toEqual({ ok: true, value });
      }),
    );
  });

  it.each([
    ['two equal keys', '{"a":1,"a":2}'],
    ['two equal keys, one escaped', '{"a":1,"\\u0061":2}'],
    ['two equal keys far down', '{"x":[{"b":{"c":1,"c":1}}]}'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['a NUL', '{"a":"\\u0000"}'],
    ['a NUL in a key', '{"\\u0000":1}'],
    ['half a surrogate pair', '{"a":"\\ud800"}'],
    ['too much nesting', `${'['.repeat(200)}${']'.repeat(200)}`],
    ['a number that cannot be kept', '{"a":1.00000000000000000001}'],
    ['no JSON', '{a:1}'],
    ['a comment', '{"a":1} // one'],
    ['a byte order mark', '\ufeff{}'],
  ])('with %s is refused', (_name, text) => {
    expect(parse(text).ok).toBe(false);
  });

  it('that is not UTF-8 is refused', () => {
    expect(parseJsonBody(Buffer.from([0x22, 0xff, 0xfe, 0x22])).ok).toBe(false);
  });

  it('names the key that it has twice', () => {
    const parsed = parse('{"x":[{"b":{"c":1,"d":2,"c":1}}],"c":":{"}');
    expect(parsed).toMatchObject({ ok: false, details: [{ path: '/c' }] });
  });

  it('is not misled by colons and quotes in texts', () => {
    expect(parse('{"a":"{\\"b\\":1,\\"b\\":2}","c:d":"\\\\"}').ok).toBe(true);
  });
});

it.each([
  '0.30000000000000004',
  '1e21',
  '-1.50000000000000000000',
  '100000000000000000000',
  '5e-324',
  '1E+2',
  'true',
])('keeps %s', (text) => {
  expect(parseJsonBody(Buffer.from(`{"a":[${text}]}`)).ok).toBe(true);
});
