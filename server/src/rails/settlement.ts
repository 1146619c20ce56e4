import { addBankingDays, type BankingCalendar } from './calendar.ts';
import type { Rail } from './rails.ts';
import { findReturnCode } from './return-codes.ts';
import { addDays, type ClockTime, civilDateAt, instantOf, type Zone } from './zoned-time.ts';

/** The cut-off and the arrival of a payment, in milliseconds since the Unix epoch. */
export interface Settlement {
  /** The cut-off that the payment makes; null on a rail without cut-offs. */
  readonly cutoffAtMs: number | null;
  /** The usual arrival. */
  readonly settlesAtMs: number;
}

const secondMs = 1000;
const hourMs = 3600 * secondMs;
const newYork: Zone = 'America/New_York';

/** A rail that is always open, with the usual duration of a payment. */
interface Instant {
  readonly usualSeconds: number;
  readonly usualTime?: string;
}

/** A rail with cut-offs on banking days. */
interface Scheduled {
  /** The usual duration, as text. */
  readonly usualTime: string;
  readonly calendar: BankingCalendar;
  /** The day's windows, in order; `cutoff` is a time of New York. */
  readonly windows: readonly { readonly cutoff: ClockTime; readonly settles: Arrival }[];
}

/** A number of banking days later at a time of a zone, or a duration after processing starts. */
type Arrival =
  | { readonly bankingDays: number; readonly at: ClockTime; readonly zone: Zone }
  | { readonly afterHours: number };

const day = (bankingDays: number, at: ClockTime, zone: Zone = newYork): Arrival => ({
  bankingDays,
  at,
  zone,
});

const schedules: Readonly<Record<Rail, Instant | Scheduled>> = {
  ach: {
    usualTime: 'the next banking day',
    calendar: 'federal_reserve',
    windows: [{ cutoff: '13:00', settles: day(1, '08:30') }],
  },
  ach_same_day: {
    usualTime: 'the same banking day',
    calendar: 'federal_reserve',
    windows: [
      { cutoff: '09:30', settles: day(0, '13:00') },
      { cutoff: '13:45', settles: day(0, '17:00') },
      { cutoff: '15:45', settles: day(0, '18:00') },
    ],
  },
  wire: {
    usualTime: 'up to 2 hours',
    calendar: 'federal_reserve',
    windows: [{ cutoff: '16:45', settles: { afterHours: 2 } }],
  },
  rtp: { usualSeconds: 10 },
  fednow: { usualSeconds: 10 },
  sepa: {
    usualSeconds: 10,
    usualTime:
      'up to 10 seconds; 1 to 2 banking days when the bank of the beneficiary does not answer in time',
  },
  faster_payments: { usualSeconds: 10 },
  spei: { usualSeconds: 30 },
  pix: { usualSeconds: 10 },
  swift: {
    usualTime: '1 to 5 banking days, usually 2',
    calendar: 'federal_reserve',
    windows: [{ cutoff: '10:30', settles: day(2, '17:00') }],
  },
  nip: { usualSeconds: 10 },
  ghipss: { usualSeconds: 10 },
  mobile_money: { usualSeconds: 10 },
};

/** An ordinary SEPA credit transfer is with the beneficiary by the end of the next banking day. */
const sepaCreditTransfer: Scheduled = {
  usualTime: '1 to 2 banking days',
  calendar: 'target',
  windows: [{ cutoff: '09:00', settles: day(1, '18:00', 'Europe/Berlin') }],
};

/** The hours of a rail, as text. */
export interface SettlementTerms {
  /** The cut-off times of a day; null on a rail that is always open. */
  readonly cutoff: string | null;
  readonly usualTime: string;
  readonly isAlwaysOpen: boolean;
}

/** The hours of a rail, as text; `settlementOf` computes them. */
export function settlementTerms(rail: Rail): SettlementTerms {
  const schedule = schedules[rail];
  if ('usualSeconds' in schedule) {
    const { usualSeconds, usualTime = `up to ${usualSeconds} seconds` } = schedule;
    return { cutoff: null, usualTime, isAlwaysOpen: true };
  }
  const times = schedule.windows.map(({ cutoff }) => cutoff).join(', ');
  return { cutoff: `${times} ${newYork}`, usualTime: schedule.usualTime, isAlwaysOpen: false };
}

/**
 * The cut-off and the usual arrival of a payment that is submitted now. A payment at the exact time of a cut-off makes it.
 */
export function settlementOf(rail: Rail, nowMs: number): Settlement {
  const schedule = schedules[rail];
  return 'usualSeconds' in schedule
    ? { cutoffAtMs: null, settlesAtMs: nowMs + schedule.usualSeconds * secondMs }
    : scheduledSettlement(schedule, nowMs);
}

/**
 * The cut-off and arrival of a SEPA payment as an ordinary credit transfer, the fallback if the beneficiary's bank does not
 * answer the instant one in time (AB05).
 */
export function sepaCreditTransferSettlement(nowMs: number): Settlement {
  return scheduledSettlement(sepaCreditTransfer, nowMs);
}

function scheduledSettlement({ calendar, windows }: Scheduled, nowMs: number): Settlement {
  const today = civilDateAt(nowMs, newYork);
  for (let date = addBankingDays(calendar, today, 0); ; date = addBankingDays(calendar, date, 1)) {
    for (const { cutoff, settles } of windows) {
      const cutoffAtMs = instantOf(date, cutoff, newYork);
      if (nowMs > cutoffAtMs) continue;
      if ('bankingDays' in settles) {
        const arrival = addBankingDays(calendar, date, settles.bankingDays);
        return { cutoffAtMs, settlesAtMs: instantOf(arrival, settles.at, settles.zone) };
      }
      // Fedwire is open through the night: a payment that missed a day is processed when the next one begins.
      const takenUpMs = Math.max(nowMs, instantOf(date, '00:00', newYork));
      return { cutoffAtMs, settlesAtMs: takenUpMs + settles.afterHours * hourMs };
    }
  }
}

/** For R06, which has no fixed time, and for unknown codes. */
const usualReturnBankingDays = 2;
const returnTime: ClockTime = '08:30';

/**
 * The usual time of a return, in milliseconds since the Unix epoch: on ACH with the morning file of the last day that the code
 * allows, on wire and swift the next banking morning, elsewhere within a minute.
 *
 * @param settledAtMs when the beneficiary's bank received the payment
 */
export function returnDeadlineMs(rail: Rail, settledAtMs: number, code: string): number {
  const schedule = schedules[rail];
  if ('usualSeconds' in schedule) return settledAtMs + 2 * schedule.usualSeconds * secondMs;
  const date = civilDateAt(settledAtMs, newYork);
  return instantOf(addBankingDays(schedule.calendar, ...returnDays(rail, date, code)), returnTime, newYork);
}

/** The day to count from, and the number of banking days. */
function returnDays(rail: Rail, settledOn: string, code: string): [from: string, bankingDays: number] {
  if (rail !== 'ach' && rail !== 'ach_same_day') return [settledOn, 1];
  const { bankingDays, calendarDays } = findReturnCode(rail, code) ?? {};
  if (calendarDays !== undefined) return [addDays(settledOn, calendarDays), 0];
  return [settledOn, bankingDays ?? usualReturnBankingDays];
}
