/** The error codes of the API (contract §1). The server sends no other code. */
export const errorStatus = {
  UNAUTHORIZED: 401,
  INVALID_REQUEST: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** One fault of a request. `path` is a JSON pointer into the body, or `query.…` or `header.…`. */
export interface FaultDetail {
  readonly path: string;
  readonly message: string;
}

/** A refusal as the client sees it: the code, a stable `reason`, and a message that states the rule. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly message: string;
  readonly details?: readonly FaultDetail[];
  readonly retryAfterSeconds?: number;
}

/**
 * An error that is answered with a refusal. `internal` and `cause` are logged and never sent.
 */
export class ApiError extends Error {
  readonly refusal: Refusal;
  readonly internal: string | undefined;

  constructor(refusal: Refusal, options: { internal?: string; cause?: unknown } = {}) {
    super(refusal.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'ApiError';
    this.refusal = refusal;
    this.internal = options.internal;
  }
}

/** 400: the request is invalid. `details` has every fault. */
export function invalidRequest(reason: string, message: string, details?: readonly FaultDetail[]): Refusal {
  return refusal('INVALID_REQUEST', reason, message, details);
}

/** 404: the same for an object that does not exist, belongs to another organisation, or is in another environment. */
export function notFound(what: string): Refusal {
  return refusal('NOT_FOUND', `${what.replaceAll(' ', '_')}_not_found`, `No such ${what}.`);
}

/** 409: the request is valid, but the current state does not allow it. */
export function conflict(reason: string, message: string, details?: readonly FaultDetail[]): Refusal {
  return refusal('CONFLICT', reason, message, details);
}

/** 401: no key, or an invalid one. */
export function unauthorized(reason: string, message: string): Refusal {
  return refusal('UNAUTHORIZED', reason, message);
}

/** 429: too many requests; `retryAfterSeconds` is the time to wait. */
export function rateLimited(reason: string, message: string, retryAfterSeconds: number): Refusal {
  return { code: 'RATE_LIMITED', reason, message, retryAfterSeconds };
}

/** 500: an internal error. The message tells nothing of its cause. */
export function internalError(): Refusal {
  return refusal('INTERNAL_ERROR', 'internal_error', 'An unexpected error occurred.');
}

function refusal(
  code: ErrorCode,
  reason: string,
  message: string,
  details?: readonly FaultDetail[],
): Refusal {
  return details && details.length > 0 ? { code, reason, message, details } : { code, reason, message };
}

/**
 * Checks an invariant. The message is internal: clients get a 500.
 *
 * @throws Error if `condition` is falsy
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
