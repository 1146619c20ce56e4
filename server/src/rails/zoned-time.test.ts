import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addDays, civilDateAt, instantOf, weekdayOf } from './zoned-time.ts';

// US clocks: second Sunday of March to first Sunday of November. EU clocks: last Sundays of March and October.
test.each([
  ['2026-03-07', '13:00', 'America/New_York', '2026-03-07T18:00:00.000Z'],
  ['2026-03-08', '13:00', 'America/New_York', '2026-03-08T17:00:00.000Z'],
  ['2026-03-08', '00:30', 'America/New_York', '2026-03-08T05:30:00.000Z'],
  ['2026-10-31', '23:30', 'America/New_York', '2026-11-01T03:30:00.000Z'],
  ['2026-11-01', '08:30', 'America/New_York', '2026-11-01T13:30:00.000Z'],
  ['2026-03-28', '18:00', 'Europe/Berlin', '2026-03-28T17:00:00.000Z'],
  ['2026-03-29', '18:00', 'Europe/Berlin', '2026-03-29T16:00:00.000Z'],
  ['2026-10-25', '00:30', 'Europe/Berlin', '2026-10-24T22:30:00.000Z'],
] as const)('%s %s in %s is %s', (date, time, zone, instant) => {
  expect(new Date(instantOf(date, time, zone)).toISOString()).toBe(instant);
  expect(civilDateAt(Date.parse(instant), zone)).toBe(date);
});

test('a day begins at midnight of the zone', () => {
  const midnightMs = instantOf('2026-07-04', '00:00', 'America/New_York');
  expect(civilDateAt(midnightMs, 'America/New_York')).toBe('2026-07-04');
  expect(civilDateAt(midnightMs - 1, 'America/New_York')).toBe('2026-07-03');
});

test('a time of a day is the same day again', () => {
  const date = fc.integer({ min: 0, max: 30_000 }).map((days) => addDays('1990-01-01', days));
  fc.assert(
    fc.property(
      date,
      fc.constantFrom('America/New_York', 'Europe/Berlin'),
      fc.integer({ min: 4, max: 23 }),
      (day, zone, hour) => {
        const instantMs = instantOf(day, `${String(hour).padStart(2, '0') as `${number}`}:59`, zone);
        expect(civilDateAt(instantMs, zone)).toBe(day);
        expect(weekdayOf(addDays(day, 7))).toBe(weekdayOf(day));
      },
    ),
  );
});
