import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type Rail, railNames } from './rails.ts';
import { returnCodesOf } from './return-codes.ts';
import {
  returnDeadlineMs,
  sepaCreditTransferSettlement,
  settlementOf,
  settlementTerms,
} from './settlement.ts';

const iso = (timeMs: number | null) => (timeMs === null ? null : new Date(timeMs).toISOString());
/** New York in winter and in summer, whole minutes. */
const est = (text: string) => Date.parse(`${text}:00-05:00`);
const edt = (text: string) => Date.parse(`${text}:00-04:00`);

const scheduled: [string, Rail, now: number, cutoff: number, settles: number][] = [
  ['before the cut-off', 'ach', est('2026-01-14T09:00'), est('2026-01-14T13:00'), est('2026-01-15T08:30')],
  ['at the cut-off', 'ach', est('2026-01-14T13:00'), est('2026-01-14T13:00'), est('2026-01-15T08:30')],
  ['after it', 'ach', est('2026-01-14T13:00') + 1, est('2026-01-15T13:00'), est('2026-01-16T08:30')],
  ['before a long weekend', 'ach', est('2026-01-16T14:00'), est('2026-01-20T13:00'), est('2026-01-21T08:30')],
  [
    'over the change to summer time',
    'ach',
    est('2026-03-06T10:00'),
    est('2026-03-06T13:00'),
    edt('2026-03-09T08:30'),
  ],
  [
    'over the change to winter time',
    'ach',
    edt('2026-10-30T13:01'),
    est('2026-11-02T13:00'),
    est('2026-11-03T08:30'),
  ],
  [
    'late on Sunday, Monday in UTC',
    'ach',
    est('2026-01-11T22:00'),
    est('2026-01-12T13:00'),
    est('2026-01-13T08:30'),
  ],
  ['first window', 'ach_same_day', edt('2026-07-01T09:30'), edt('2026-07-01T09:30'), edt('2026-07-01T13:00')],
  [
    'second window',
    'ach_same_day',
    edt('2026-07-01T09:31'),
    edt('2026-07-01T13:45'),
    edt('2026-07-01T17:00'),
  ],
  ['third window', 'ach_same_day', edt('2026-07-01T15:45'), edt('2026-07-01T15:45'), edt('2026-07-01T18:00')],
  [
    'after the last window',
    'ach_same_day',
    edt('2026-07-02T15:46'),
    edt('2026-07-03T09:30'),
    edt('2026-07-03T13:00'),
  ],
  ['in the day', 'wire', edt('2026-07-01T10:00'), edt('2026-07-01T16:45'), edt('2026-07-01T12:00')],
  ['at night', 'wire', edt('2026-07-01T02:00'), edt('2026-07-01T16:45'), edt('2026-07-01T04:00')],
  ['after the cut-off', 'wire', edt('2026-07-01T17:00'), edt('2026-07-02T16:45'), edt('2026-07-02T02:00')],
  ['on Saturday', 'wire', edt('2026-07-04T12:00'), edt('2026-07-06T16:45'), edt('2026-07-06T02:00')],
  ['before the cut-off', 'swift', edt('2026-07-01T10:30'), edt('2026-07-01T10:30'), edt('2026-07-03T17:00')],
  [
    'after it, over Thanksgiving',
    'swift',
    est('2026-11-24T11:00'),
    est('2026-11-25T10:30'),
    est('2026-11-30T17:00'),
  ],
];

test.each(scheduled)('%s, %s goes out and arrives', (_when, rail, nowMs, cutoffAtMs, settlesAtMs) => {
  const settlement = settlementOf(rail, nowMs);
  expect([iso(settlement.cutoffAtMs), iso(settlement.settlesAtMs)]).toEqual([
    iso(cutoffAtMs),
    iso(settlesAtMs),
  ]);
});

test.each(railNames)('the terms of %s say whether it has cut-offs', (rail) => {
  const { cutoff, isAlwaysOpen, usualTime } = settlementTerms(rail);
  const nowMs = edt('2026-07-01T00:00');
  const { cutoffAtMs } = settlementOf(rail, nowMs);
  expect(isAlwaysOpen).toBe(cutoffAtMs === null);
  expect(usualTime).toMatch(/\w/);
  if (cutoffAtMs === null) return expect(cutoff).toBeNull();
  const first = new Date(cutoffAtMs - 4 * 3_600_000).toISOString().slice(11, 16);
  expect(cutoff).toMatch(new RegExp(`^${first}(, \\d\\d:\\d\\d)* America/New_York$`));
});

test.each([
  ['rtp', 10],
  ['fednow', 10],
  ['sepa', 10],
  ['faster_payments', 10],
  ['spei', 30],
  ['pix', 10],
  ['nip', 10],
  ['ghipss', 10],
  ['mobile_money', 10],
] as const)('%s has no cut-off, and arrives in %i s even at Christmas', (rail, seconds) => {
  const nowMs = Date.parse('2026-12-25T03:00:00.000Z');
  expect(settlementOf(rail, nowMs)).toEqual({ cutoffAtMs: null, settlesAtMs: nowMs + seconds * 1000 });
});

test.each([
  ['2026-06-10T12:59', '2026-06-10T13:00', '2026-06-11T16:00'],
  ['2026-06-10T13:01', '2026-06-11T13:00', '2026-06-12T16:00'],
  // Easter: Friday and Monday are closed.
  ['2026-04-02T13:01', '2026-04-07T13:00', '2026-04-08T16:00'],
  // New York has summer time three weeks before Frankfurt: its 09:00 is 13:00 UTC, 18:00 in Frankfurt is 17:00.
  ['2026-03-12T10:00', '2026-03-12T13:00', '2026-03-13T17:00'],
])('a SEPA credit transfer that is ordinary at %s makes %s and arrives by %s', (now, cutoff, settles) => {
  const utc = (text: string) => Date.parse(`${text}:00.000Z`);
  expect(sepaCreditTransferSettlement(utc(now))).toEqual({
    cutoffAtMs: utc(cutoff),
    settlesAtMs: utc(settles),
  });
});

const instant = fc.integer({ min: Date.parse('2020-01-01'), max: Date.parse('2040-01-01') });

test('nothing goes out or arrives before it was handed over, and what came first is never overtaken', () => {
  fc.assert(
    fc.property(fc.constantFrom(...railNames), instant, fc.nat(10 * 86_400_000), (rail, nowMs, laterMs) => {
      const first = settlementOf(rail, nowMs);
      const second = settlementOf(rail, nowMs + laterMs);
      expect(first.settlesAtMs).toBeGreaterThan(nowMs);
      if (first.cutoffAtMs !== null) expect(first.cutoffAtMs).toBeGreaterThanOrEqual(nowMs);
      expect(second.settlesAtMs).toBeGreaterThanOrEqual(first.settlesAtMs);
      // The longest wait: a payment by SWIFT before Christmas.
      expect(first.settlesAtMs - nowMs).toBeLessThan(9 * 86_400_000);
    }),
  );
});

describe('a return', () => {
  it.each([
    ['ach', est('2026-01-15T08:30'), 'R03', est('2026-01-20T08:30')],
    ['ach', est('2026-01-15T08:30'), 'R13', est('2026-01-16T08:30')],
    ['ach', est('2026-01-15T08:30'), 'R10', edt('2026-03-16T08:30')],
    ['ach', est('2026-01-15T08:30'), 'R06', est('2026-01-20T08:30')],
    ['ach_same_day', edt('2026-07-02T18:00'), 'R02', edt('2026-07-06T08:30')],
    ['wire', edt('2026-07-01T12:00'), 'AC04', edt('2026-07-02T08:30')],
    ['swift', edt('2026-07-03T17:00'), 'AC01', edt('2026-07-06T08:30')],
    ['pix', edt('2026-07-03T17:00'), 'AC03', edt('2026-07-03T17:00') + 20_000],
  ] as const)('of %s settled at %i with %s comes in its time', (rail, settledAtMs, code, dueMs) => {
    expect(iso(returnDeadlineMs(rail, settledAtMs, code))).toBe(iso(dueMs));
  });

  it('always comes after the payment has settled', () => {
    fc.assert(
      fc.property(fc.constantFrom(...railNames), instant, fc.nat(100), (rail, settledAtMs, pick) => {
        const codes = returnCodesOf(rail);
        const code = codes[pick % codes.length]?.code ?? '';
        expect(returnDeadlineMs(rail, settledAtMs, code)).toBeGreaterThan(settledAtMs);
      }),
    );
  });
});
