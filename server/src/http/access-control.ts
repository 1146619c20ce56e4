import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../platform/clock.ts';
import { ApiError, rateLimited, unauthorized } from '../platform/errors.ts';
import { limits } from '../platform/limits.ts';
import { parseRateLimit, type RateLimitSetting } from '../platform/setting-parsers.ts';
import { type Authenticator, type Caller, type PresentedKey, presentedKey } from './auth.ts';
import { clientOf } from './connections.ts';
import { bodyOf, type EnvironmentBudgets } from './environment-budgets.ts';
import { type Allowance, createRateLimiter, type RateLimiter } from './rate-limit.ts';

/** Authenticates requests and applies the rate limits (contract §1, §3). */
export interface AccessControl {
  /**
   * Authenticates a request by its API key. Synchronous if the key was checked a moment ago, because a promise would take
   * every request through the microtask queue.
   *
   * @throws ApiError 401 or 429, or rejects with it
   */
  authenticate(request: FastifyRequest, reply: FastifyReply): Caller | Promise<Caller>;
  /** Limits requests to paths that need no key, by client address. @throws ApiError 429 */
  rateLimitAnonymous(request: FastifyRequest, reply: FastifyReply): void;
}

/**
 * @param setting the rate limits of organisations without limits of their own; undefined switches all limits off
 */
export function createAccessControl(
  clock: Clock,
  setting: RateLimitSetting | undefined,
  authenticator: Authenticator,
  budgets: EnvironmentBudgets,
): AccessControl {
  if (!setting) return withoutRateLimits(authenticator, budgets);
  const writes = createRateLimiter(clock, setting.writesPerSecond);
  const reads = createRateLimiter(clock, setting.readsPerSecond);
  const anonymous = createRateLimiter(clock, setting.readsPerSecond);
  const failures = createRateLimiter(clock, limits.unauthenticatedPerSecond);

  return {
    authenticate(request, reply) {
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
      const enter = (caller: Caller) => enterBudget(caller, budgets, request, withinLimits);
      const checked = limitedCheck(request, reply, authenticator, failures);
      return checked instanceof Promise ? checked.then(enter) : enter(checked);
    },
    rateLimitAnonymous(request, reply) {
      requireAllowance(anonymous.take(clientOf(request)), reply);
    },
  };
}

function withoutRateLimits(authenticator: Authenticator, budgets: EnvironmentBudgets): AccessControl {
  return {
    authenticate(request) {
      const key = presentedKey(request.headers);
      const enter = (caller: Caller) => enterBudget(caller, budgets, request, () => undefined);
      const known = authenticator.known(key);
      return known ? enter(known) : authenticator.check(key).then(requireCaller).then(enter);
    },
    rateLimitAnonymous: () => undefined,
  };
}

/**
 * Enters a request into its environment's budget. A request with a small body acquires its slot once the body has been
 * read; all others acquire it here, refused ones too, so that a client that only gets 429 has no larger share than others.
 *
 * @param check throws the refusal of a request that exceeds the limits of its key
 */
function enterBudget(
  caller: Caller,
  budgets: EnvironmentBudgets,
  request: FastifyRequest,
  check: (caller: Caller) => void,
): Caller | Promise<Caller> {
  const { kind } = caller.environment;
  const budget = budgets.enter(kind, request.raw, request.state.bodyLimitBytes);
  request.state.budget = budget;
  let refusal: { error: unknown } | undefined;
  try {
    check(caller);
  } catch (error) {
    refusal = { error };
  }
  const body = refusal ? 'none' : bodyOf(request.raw);
  if (body === 'small') return caller;
  const proceed = (): Caller => {
    if (refusal) throw refusal.error;
    return caller;
  };
  const acquired = budget.acquireSlot(body === 'large' ? limits.testSlotBodyMs : undefined);
  return acquired ? acquired.then(proceed) : proceed();
}

/**
 * Checks a key. Failures are counted by client address and answered with 429 above a limit. A valid key is never refused
 * for failures of its address, which it may share with others.
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
    requireAllowance(failures.take(clientOf(request)), reply);
    throw error;
  }
  const known = authenticator.known(key);
  if (known) return known;
  return authenticator.check(key).then((caller) => {
    if (!caller) requireAllowance(failures.take(clientOf(request)), reply);
    return requireCaller(caller);
  });
}

function requireCaller(caller: Caller | undefined): Caller {
  if (!caller) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
  return caller;
}

/**
 * Sets the `RateLimit-*` headers.
 *
 * @throws ApiError 429 if the request is not allowed
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
