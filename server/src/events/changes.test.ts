import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { laidOver, withoutNulls } from '../../../test/support/former.ts';
import { changesBetween, previousAttributes } from './changes.ts';

describe('changesBetween', () => {
  it.each([
    ['nothing', { a: 1, b: { c: [1] } }, { b: { c: [1] }, a: 1 }, {}],
    ['a value', { status: 'active', id: 'x' }, { status: 'frozen', id: 'x' }, { status: 'active' }],
    ['what was not there', {}, { phone: '+14155550100' }, { phone: null }],
    ['what was null', { externalId: null }, { externalId: 'e1' }, { externalId: null }],
    ['what is not there any more', { phone: '+14155550100' }, {}, { phone: '+14155550100' }],
    ['absent and null as the same', { phone: null }, {}, {}],
    ['members of an object only', { m: { a: '1', b: '2' } }, { m: { a: '1', b: '3' } }, { m: { b: '2' } }],
    ['a new member as null', { m: { a: '1' } }, { m: { a: '1', b: '2' } }, { m: { b: null } }],
    ['an object that is new', { m: null }, { m: { a: 1 } }, { m: null }],
    ['an object that was removed', { m: { a: 1, b: 2 } }, { m: null }, { m: { a: 1, b: 2 } }],
    ['lists whole', { l: [1, 2], k: [1] }, { l: [1, 2, 3], k: [1] }, { l: [1, 2] }],
    ['a list of objects whole', { l: [{ a: 1, b: 2 }] }, { l: [{ a: 1, b: 3 }] }, { l: [{ a: 1, b: 2 }] }],
    ['deeply', { a: { b: { c: 1, d: 2 } } }, { a: { b: { c: 1, d: 3 } } }, { a: { b: { d: 2 } } }],
  ])('returns %s', (_, before, after, changes) => {
    expect(changesBetween(before, after)).toEqual(changes);
  });

  it('keeps names that mean something to JavaScript as names', () => {
    const before = JSON.parse('{"m":{"__proto__":"a","constructor":"b"}}');
    const after = JSON.parse('{"m":{}}');
    expect(JSON.stringify(changesBetween(before, after))).toBe('{"m":{"__proto__":"a","constructor":"b"}}');
    expect(JSON.stringify(changesBetween(after, before))).toBe('{"m":{"__proto__":null,"constructor":null}}');
  });

  it('laid over the present object it gives the former one, for any two objects', () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.boolean(), fc.constant(null), fc.array(fc.integer()));
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const { view } = fc.letrec<{ view: Record<string, never>; value: never }>((tie) => ({
      value: fc.oneof({ depthSize: 'small' }, leaf, tie('view')) as fc.Arbitrary<never>,
      view: fc.dictionary(name, tie('value'), { maxKeys: 4 }) as fc.Arbitrary<Record<string, never>>,
    }));
    const json = view.map((value): typeof value => JSON.parse(JSON.stringify(value)));
    fc.assert(
      fc.property(json, json, (before, after) => {
        const changes = changesBetween(before, after);
        expect(withoutNulls(laidOver(after, changes))).toEqual(withoutNulls(before));
        // It contains changed fields only.
        const same = Object.keys(changes).filter(
          (key) => JSON.stringify(before[key] ?? null) === JSON.stringify(after[key] ?? null),
        );
        expect(same).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('previousAttributes', () => {
  it('leaves out links and the time of the change', () => {
    const before = '{"status":"active","kycLink":"https://a","tosLink":"https://b","updatedAt":"1"}';
    const after = '{"status":"suspended","kycLink":null,"tosLink":"https://c","updatedAt":"2"}';
    expect(previousAttributes(before, after)).toBe('{"status":"active"}');
  });
});
