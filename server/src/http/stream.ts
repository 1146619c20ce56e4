import type { ServerResponse } from 'node:http';
import { ApiError } from '../platform/errors.ts';
import type { Caller } from './auth.ts';
import { validationFailed } from './validate.ts';

/** What a stream gets to see of the request that asks for it. */
export interface StreamRequest {
  readonly caller: Caller;
  readonly query: Readonly<Record<string, string>>;
  /** Where a client that comes back has got to. */
  readonly lastEventId: string | undefined;
  /** Looks the key up: whom it admits now, undefined when it has been revoked. */
  readmit(): Promise<Caller | undefined>;
  /** Sends the head of the answer. From then on whoever has asked for it writes and ends it. */
  start(): ServerResponse;
}

/** An answer that goes on for as long as its reader stays: server-sent events (WHATWG HTML, "Server-sent events"). */
export interface StreamRoute {
  readonly path: string;
  /** @throws ApiError before `start`, what is answered in the envelope */
  open(request: StreamRequest): Promise<void>;
}

export const eventStreamHeaders = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store',
  // Proxies that buffer would hold events back.
  'x-accel-buffering': 'no',
};

/** The query as texts. @throws ApiError 400 when a parameter is given twice */
export function textsOf(query: unknown): Record<string, string> {
  const entries = Object.entries(query as Record<string, unknown>);
  const faults = entries.flatMap(([name, value]) =>
    typeof value === 'string' ? [] : [{ path: `query.${name}`, message: 'Give it once.' }],
  );
  if (faults.length > 0) throw new ApiError(validationFailed(faults));
  return Object.fromEntries(entries) as Record<string, string>;
}
