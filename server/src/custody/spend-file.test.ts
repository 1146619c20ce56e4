import { appendFile, copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { acceptRestoredRecord } from './record-file.ts';
import { recordKeyOf } from './record-lines.ts';
import type { Payment } from './signing-record.ts';
import { openSpendFile, recordIn, type SpendFile } from './spend-file.ts';

const key = recordKeyOf(new Uint8Array(64).fill(1));
const dayMs = 24 * 60 * 60 * 1000;
let nowMs = Date.parse('2026-11-23T12:00:00Z');
const clock: Clock = { now: () => nowMs };
let root: string;
let directory: string;
const open: SpendFile[] = [];

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'openledger-record-'));
});
beforeEach(async () => {
  directory = await mkdtemp(join(root, 'state-'));
});
afterAll(async () => {
  for (const book of open) await book.close();
  await rm(root, { recursive: true });
});

async function openBook(): Promise<SpendFile> {
  const book = await openSpendFile(directory, key, clock);
  open.push(book);
  return book;
}

const file = (): string => join(directory, 'signed.record');
const lines = async (): Promise<string[]> => (await readFile(file(), 'utf8')).split('\n');

function payment(reference: string, amount = 10n): Payment {
  return {
    chain: 'solana',
    reference,
    intent: `solana transfer usdc ${amount} bob`,
    nonce: null,
    transaction: {
      id: `id of ${reference}`,
      unsigned: Buffer.from(reference),
      terms: 'terms',
      validity: { from: 1, until: 151, endsAtMs: null },
    },
    replaces: undefined,
    spends: [{ asset: 'usdc', amount, perDay: 100n }],
    atMs: nowMs,
    signAgainAfterMs: 0,
  };
}

test('what was recorded is known after a restart, totals and transactions alike', async () => {
  const book = await openBook();
  for (const reference of ['a', 'b']) await book.record(payment(reference, 40n));
  const again = await openBook();
  expect(await again.find('a')).toEqual(await book.find('a'));
  expect(await again.find('b')).toMatchObject({
    last: { id: 'id of b', unsigned: Buffer.from('b'), terms: 'terms', validity: { until: 151 } },
    counted: { usdc: 40n },
  });
  await expect(again.record(payment('c', 21n))).rejects.toThrow('limit per day');
  expect(await again.status('2026-11-23')).toMatchObject({
    entries: 2,
    spent: [{ chain: 'solana', asset: 'usdc', amount: 80n }],
    bytes: (await stat(file())).size,
  });
  expect((await stat(file())).mode & 0o777).toBe(0o600);
});

describe('at the start', () => {
  beforeEach(async () => {
    const book = await openBook();
    for (const reference of ['a', 'b', 'c']) await book.record(payment(reference));
  });

  test('a last line that a crash cut off is dropped, and the record goes on', async () => {
    const whole = await readFile(file());
    await writeFile(file(), whole.subarray(0, whole.length - 5));
    const book = await openBook();
    expect(await book.find('c')).toBeUndefined();
    await book.record(payment('c'));
    expect((await openBook()).entries()).toBe(3);
    await appendFile(file(), Buffer.alloc(100));
    expect((await openBook()).entries()).toBe(3);
  });

  test.each<[string, number, (content: string[]) => string[]]>([
    ['changed', 3, (all) => all.with(2, (all[2] as string).replace('bob', 'eve'))],
    ['removed', 3, (all) => all.toSpliced(2, 1)],
    ['removed at the start', 1, (all) => all.slice(1)],
    ['moved', 3, (all) => [all[0], all[1], all[3], all[2], ''] as string[]],
    ['repeated', 4, (all) => all.toSpliced(2, 0, all[2] as string)],
    ['added without a code', 5, (all) => [...all.slice(0, -1), '{}', '']],
    ['too long', 5, (all) => [...all.slice(0, -1), 'x'.repeat(100_000)]],
  ])('a line that was %s is refused', async (_, line, change) => {
    await writeFile(file(), change(await lines()).join('\n'));
    await expect(openBook()).rejects.toThrow(`line ${line} of`);
  });

  test('the record of another seed is refused', async () => {
    const other = recordKeyOf(new Uint8Array(64).fill(2));
    await expect(openSpendFile(directory, other, clock)).rejects.toThrow('line 1 of');
  });

  test('a record restored from an hour ago is behind until an operator accepts it, and then spends nothing on that day', async () => {
    await copyFile(file(), `${file()}.backup`);
    const book = await openBook();
    await book.record(payment('d', 50n));
    await copyFile(`${file()}.backup`, file());
    expect((await openBook()).entries()).toBe(3);
    await expect(acceptRestoredRecord(recordIn(directory, key), 3, clock)).rejects.toThrow('more than 3');
    await acceptRestoredRecord(recordIn(directory, key), 4, clock);
    const restored = await openBook();
    expect(restored.entries()).toBe(4);
    await expect(restored.record(payment('e'))).rejects.toThrow('The record was restored');
    nowMs += dayMs;
    await restored.record(payment('e'));
    expect((await openBook()).entries()).toBe(5);
  });

  test('entries that have expired for long are dropped, and the chain of codes goes on', async () => {
    nowMs += (limits.signerMemoryDays + 31) * dayMs;
    const book = await openBook();
    expect(await book.find('a')).toBeUndefined();
    await book.record(payment('d'));
    expect((await openBook()).entries()).toBe(4);
    expect((await lines()).length).toBe(3);
    // What remains keeps its code.
    nowMs += dayMs * 40;
    await (await openBook()).record(payment('e'));
    nowMs += (limits.signerMemoryDays - 5) * dayMs;
    const later = await openBook();
    expect([await later.find('d'), (await later.find('e'))?.last?.id]).toEqual([undefined, 'id of e']);
    expect(later.entries()).toBe(5);
  });
});

test('a record of before, without codes, is converted once', async () => {
  const former = join(directory, 'signed.jsonl');
  const line = { at: new Date(nowMs).toISOString(), chain: 'solana', day: '2026-11-23', reference: 'a' };
  const rest = { intent: 'i', nonce: null, counted: { usdc: '7' }, added: { usdc: '7' } };
  await writeFile(former, `${JSON.stringify({ ...line, ...rest })}\n{"at":"cut`);
  const book = await openBook();
  expect(await book.find('a')).toMatchObject({ intent: 'i', last: undefined, counted: { usdc: 7n } });
  await expect(stat(former)).rejects.toThrow('ENOENT');
  expect((await openBook()).entries()).toBe(1);
});

test('of two callers with different bytes one is recorded, and the same bytes are recorded once', async () => {
  const book = await openBook();
  const [first, second] = [payment('twice'), payment('twice')];
  const bytes = { ...second.transaction, unsigned: Buffer.from('others'), id: 'another' };
  const results = await Promise.allSettled([
    book.record(first),
    book.record({ ...second, transaction: bytes }),
    book.record(first),
  ]);
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(book.entries()).toBe(1);
});
