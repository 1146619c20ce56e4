import { ApiError, internalError, invalidRequest, type Refusal } from '../platform/errors.ts';

/**
 * Turns whatever was thrown into a refusal that may be shown: the closed set of codes and nothing internal.
 */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof ApiError) return error.refusal;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  // The HTTP library's own refusals of malformed requests.
  if (typeof code === 'string' && code.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
    return invalidRequest('malformed_request', 'The request is malformed.');
  }
  return internalError();
}
