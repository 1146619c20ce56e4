import { ApiError, internalError, invalidRequest, type Refusal } from '../platform/errors.ts';

/**
 * The refusal for a thrown error. Errors that are not refusals become a 500 that reveals nothing internal.
 */
export function toRefusal(error: unknown): Refusal {
  if (error instanceof ApiError) return error.refusal;
  const { code, statusCode } = error as { code?: string; statusCode?: number };
  // Fastify's refusals of malformed requests.
  if (typeof code === 'string' && code.startsWith('FST_') && statusCode !== undefined && statusCode < 500) {
    return invalidRequest('malformed_request', 'The request is malformed.');
  }
  return internalError();
}
