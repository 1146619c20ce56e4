import { expect, it } from 'vitest';
import { createRequestCoalescer } from './request-coalescing.ts';

/** Reads that end when they are told to, and say how many have started. */
function controlledReads() {
  const started: PromiseWithResolvers[] = [];
  const run = (): Promise<number> =>
    new Promise((resolve, reject) => started.push({ number: started.length + 1, resolve, reject }));
  return { started, run };
}

interface PromiseWithResolvers {
  readonly number: number;
  resolve(value: number): void;
  reject(error: Error): void;
}

const settle = () => new Promise(setImmediate);

it('gives nobody a read that had started before they asked, and one read to all who wait', async () => {
  const { run, started } = controlledReads();
  const reads = createRequestCoalescer<number>();
  const first = reads.read('a', run);
  const later = [reads.read('a', run), reads.read('a', run)];
  await settle();
  expect(started).toHaveLength(1);
  started[0]?.resolve(1);
  expect(await first).toBe(1);
  await settle();
  expect(started).toHaveLength(2);
  const last = reads.read('a', run);
  started[1]?.resolve(2);
  expect(await Promise.all(later)).toEqual([2, 2]);
  await settle();
  started[2]?.resolve(3);
  expect(await last).toBe(3);
});

it('keeps reads of different names apart', async () => {
  const { run, started } = controlledReads();
  const reads = createRequestCoalescer<number>();
  const both = [reads.read('a', run), reads.read('b', run)];
  started[1]?.resolve(2);
  started[0]?.resolve(1);
  expect(await Promise.all(both)).toEqual([1, 2]);
});

it('lets a failure be that of the one read', async () => {
  const { run, started } = controlledReads();
  const reads = createRequestCoalescer<number>();
  const first = reads.read('a', run);
  const second = reads.read('a', run);
  started[0]?.reject(new Error('broken'));
  await expect(first).rejects.toThrow('broken');
  await settle();
  started[1]?.resolve(2);
  expect(await second).toBe(2);
  const third = reads.read('a', run);
  started[2]?.resolve(3);
  expect(await third).toBe(3);
});
