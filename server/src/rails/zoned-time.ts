/** A day of the civil calendar, `2026-01-31`. Such texts sort as the days do. */
export type CivilDate = string;

/** A time of the day, `08:30`, 24 hours. */
export type ClockTime = `${number}:${number}`;

/** The zones that rails keep their hours in (IANA time zone database). */
export type Zone = 'America/New_York' | 'Europe/Berlin';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const formats = new Map<Zone, Intl.DateTimeFormat>();

/** How far a zone's clocks are ahead of UTC at an instant, in milliseconds. */
function offsetMs(instantMs: number, zone: Zone): number {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    formats.set(zone, format);
  }
  const name = format.formatToParts(instantMs).find(({ type }) => type === 'timeZoneName')?.value;
  const [, sign, hours, minutes] = /^GMT(?:([+-])(\d{2}):(\d{2}))?$/.exec(name ?? '') ?? [];
  const distanceMs = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * minuteMs;
  return sign === '-' ? -distanceMs : distanceMs;
}

/** The day it is in a zone at an instant (milliseconds since the Unix epoch). */
export function civilDateAt(instantMs: number, zone: Zone): CivilDate {
  return new Date(instantMs + offsetMs(instantMs, zone)).toISOString().slice(0, 10);
}

/**
 * When the clocks of a zone show a time on a day, in milliseconds since the Unix epoch. Not for the hour that is skipped
 * or repeated when clocks change.
 */
export function instantOf(date: CivilDate, time: ClockTime, zone: Zone): number {
  const asUtcMs = Date.parse(`${date}T${time}:00.000Z`);
  // The offset at a nearby instant may be that of before a change; the one at the instant it leads to is right.
  const nearMs = asUtcMs - offsetMs(asUtcMs, zone);
  return asUtcMs - offsetMs(nearMs, zone);
}

/** The day that lies some days after another, or before it when `days` is negative. */
export function addDays(date: CivilDate, days: number): CivilDate {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

/** The day of the week, 0 for Sunday to 6 for Saturday. */
export function weekdayOf(date: CivilDate): number {
  return new Date(Date.parse(date)).getUTCDay();
}
