import type { FastifyRequest } from 'fastify';
import type { Caller } from './auth.ts';
import type { RequestBudget } from './environment-budgets.ts';

/** What the hooks record about a request. */
export interface RequestState {
  readonly requestId: string;
  readonly startedMs: number;
  caller: Caller | undefined;
  idempotencyKey: string | undefined;
  /**
   * SHA-256 of the body: of its canonical form if it is JSON, of its bytes if it is not, of its headers if it is refused
   * before it is read. Undefined before that.
   */
  bodyHash: Buffer | undefined;
  /** The largest body that its route allows. */
  bodyLimitBytes: number;
  /** The part of its environment's budget that it holds, once its key is known. */
  budget: RequestBudget | undefined;
}

declare module 'fastify' {
  interface FastifyRequest {
    state: RequestState;
  }
}

/** The method and the path of a request, e.g. `POST /v1/transfers`. An idempotency key is bound to them. */
export function routeName(request: FastifyRequest): string {
  return `${request.method} ${request.url.split('?', 1)[0]}`;
}
