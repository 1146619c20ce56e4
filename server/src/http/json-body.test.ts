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
    ['no JSON', '{a:1}'],
    ['a comment', '{"a":1} // one'],
    ['a byte order mark', '\ufeff{}'],
  ])('with %s is refused', (_name, text) => {
    expect(parse(text).ok).toBe(false);
  });

  it('that is not UTF-8 is refused', () => {
    expect(parseJsonBody(Buffer.from([0x22, 0xff, 0xfe, 0x22])).ok).toBe(false);
  });

  it('is not misled by colons and quotes in texts', () => {
    expect(parse('{"a":"{\\"b\\":1,\\"b\\":2}","c:d":"\\\\"}').ok).toBe(true);
  });
});
