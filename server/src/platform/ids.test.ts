import fc from 'fast-check';
import { TypeID } from 'typeid-js';
import { describe, expect, it } from 'vitest';
import { bucketOfId, bucketOfText, createIdSource, isId } from './ids.ts';

const at = (nowMs: number) => createIdSource({ now: () => nowMs });

describe('ids', () => {
  it('are TypeIDs of UUID version 7 that tell the time they were made', () => {
    const nowMs = Date.parse('2026-01-15T11:00:00.123Z');
    const uuid = TypeID.fromString(at(nowMs).next('cus'), 'cus').toUUID();
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16)).toBe(nowMs);
  });

  it('tell their bucket', () => {
    const ids = at(1_700_000_000_000);
    for (let bucket = 0; bucket < 64; bucket += 1) expect(bucketOfId(ids.next('wal', bucket))).toBe(bucket);
  });

  it('sort by the order they were made in, even when the clock stands still or goes back', () => {
    let nowMs = 1_700_000_000_000;
    const ids = createIdSource({ now: () => nowMs });
    const made: string[] = [];
    for (let index = 0; index < 20_000; index += 1) {
      if (index === 10_000) nowMs -= 60_000;
      made.push(ids.next('txn'));
    }
    expect([...made].sort()).toEqual(made);
    expect(new Set(made).size).toBe(made.length);
  });

  it('are recognised by form', () => {
    expect(isId(at(1).next('cus'), 'cus')).toBe(true);
    expect(isId(at(1).next('cus'), 'wal')).toBe(false);
    expect(isId('cus_', 'cus')).toBe(false);
    expect(isId('cus_8zzzzzzzzzzzzzzzzzzzzzzzzz', 'cus')).toBe(false);
  });

  it('give any text a bucket', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(bucketOfId(text)).toBeGreaterThanOrEqual(0);
        expect(bucketOfId(text)).toBeLessThan(64);
        expect(bucketOfText(text)).toBeLessThan(64);
      }),
    );
  });

  it('spread texts over the buckets', () => {
    const buckets = new Set(Array.from({ length: 2000 }, (_, index) => bucketOfText(`key-${index}`)));
    expect(buckets.size).toBe(64);
  });
});
