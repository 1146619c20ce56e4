import { addDays, type CivilDate, weekdayOf } from './zoned-time.ts';

/**
 * The banking days of a calendar: `federal_reserve` for the rails of the USA, `target` for those in euro. Both are computed
 * by rule for every year.
 */
export type BankingCalendar = 'federal_reserve' | 'target';

const sunday = 0;
const monday = 1;
const thursday = 4;
const saturday = 6;

const holidaysByYear: Readonly<Record<BankingCalendar, Map<number, ReadonlySet<CivilDate>>>> = {
  federal_reserve: new Map(),
  target: new Map(),
};

/** Whether a day is a banking day. */
export function isBankingDay(calendar: BankingCalendar, date: CivilDate): boolean {
  const weekday = weekdayOf(date);
  return weekday !== saturday && weekday !== sunday && !holidaysOf(calendar, date).has(date);
}

/**
 * Adds banking days to a day.
 *
 * @param days with 0, the day itself if it is a banking day, else the next one
 * @throws RangeError if it is negative
 */
export function addBankingDays(calendar: BankingCalendar, date: CivilDate, days: number): CivilDate {
  if (days < 0) throw new RangeError('Banking days are counted forwards');
  let at = date;
  for (let left = days; ; at = addDays(at, 1)) {
    if (at !== date && isBankingDay(calendar, at)) left -= 1;
    if (left <= 0 && isBankingDay(calendar, at)) return at;
  }
}

function holidaysOf(calendar: BankingCalendar, date: CivilDate): ReadonlySet<CivilDate> {
  const year = Number(date.slice(0, 4));
  const known = holidaysByYear[calendar].get(year);
  if (known) return known;
  const holidays = new Set(calendar === 'target' ? targetHolidays(year) : federalReserveHolidays(year));
  holidaysByYear[calendar].set(year, holidays);
  return holidays;
}

/** Federal Reserve Banks, Holiday Schedules. On a Saturday the banks stay open the Friday before. */
function federalReserveHolidays(year: number): CivilDate[] {
  const fixed = [
    day(year, 1, 1),
    ...(year < juneteenthSince ? [] : [day(year, 6, 19)]),
    day(year, 7, 4),
    day(year, 11, 11),
    day(year, 12, 25),
  ];
  return [
    ...fixed.map((date) => (weekdayOf(date) === sunday ? addDays(date, 1) : date)),
    nth(3, monday, year, 1), // Martin Luther King
    nth(3, monday, year, 2), // Presidents
    lastMondayOfMay(year), // Memorial
    nth(1, monday, year, 9), // Labor
    nth(2, monday, year, 10), // Columbus
    nth(4, thursday, year, 11), // Thanksgiving
  ];
}

/** A legal holiday since June 2021; the banks first closed on it in 2022. */
const juneteenthSince = 2022;

/** ECB, long-term calendar for TARGET closing days (14 December 2000). */
function targetHolidays(year: number): CivilDate[] {
  const easter = easterSunday(year);
  return [
    day(year, 1, 1),
    addDays(easter, -2),
    addDays(easter, 1),
    day(year, 5, 1),
    day(year, 12, 25),
    day(year, 12, 26),
  ];
}

function day(year: number, month: number, dayOfMonth: number): CivilDate {
  const digits = (value: number, length: number): string => String(value).padStart(length, '0');
  return `${digits(year, 4)}-${digits(month, 2)}-${digits(dayOfMonth, 2)}`;
}

/** The first, second … of a weekday in a month. */
function nth(count: number, weekday: number, year: number, month: number): CivilDate {
  const first = day(year, month, 1);
  return addDays(first, ((weekday - weekdayOf(first) + 7) % 7) + (count - 1) * 7);
}

function lastMondayOfMay(year: number): CivilDate {
  return addDays(nth(1, monday, year, 6), -7);
}

/** Gregorian Easter by the anonymous algorithm (Meeus, Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): CivilDate {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const f = Math.floor((b + 8) / 25);
  const g = Math.floor((b - f + 1) / 3);
  const h = (19 * a + b - Math.floor(b / 4) - g + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return day(year, Math.floor(n / 31), (n % 31) + 1);
}
