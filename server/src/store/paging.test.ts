import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeCursor, encodeCursor, toPage } from './paging.ts';

const id = 'cus_01jh8v3y2fk6tq8w1r5s0x7z3a';

it('decodes its own cursors only', () => {
  expect(decodeCursor(encodeCursor(id))).toBe(id);
  for (const wrong of [
    '',
    'abc',
    encodeCursor('x'),
    `${encodeCursor(id)}=`,
    encodeCursor("cus_' or 1=1"),
    '\0',
    '%',
  ]) {
    expect(decodeCursor(wrong)).toBeUndefined();
  }
  fc.assert(
    fc.property(fc.string(), (text) => {
      const read = decodeCursor(text);
      if (read !== undefined) expect(encodeCursor(read)).toBe(text);
    }),
  );
});

it('has a next page only if there are more rows', () => {
  const rows = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
  expect(toPage(rows, 3, (row) => row.id)).toEqual({ items: ['a', 'b', 'c'], nextCursor: null });
  expect(toPage(rows, 2, (row) => row.id)).toEqual({ items: ['a', 'b'], nextCursor: encodeCursor('b') });
});
