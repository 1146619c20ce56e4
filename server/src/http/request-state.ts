import type { FastifyRequest } from 'fastify';
import type { Caller } from './auth.ts';
import type { Place } from './environment-budgets.ts';

/** What the frame learns about a request on its way. */
export interface RequestState {
  readonly requestId: string;
  readonly startedMs: number;
  caller: Caller | undefined;
  idempotencyKey: string | undefined;
  /**
   * SHA-256 of the body: of its canonical form when it is JSON, of its bytes when it is not, of its headers when it is
   * refused unread; undefined until then.
   */
  bodyHash: Buffer | undefined;
  /** The most that its body may have. */
  bodyLimitBytes: number;
  /** What it takes of its environment's budget, once its key is known. */
  place: Place | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    state: RequestState;
  }
}

/** The method and the route of a request, e.g. `POST /v1/transfers`: what an idempotency key is tied to. */
export function routeName(request: FastifyRequest): string {
  return `${request.method} ${request.url.split('?', 1)[0]}`;
}
