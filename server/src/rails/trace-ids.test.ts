import fc from 'fast-check';
import { expect, test } from 'vitest';
import { railNames } from './rails.ts';
import { describeTraceId, traceId, traceIdPattern } from './trace-ids.ts';

const nowMs = Date.parse('2026-07-03T23:04:05.678Z');
const sender = {
  routingNumber: '110000000',
  sortCodePrefix: '00',
  ispb: '99999999',
  nipInstitution: '999999',
  letters: 'OPLG',
};
const seed = 'txn_01jhmbxq7ve2r8n5d0kz3c6tga';

test.each([
  ['ach', /^11000000\d{7}$/, 15],
  ['ach_same_day', /^11000000\d{7}$/, 15],
  ['wire', /^20260703OPLG0001\d{6}$/, 22],
  ['rtp', /^M2026070311000000001BAAA\d{11}$/, 35],
  ['fednow', /^20260703110000000[A-Z0-9]{18}$/, 35],
  ['sepa', /^[0-9a-f-]{14}4[0-9a-f-]+$/, 36],
  ['faster_payments', /^[A-Z0-9]{18}000000000012026070382610$/, 42],
  ['spei', /^OPLG20260703[A-Z0-9]{18}$/, 30],
  ['pix', /^E99999999202607032304[A-Z0-9]{11}$/, 32],
  ['swift', /^[0-9a-f-]{14}4[0-9a-f-]+$/, 36],
  ['nip', /^999999260703230405\d{12}$/, 30],
  ['ghipss', /^GIP20260703\d{12}$/, 23],
  ['mobile_money', /^MM20260703[A-Z0-9]{12}$/, 22],
] as const)('%s has its own form', (rail, form, length) => {
  const id = traceId(rail, { seed, sender, nowMs });
  expect(id).toMatch(form);
  expect(id).toHaveLength(length);
  expect(traceId(rail, { seed, sender, nowMs })).toBe(id);
  expect(describeTraceId(rail)).toMatch(/^\w.+: .+/);
});

test('a sequence takes the place of the seed where payments are counted', () => {
  expect(traceId('ach', { seed, sender, nowMs, sequence: 42 })).toBe('110000000000042');
  expect(traceId('wire', { seed, sender, nowMs, sequence: 1_234_567 })).toBe('20260703OPLG0001234567');
  expect(traceId('nip', { seed, sender, nowMs, sequence: 7 })).toBe('999999260703230405000000000007');
});

test.each([
  ['in the evening, the next banking day’s', '2026-07-01T01:00:00Z', '20260701'],
  ['just before 21:00, the day’s own', '2026-07-01T00:59:59Z', '20260630'],
  ['at the weekend, Monday’s', '2026-07-04T16:00:00Z', '20260706'],
])('the date of an IMAD is %s', (_when, now, date) => {
  expect(traceId('wire', { seed, sender, nowMs: Date.parse(now) }).slice(0, 8)).toBe(date);
});

test('every seed and time gives an id of the form, and no two seeds the same', () => {
  const time = fc.integer({ min: Date.parse('2000-01-01'), max: Date.parse('2099-01-01') });
  fc.assert(
    fc.property(fc.constantFrom(...railNames), fc.string(), fc.string(), time, (rail, one, other, at) => {
      const id = traceId(rail, { seed: one, sender, nowMs: at });
      expect(id).toMatch(traceIdPattern(rail));
      // Seven or six digits of sequence meet again sooner or later: not in the runs of this test.
      if (one !== other && rail !== 'ach' && rail !== 'ach_same_day' && rail !== 'wire') {
        expect(traceId(rail, { seed: other, sender, nowMs: at })).not.toBe(id);
      }
    }),
  );
});
