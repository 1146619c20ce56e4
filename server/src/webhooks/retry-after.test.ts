import { expect, it } from 'vitest';
import { retryAfterSeconds } from './retry-after.ts';

// RFC 9110 §5.6.7: the same time in its three forms.
const timeMs = Date.UTC(1994, 10, 6, 8, 49, 37);

it.each([
  ['120', 120],
  ['0', 0],
  [' 7 ', 7],
  ['Sun, 06 Nov 1994 08:49:37 GMT', 90],
  ['Sunday, 06-Nov-94 08:49:37 GMT', 90],
  ['Sun Nov  6 08:49:37 1994', 90],
  ['Sun, 06 Nov 1994 08:00:00 GMT', 0],
])('reads %s', (text, seconds) => {
  expect(retryAfterSeconds(text, timeMs - 90_000)).toBe(seconds);
});

it.each([
  '',
  '-1',
  '1.5',
  'soon',
  '1e3',
  '9999999999',
  '2030-01-01T00:00:00Z',
  'Xyz, 99 Foo 2020 99:99:99 GMT',
])('takes nothing from "%s"', (text) => {
  expect(retryAfterSeconds(text, timeMs)).toBeNull();
});

it('takes the first of several, and nothing when there is none', () => {
  expect(retryAfterSeconds(['5', '9'], timeMs)).toBe(5);
  expect(retryAfterSeconds(undefined, timeMs)).toBeNull();
});
