/** A calendar day such as `2026-01-31`. The texts sort by date. */
export type CivilDate = string;

/** A time of the day, `08:30`, 24 hours. */
export type ClockTime = `${number}:${number}`;

/** The time zones of rails (IANA time zone database). */
export type Zone = 'America/New_York' | 'Europe/Berlin';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

const formats = new Map<Zone, Intl.DateTimeFormat>();

/** The UTC offset of a zone at an instant, in milliseconds. */
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

/** The day in a zone at an instant (milliseconds since the Unix epoch). */
export function civilDateAt(instantMs: number, zone: Zone): CivilDate {
  return new Date(instantMs + offsetMs(instantMs, zone)).toISOString().slice(0, 10);
}

/**
 * The instant of a local time on a day in a zone, in milliseconds since the Unix epoch. Undefined for the hour that is skipped
 * or repeated at a clock change.
 */
export function instantOf(date: CivilDate, time: ClockTime, zone: Zone): number {
  const asUtcMs = Date.parse(`${date}T${time}:00.000Z`);
  // The offset of a nearby instant may be from before a clock change; the offset of the resulting instant is right.
  const nearMs = asUtcMs - offsetMs(asUtcMs, zone);
  return asUtcMs - offsetMs(nearMs, zone);
}

/** Adds days to a day; negative numbers subtract. */
export function addDays(date: CivilDate, days: number): CivilDate {
  return new Date(Date.parse(date) + days * dayMs).toISOString().slice(0, 10);
}

/** The day of the week, 0 for Sunday to 6 for Saturday. */
export function weekdayOf(date: CivilDate): number {
  return new Date(Date.parse(date)).getUTCDay();
}
