/** The closed set of error codes of the API (contract §1). No other code ever leaves the server. */
export const errorStatus = {
  UNAUTHORIZED: 401,
  INVALID_REQUEST: 400,
  NOT_FOUND: 404,
  CONFLICT: 409,
  RATE_LIMITED: 429,
  INTERNAL_ERROR: 500,
} as const;

export type ErrorCode = keyof typeof errorStatus;

/** One fault of a request: where (a JSON pointer into the body, or `query.limit`, `header.…`) and what. */
export interface FaultDetail {
  readonly path: string;
  readonly message: string;
}

/** A refusal as the client sees it: the code, a stable `reason`, and a text that says what to do. */
export interface Refusal {
  readonly code: ErrorCode;
  readonly reason: string;
  readonly message: string;
  readonly details?: readonly FaultDetail[];
  readonly retryAfterSeconds?: number;
}

/**
 * An error with a public face. `message` is shown to the client; `internal` and `cause` only ever reach the log.
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

/** 400: the request is wrong. `details` names every field at fault. */
export function invalidRequest(reason: string, message: string, details?: readonly FaultDetail[]): Refusal {
  return refusal('INVALID_REQUEST', reason, message, details);
}

/** 404: the same answer for what never was, what belongs to somebody else, and what is in the other environment. */
export function notFound(what: string): Refusal {
  return refusal('NOT_FOUND', `${what.replaceAll(' ', '_')}_not_found`, `No such ${what}.`);
}

/** 409: the request is right, but the state of things forbids it. */
export function conflict(reason: string, message: string, details?: readonly FaultDetail[]): Refusal {
  return refusal('CONFLICT', reason, message, details);
}

/** 401: no key, or none that is valid. */
export function unauthorized(reason: string, message: string): Refusal {
  return refusal('UNAUTHORIZED', reason, message);
}

/** 429: too much at once; `retryAfterSeconds` says when to come again. */
export function rateLimited(reason: string, message: string, retryAfterSeconds: number): Refusal {
  return { code: 'RATE_LIMITED', reason, message, retryAfterSeconds };
}

/** 500: our fault. The public text never says more than the request id. */
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
 * Fails loudly when something that must hold does not. The text is internal: clients see a plain 500.
 *
 * @throws Error when `condition` is false
 */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}
