import { expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { createTestThrottle, type Slot } from './test-throttle.ts';

/** A throttle on a clock that only the test moves. */
function setUp() {
  const time = { nowMs: 0, busyMs: 0 };
  const throttle = createTestThrottle({ nowMs: () => time.nowMs, busyMs: () => time.busyMs });
  const wanted = () => true;
  /** The slots that were acquired. */
  const open: Slot[] = [];
  const ask = (isWanted = wanted) => {
    const taken = throttle.acquire(isWanted);
    if (!(taken instanceof Promise)) open.push(taken);
    return Promise.resolve(taken).then((slot) => {
      if (!open.includes(slot)) open.push(slot);
      return slot;
    });
  };
  return { time, throttle, open, ask };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('gives every slot while no live key is in use', () => {
  const { ask, open, throttle } = setUp();
  for (let count = 0; count < 1000; count += 1) void ask();
  expect(open).toHaveLength(1000);
  expect(throttle.isActive()).toBe(false);
});

it('gives few slots beside live keys, in the order of the requests', async () => {
  const { ask, open, throttle } = setUp();
  throttle.liveSeen();
  const order: number[] = [];
  for (let number = 0; number < 5; number += 1) void ask().then(() => order.push(number));
  await settled();
  expect(order).toEqual([0, 1]);
  open[0]?.release();
  await settled();
  expect(order).toEqual([0, 1, 2]);
  open[0]?.release();
  await settled();
  expect(order).toEqual([0, 1, 2]);
});

it('limits the share of the event loop: excess use delays the next slot', async () => {
  const { ask, open, time, throttle } = setUp();
  throttle.liveSeen();
  void ask();
  time.nowMs += 100;
  time.busyMs += 100;
  open[0]?.release();
  let hasBegun = false;
  void ask().then(() => {
    hasBegun = true;
  });
  await settled();
  expect(hasBegun).toBe(false);
  // The bucket fills again up to the burst.
  time.nowMs += (100 - limits.testLoopBurstMs) / limits.testLoopShare + 1;
  await expect.poll(() => hasBegun).toBe(true);
});

it('rejects requests that wait too long or are no longer wanted', async () => {
  const { ask, open, time, throttle } = setUp();
  throttle.liveSeen();
  for (let count = 0; count < limits.testSlots; count += 1) void ask();
  const late = ask();
  const gone = ask(() => false);
  gone.catch(() => undefined);
  time.nowMs += limits.testSlotWaitMs;
  open[0]?.release();
  await expect(late).rejects.toMatchObject({
    refusal: { code: 'RATE_LIMITED', reason: 'environment_busy', retryAfterSeconds: 1 },
  });
  await expect(gone).rejects.toThrow();
});

it('gives every slot again once live keys are not in use, also to waiting requests', async () => {
  const { ask, open, time, throttle } = setUp();
  throttle.liveSeen();
  time.nowMs += limits.liveInUseMs - 1;
  for (let count = 0; count < 50; count += 1) void ask();
  await settled();
  expect(open).toHaveLength(limits.testSlots);
  time.nowMs += 1;
  expect(throttle.isActive()).toBe(false);
  open[0]?.release();
  await settled();
  expect(open).toHaveLength(50);
});
