import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { parseRateLimit, type RateLimitSetting } from '../platform/config.ts';
import { ApiError, rateLimited, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { type Authenticator, type Caller, type PresentedKey, presentedKey } from './auth.ts';
import { bodyOf, type EnvironmentBudgets } from './environment-budgets.ts';
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
  budgets: EnvironmentBudgets,
): Gate {
  if (!setting) return openGate(authenticator, budgets);
  const writes = createRateLimiter(clock, setting.writesPerSecond);
  const reads = createRateLimiter(clock, setting.readsPerSecond);
  const anyone = createRateLimiter(clock, setting.readsPerSecond);
  const failures = createRateLimiter(clock, limits.unauthenticatedPerSecond);

  return {
    admitCaller(request, reply) {
      const withinLimits = (caller: Caller): void => {
        const own = caller.rateLimit === null ? setting : parseRateLimit(caller.rateLimit);
        if (!own) return;
        const isRead = request.method === 'GET';
        const limiter = isRead ? reads : writes;
        requireAllowance(
          limiter.take(caller.keyId, isRead ? own.readsPerSecond : own.writesPerSecond),
          reply,
        );
      };
      const enter = (caller: Caller) => enterBudget(caller, budgets, request, reply, withinLimits);
      const checked = limitedCheck(request, reply, authenticator, failures);
      return checked instanceof Promise ? checked.then(enter) : enter(checked);
    },
    admitAnyone(request, reply) {
      requireAllowance(anyone.take(request.ip), reply);
    },
  };
}

function openGate(authenticator: Authenticator, budgets: EnvironmentBudgets): Gate {
  return {
    admitCaller(request, reply) {
      const key = presentedKey(request.headers);
      const enter = (caller: Caller) => enterBudget(caller, budgets, request, reply, () => undefined);
      const known = authenticator.known(key);
      return known ? enter(known) : authenticator.check(key).then(orRefused).then(enter);
    },
    admitAnyone: () => undefined,
  };
}

/**
 * Enters a request into its environment's budget. One with a small body takes its turn when the body is there; all others
 * take it here, refusals too: a client that only ever hears 429 must not get more of the server than others.
 *
 * @param check throws the refusal of a request that is too much for its key
 */
function enterBudget(
  caller: Caller,
  budgets: EnvironmentBudgets,
  request: FastifyRequest,
  reply: FastifyReply,
  check: (caller: Caller) => void,
): Caller | Promise<Caller> {
  const place = budgets.enter(caller.environment.kind, request.raw, reply.raw);
  request.state.place = place;
  let refusal: { error: unknown } | undefined;
  try {
    check(caller);
  } catch (error) {
    refusal = { error };
  }
  const body = refusal ? 'none' : bodyOf(request.raw);
  if (body === 'small') return caller;
  const admit = (): Caller => {
    if (refusal) throw refusal.error;
    return caller;
  };
  const turn = place.takeTurn(body === 'large' ? limits.testTurnBodyMs : undefined);
  return turn ? turn.then(admit) : admit();
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
    requireAllowance(failures.take(request.ip), reply);
    throw error;
  }
  const known = authenticator.known(key);
  if (known) return known;
  return authenticator.check(key).then((caller) => {
    if (!caller) requireAllowance(failures.take(request.ip), reply);
    return orRefused(caller);
  });
}

function orRefused(caller: Caller | undefined): Caller {
  if (!caller) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
  return caller;
}

/**
 * Tells the client how many requests it has left.
 *
 * @throws ApiError 429 when there is none
 */
export function requireAllowance(
  { allowed, limit, remaining, resetSeconds, retryAfterSeconds }: Allowance,
  reply: FastifyReply,
): void {
  reply.header('ratelimit-limit', limit);
  reply.header('ratelimit-remaining', remaining);
  reply.header('ratelimit-reset', resetSeconds);
  if (!allowed) throw new ApiError(rateLimited('rate_limited', 'Too many requests', retryAfterSeconds));
}
