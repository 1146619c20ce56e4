import { expect, it } from 'vitest';
import { limits } from '../platform/limits.ts';
import { createTestTurns, type Turn } from './test-throttle.ts';

/** Turns on a clock that stands still until it is moved. */
function setUp() {
  const time = { nowMs: 0, busyMs: 0 };
  const turns = createTestTurns({ nowMs: () => time.nowMs, busyMs: () => time.busyMs });
  const wanted = () => true;
  /** Begins as many as there are, and tells how many may work now. */
  const open: Turn[] = [];
  const ask = (isWanted = wanted) => {
    const taken = turns.take(isWanted);
    if (!(taken instanceof Promise)) open.push(taken);
    return Promise.resolve(taken).then((turn) => {
      if (!open.includes(turn)) open.push(turn);
      return turn;
    });
  };
  return { time, turns, open, ask };
}

const settled = (): Promise<void> => new Promise(setImmediate);

it('are free while no live key is used', () => {
  const { ask, open, turns } = setUp();
  for (let count = 0; count < 1000; count += 1) void ask();
  expect(open).toHaveLength(1000);
  expect(turns.areLimited()).toBe(false);
});

it('are few beside live keys, and go to those who wait in their order', async () => {
  const { ask, open, turns } = setUp();
  turns.liveSeen();
  const order: number[] = [];
  for (let number = 0; number < 5; number += 1) void ask().then(() => order.push(number));
  await settled();
  expect(order).toEqual([0, 1]);
  open[0]?.end();
  await settled();
  expect(order).toEqual([0, 1, 2]);
  open[0]?.end();
  await settled();
  expect(order).toEqual([0, 1, 2]);
});

it('get a part of the event loop: what was used too much is waited for', async () => {
  const { ask, open, time, turns } = setUp();
  turns.liveSeen();
  void ask();
  time.nowMs += 100;
  time.busyMs += 100;
  open[0]?.end();
  let hasBegun = false;
  void ask().then(() => {
    hasBegun = true;
  });
  await settled();
  expect(hasBegun).toBe(false);
  // It is earned again, but for the burst.
  time.nowMs += (100 - limits.testTurnBurstMs) / limits.testLoopShare + 1;
  await expect.poll(() => hasBegun).toBe(true);
});

it('are refused to those who have waited for too long, and not given to those who have gone', async () => {
  const { ask, open, time, turns } = setUp();
  turns.liveSeen();
  for (let count = 0; count < limits.testTurns; count += 1) void ask();
  const late = ask();
  const gone = ask(() => false);
  gone.catch(() => undefined);
  time.nowMs += limits.testTurnWaitMs;
  open[0]?.end();
  await expect(late).rejects.toMatchObject({
    refusal: { code: 'RATE_LIMITED', reason: 'environment_busy', retryAfterSeconds: 1 },
  });
  await expect(gone).rejects.toThrow();
});

it('are free again when live keys have rested, also for those who wait', async () => {
  const { ask, open, time, turns } = setUp();
  turns.liveSeen();
  time.nowMs += limits.liveInUseMs - 1;
  for (let count = 0; count < 50; count += 1) void ask();
  await settled();
  expect(open).toHaveLength(limits.testTurns);
  time.nowMs += 1;
  expect(turns.areLimited()).toBe(false);
  open[0]?.end();
  await settled();
  expect(open).toHaveLength(50);
});
