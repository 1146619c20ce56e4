import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { parseRateLimit, type RateLimitSetting } from '../platform/config.ts';
import { ApiError, rateLimited, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type Authenticator, type Caller, type PresentedKey, presentedKey } from './auth.ts';
import { type Allowance, createRateLimiter, type RateLimiter } from './rate-limit.ts';

/** Lets requests in: checks keys and keeps to the rate limits (contract §1, §3). */
export interface Gate {
  /**
   * At once when the key was checked a moment ago: a promise would take every request through the microtask queue.
   *
   * @throws ApiError 401 or 429, or rejects with it
   */
  admitCaller(request: FastifyRequest, reply: FastifyReply): Caller | Promise<Caller>;
  /** For paths that need no key. @throws ApiError 429 */
  admitAnyone(request: FastifyRequest, reply: FastifyReply): void;
}

/**
 * @param setting the rate limits of organisations that have none of their own; undefined switches all of them off
 */
export function createGate(
  clock: Clock,
  setting: RateLimitSetting | undefined,
  authenticator: Authenticator,
): Gate {
  if (!setting) return openGate(authenticator);
  const writes = createRateLimiter(clock, setting.writesPerSecond);
  const reads = createRateLimiter(clock, setting.readsPerSecond);
  const anyone = createRateLimiter(clock, setting.readsPerSecond);
  const failures = createRateLimiter(clock, limits.unauthenticatedPerSecond);

  return {
    admitCaller(request, reply) {
      const withinLimits = (caller: Caller): Caller => {
        const own = caller.rateLimit === null ? setting : parseRateLimit(caller.rateLimit);
        if (!own) return caller;
        const isRead = request.method === 'GET';
        const limiter = isRead ? reads : writes;
        pass(limiter.take(caller.keyId, isRead ? own.readsPerSecond : own.writesPerSecond), reply);
        return caller;
      };
      const checked = limitedCheck(request, reply, authenticator, failures);
      return checked instanceof Promise ? checked.then(withinLimits) : withinLimits(checked);
    },
    admitAnyone(request, reply) {
      pass(anyone.take(request.ip), reply);
    },
  };
}

function openGate(authenticator: Authenticator): Gate {
  return {
    admitCaller(request) {
      const key = presentedKey(request.headers);
      return authenticator.known(key) ?? authenticator.check(key).then(orRefused);
    },
    admitAnyone: () => undefined,
  };
}

/**
 * Checks a key. Failures are counted by client address; once there are too many, they are answered with 429. A valid key is
 * never refused for the failures of its address, which it may share with others.
 */
function limitedCheck(
  request: FastifyRequest,
  reply: FastifyReply,
  authenticator: Authenticator,
  failures: RateLimiter,
): Caller | Promise<Caller> {
  let key: PresentedKey;
  try {
    key = presentedKey(request.headers);
  } catch (error) {
    pass(failures.take(request.ip), reply);
    throw error;
  }
  const known = authenticator.known(key);
  if (known) return known;
  return authenticator.check(key).then((caller) => {
    if (!caller) pass(failures.take(request.ip), reply);
    return orRefused(caller);
  });
}

function orRefused(caller: Caller | undefined): Caller {
  if (!caller) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
  return caller;
}

function pass(
  { allowed, limit, remaining, resetSeconds, retryAfterSeconds }: Allowance,
  reply: FastifyReply,
): void {
  reply.header('ratelimit-limit', limit);
  reply.header('ratelimit-remaining', remaining);
  reply.header('ratelimit-reset', resetSeconds);
  if (!allowed) throw new ApiError(rateLimited('rate_limited', 'Too many requests', retryAfterSeconds));
}
