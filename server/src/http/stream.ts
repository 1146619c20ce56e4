import type { ServerResponse } from 'node:http';
import { ApiError } from '../platform/errors.ts';
import type { Caller } from './auth.ts';
import { validationFailed } from './validate.ts';

/** A request for a stream. */
export interface StreamRequest {
  readonly caller: Caller;
  readonly query: Readonly<Record<string, string>>;
  /** The id of the last event that a reconnecting client received. */
  readonly lastEventId: string | undefined;
  /** Verifies the key without the cache; undefined if it was revoked. */
  readmit(): Promise<Caller | undefined>;
  /** Sends the headers of the response, which the caller then writes and ends. */
  start(): ServerResponse;
}

/** A route that streams server-sent events (WHATWG HTML, "Server-sent events"). */
export interface StreamRoute {
  readonly path: string;
  /** @throws ApiError before `start`, which is answered in the envelope */
  open(request: StreamRequest): Promise<void>;
}

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies must not buffer events.
  'x-accel-buffering': 'no',
};

/** The query parameters. @throws ApiError 400 if one is given twice */
export function textsOf(query: unknown): Record<string, string> {
  const entries = Object.entries(query as Record<string, unknown>);
  const faults = entries.flatMap(([name, value]) =>
    typeof value === 'string'
      ? []
      : [{ path: `query.${name}`, message: 'This parameter must be given once.' }],
  );
  if (faults.length > 0) throw new ApiError(validationFailed(faults));
  return Object.fromEntries(entries) as Record<string, string>;
}
