import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { addBankingDays, isBankingDay } from './calendar.ts';
import { addDays, type CivilDate, weekdayOf } from './zoned-time.ts';

/** Every day from Monday to Friday of a year on which a calendar is closed. */
function closedWeekdays(calendar: 'federal_reserve' | 'target', year: number): CivilDate[] {
  const closed: CivilDate[] = [];
  for (let date = `${year}-01-01`; date < `${year + 1}`; date = addDays(date, 1)) {
    const isWeekend = weekdayOf(date) === 0 || weekdayOf(date) === 6;
    expect(isWeekend && isBankingDay(calendar, date)).toBe(false);
    if (!isWeekend && !isBankingDay(calendar, date)) closed.push(date);
  }
  return closed;
}

const dates = (year: number, text: string): CivilDate[] => text.split(' ').map((date) => `${year}-${date}`);

// Federal Reserve Financial Services, "Holiday Schedules" (frbservices.org/about/holiday-schedules), as the Reserve
// Banks publish it (e.g. richmondfed.org/about_us/holiday_schedule). Holidays on a Saturday are left out: the banks are
// open the Friday before. 2027-07-05 is Independence Day, which falls on a Sunday.
const federalReserve: [number, CivilDate[]][] = [
  [2024, dates(2024, '01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25')],
  [2025, dates(2025, '01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25')],
  [2026, dates(2026, '01-01 01-19 02-16 05-25 06-19 09-07 10-12 11-11 11-26 12-25')],
  [2027, dates(2027, '01-01 01-18 02-15 05-31 07-05 09-06 10-11 11-11 11-25')],
  [2028, dates(2028, '01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-23 12-25')],
];

// ECB, "TARGET closing days": the six days of the long-term calendar (press release of 14 December 2000), with the
// dates of Good Friday and Easter Monday in each year. Those that fall on a weekend are left out.
const target: [number, CivilDate[]][] = [
  [2024, dates(2024, '01-01 03-29 04-01 05-01 12-25 12-26')],
  [2025, dates(2025, '01-01 04-18 04-21 05-01 12-25 12-26')],
  [2026, dates(2026, '01-01 04-03 04-06 05-01 12-25')],
  [2027, dates(2027, '01-01 03-26 03-29')],
  [2028, dates(2028, '04-14 04-17 05-01 12-25 12-26')],
];

test.each(federalReserve)('the Federal Reserve of %i is closed as published', (year, published) => {
  expect(closedWeekdays('federal_reserve', year)).toEqual(published);
});

test.each(target)('TARGET of %i is closed as published', (year, published) => {
  expect(closedWeekdays('target', year)).toEqual(published);
});

test('Juneteenth is a working day before it was a holiday', () => {
  expect(isBankingDay('federal_reserve', '2020-06-19')).toBe(true);
  expect(isBankingDay('federal_reserve', '2023-06-19')).toBe(false);
});

test('New Year on a Sunday closes the Monday, and on a Saturday no day at all', () => {
  expect(isBankingDay('federal_reserve', '2023-01-02')).toBe(false);
  expect(isBankingDay('federal_reserve', '2021-12-31')).toBe(true);
});

// The earliest and the latest Easter of the 20th and 21st centuries, and the two exceptions of the rule by Gauss.
test.each(['1943-04-26', '2008-03-24', '2038-04-26', '1954-04-19', '1981-04-20', '2049-04-19'])(
  'Easter Monday is %s',
  (date) => {
    expect(isBankingDay('target', date)).toBe(false);
    expect(isBankingDay('target', addDays(date, -3))).toBe(false);
    expect(isBankingDay('target', addDays(date, 1))).toBe(true);
  },
);

describe('banking days are counted', () => {
  it.each([
    ['federal_reserve', '2026-07-02', 0, '2026-07-02'],
    ['federal_reserve', '2026-07-04', 0, '2026-07-06'],
    ['federal_reserve', '2026-07-02', 1, '2026-07-03'],
    ['federal_reserve', '2026-07-03', 1, '2026-07-06'],
    ['federal_reserve', '2026-07-04', 1, '2026-07-06'],
    ['federal_reserve', '2026-11-25', 2, '2026-11-30'],
    ['target', '2026-04-02', 1, '2026-04-07'],
    ['target', '2026-12-24', 1, '2026-12-28'],
  ] as const)('in %s from %s, %i of them: %s', (calendar, from, days, to) => {
    expect(addBankingDays(calendar, from, days)).toBe(to);
  });

  it('one by one or several in one call, and never backwards', () => {
    const date = fc.integer({ min: 0, max: 20_000 }).map((days) => addDays('2000-01-01', days));
    fc.assert(
      fc.property(fc.constantFrom('federal_reserve', 'target'), date, fc.nat(12), (calendar, from, days) => {
        let to = from;
        for (let count = 0; count < days; count += 1) to = addBankingDays(calendar, to, 1);
        if (days > 0) expect(addBankingDays(calendar, from, days)).toBe(to);
        const landed = addBankingDays(calendar, from, days);
        expect(isBankingDay(calendar, landed)).toBe(true);
        expect(landed >= from).toBe(true);
      }),
    );
    expect(() => addBankingDays('target', '2026-01-01', -1)).toThrow(RangeError);
  });
});
