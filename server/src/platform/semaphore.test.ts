import { expect, it } from 'vitest';
import { createTurns } from './semaphore.ts';

it('runs so many at once, the others in the order of their arrival, and refuses who would wait too long', async () => {
  const turns = createTurns(2, 3);
  const ends: (() => void)[] = [];
  const started: number[] = [];
  const run = (name: number) =>
    turns(async () => {
      started.push(name);
      await new Promise<void>((resolve) => ends.push(resolve));
      return name;
    });
  const accepted = [1, 2, 3, 4, 5].map(run);
  await expect(run(6)).rejects.toMatchObject({ refusal: { code: 'RATE_LIMITED', reason: 'server_busy' } });
  expect(started).toEqual([1, 2]);
  for (let ended = 0; ended < accepted.length; ended += 1) {
    await expect.poll(() => ends.length).toBeGreaterThan(ended);
    expect(started.length - ended).toBeLessThanOrEqual(2);
    ends[ended]?.();
  }
  expect(await Promise.all(accepted)).toEqual([1, 2, 3, 4, 5]);
  expect(started).toEqual([1, 2, 3, 4, 5]);
});

it('gives the place back when the work fails', async () => {
  const turns = createTurns(1, 0);
  await expect(turns(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await turns(async () => 'next')).toBe('next');
});
