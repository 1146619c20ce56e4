import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { toTronAddress } from '../addresses.ts';
import type { WatchedAddresses } from '../port.ts';
import type { Outcome } from './responses.ts';
import { readTransfers, transferTopic } from './transfers.ts';

const usdt = {
  currency: 'usdt',
  address: 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t',
  isKnown: true,
  program: undefined,
} as const;
const tokens = new Map([[usdt.address, usdt]]);
const block = { height: 7, id: 'ab'.repeat(32) };

function outcomeTo(account: Uint8Array): Outcome {
  const topic = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex').padStart(64, '0');
  const log = {
    address: usdt.address,
    topics: [transferTopic, topic(randomBytes(20)), topic(account)],
    data: '7'.padStart(64, '0'),
  };
  const txHash = randomBytes(32).toString('hex');
  return { txHash, height: 7, timestampMs: 1, result: 'called', feeSun: 0n, logs: [log] };
}

test('of 5,000 transfers in a block the 50 to our 100,000 addresses are found in one pass', () => {
  const ours = Array.from({ length: 50 }, () => randomBytes(20));
  const others = Array.from({ length: 99_950 }, (_, index) => `T${index}`);
  const watched = new Set([...others, ...ours.map(toTronAddress)]) as unknown as WatchedAddresses;
  const theirs = Array.from({ length: 4950 }, () => outcomeTo(randomBytes(20)));
  const outcomes = [...theirs, ...ours.map(outcomeTo)];
  const startedMs = performance.now();
  const found = readTransfers(block, outcomes, watched, tokens, true);
  expect(performance.now() - startedMs).toBeLessThan(3000);
  expect(found.map(({ to }) => to)).toEqual(ours.map(toTronAddress));
});

test('events of NFTs, of approvals, and transfers to oneself bring nothing', () => {
  const account = randomBytes(20);
  const watched = new Set([toTronAddress(account)]) as unknown as WatchedAddresses;
  const one = outcomeTo(account);
  const [log] = one.logs;
  const [event = '', from = '', to = ''] = log?.topics ?? [];
  const read = (topics: readonly string[], more: object = {}) =>
    readTransfers(block, [{ ...one, logs: [{ ...log, topics, ...more } as never] }], watched, tokens, true);
  expect(read([event, from, to])).toHaveLength(1);
  expect(read([event, from, to, from])).toEqual([]);
  expect(read([event, to, to])).toEqual([]);
  expect(read(['ab'.repeat(32), from, to])).toEqual([]);
  expect(read([event, from, to], { data: '' })).toEqual([]);
  for (const result of ['failed', 'no_call'] as const) {
    expect(readTransfers(block, [{ ...one, result }], watched, tokens, true)).toEqual([]);
  }
});
