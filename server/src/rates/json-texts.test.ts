import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJsonTexts, textAt } from './json-texts.ts';

describe('JSON with numbers as texts', () => {
  it('keeps every digit', () => {
    const text = '{"a":0.1000000000000000055511151231257827,"b":[-1e-7,3],"c":"1.5","d":null,"e":true}';
    expect(parseJsonTexts(text)).toEqual({
      a: '0.1000000000000000055511151231257827',
      b: ['-1e-7', '3'],
      c: '1.5',
      d: null,
      e: true,
    });
  });

  it('takes nothing inside a string for a number, and no string for another', () => {
    const text = String.raw`{"a \" 1 \\":"2 \\","3":"\u0034 5\\\""}`;
    expect(parseJsonTexts(text)).toEqual({ 'a " 1 \\': '2 \\', 3: '4 5\\"' });
  });

  it('reads whatever JSON.stringify writes as JSON.parse does, numbers apart', () => {
    const asTexts = (value: unknown): unknown =>
      JSON.parse(JSON.stringify(value), (_key, inner) =>
        typeof inner === 'number' ? JSON.stringify(inner) : inner,
      );
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(parseJsonTexts(JSON.stringify(value))).toEqual(asTexts(value));
      }),
    );
  });

  it.each(['', '{', '01', '1.', '.5', '+1', '1e', '{"a":1,}', '-', '"a', "{'a':1}", 'NaN'])(
    'refuses %j',
    (text) => {
      expect(() => parseJsonTexts(text)).toThrow(SyntaxError);
    },
  );
});

describe('a JSON pointer', () => {
  const document = parseJsonTexts('{"a":{"b/c":[1,{"d~":"2"}]},"":3,"x":{"y":true},"n":null}');

  it.each([
    ['/a/b~1c/0', '1'],
    ['/a/b~1c/1/d~0', '2'],
    ['/', '3'],
  ])('%s leads to %s', (pointer, value) => {
    expect(textAt(document, pointer)).toBe(value);
  });

  it.each([
    '',
    '/a',
    '/a/b~1c',
    '/a/b~1c/2',
    '/a/b~1c/length',
    '/x/y',
    '/n',
    '/n/z',
    '/toString',
    '/__proto__',
    '/q',
  ])('%j leads to no text', (pointer) => {
    expect(textAt(document, pointer)).toBeUndefined();
  });
});
