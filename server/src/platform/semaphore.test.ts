import { expect, it } from 'vitest';
import { createSemaphore } from './semaphore.ts';

it('runs up to its limit concurrently, the others in order, and refuses calls above its queue', async () => {
  const withPermit = createSemaphore(2, 3);
  const ends: (() => void)[] = [];
  const started: number[] = [];
  const run = (name: number) =>
    withPermit(async () => {
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

it('releases the permit if the work fails', async () => {
  const withPermit = createSemaphore(1, 0);
  await expect(withPermit(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
  expect(await withPermit(async () => 'next')).toBe('next');
});
