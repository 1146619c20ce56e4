import { describe, expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { parseJsonBody } from './json-body.ts';
import { repeatedKey, scanJson } from './json-scan.ts';

describe('numbers', () => {
  it('may have as many characters as the limit says, and no more', () => {
    const digits = '1'.repeat(limits.numberLength);
    expect(scanJson(`[${digits}]`).fault).toBeUndefined();
    expect(scanJson(`[${digits}1]`).fault).toBe('A number must have at most 64 characters.');
    expect(scanJson(`[-${digits}]`).fault).toBe('A number must have at most 64 characters.');
  });

  it.each(['1.5', '-1.50000000000000000000', '0.000000000000000000000', '1.0000000000000000e+5', '5e-324'])(
    'that can be kept are exact: %s',
    (text) => expect(scanJson(text).isExact).toBe(true),
  );

  it.each(['1.00000000000000000001', '0.10000000000000000001', '-123456789.123456789123'])(
    'that cannot are not: %s',
    (text) => expect(scanJson(text).isExact).toBe(false),
  );

  it('are not looked for in texts', () => {
    expect(scanJson(JSON.stringify(['9'.repeat(100), '\\"1.00000000000000000001'])).fault).toBeUndefined();
  });
});

describe('faults', () => {
  it('are as many as an answer has room for, each with its place', () => {
    const parsed = parseJsonBody(Buffer.from(JSON.stringify({ a: Array(100_000).fill('\0') })));
    expect(parsed).toMatchObject({ ok: false, details: expect.any(Array) });
    const details = parsed.ok ? [] : (parsed.details ?? []);
    expect(details.map(({ path }) => path)).toEqual(
      Array.from({ length: limits.errorDetails }, (_, index) => `/a/${index}`),
    );
  });

  it('name the key that is there twice, however it is written', () => {
    expect(repeatedKey('{"a":{"b":1,"c":[{"b":2}]},"x":"a","\\u0061" :3}')).toBe('a');
    expect(repeatedKey('{"a":{"a":{"a":"a"}},"b":"a"}')).toBeUndefined();
  });
});
