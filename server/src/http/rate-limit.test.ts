import { expect, it } from 'vitest';
import { createRateLimiter } from './rate-limit.ts';

it('lets a burst through, then as many as flow in', () => {
  let nowMs = 0;
  const limiter = createRateLimiter({ now: () => nowMs }, 10);
  const taken = Array.from({ length: 25 }, () => limiter.take('key').allowed);
  expect(taken.filter(Boolean)).toHaveLength(20);
  expect(limiter.take('key')).toMatchObject({
    allowed: false,
    limit: 20,
    remaining: 0,
    retryAfterSeconds: 1,
  });
  expect(limiter.take('other key').allowed).toBe(true);
  nowMs += 500;
  expect(Array.from({ length: 10 }, () => limiter.take('key').allowed).filter(Boolean)).toHaveLength(5);
  nowMs += 60_000;
  expect(limiter.take('key')).toMatchObject({ allowed: true, remaining: 19 });
});

it('remembers a bounded number of clients', () => {
  const limiter = createRateLimiter({ now: () => 0 }, 1);
  for (let client = 0; client < 50_000; client += 1) limiter.take(`client ${client}`);
  expect(limiter.take('one more').allowed).toBe(true);
});

it('can be another for one client', () => {
  const limiter = createRateLimiter({ now: () => 0 }, 1);
  expect(limiter.take('a', 100)).toMatchObject({ limit: 200, remaining: 199 });
  expect(limiter.take('b')).toMatchObject({ limit: 2, remaining: 1 });
});
