import { isAscii } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { limits } from '../platform/limits.ts';
import { explainFault, timedOut } from './faults.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** One POST request to a receiver. */
export interface Delivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole exchange: connecting, sending, and receiving the response with its body. */
  readonly timeoutMs: number;
}

/** The result of an exchange. */
export interface SendResult {
  readonly httpStatus: number | null;
  /** Whether the receiver answered 2xx. */
  readonly success: boolean;
  readonly durationMs: number;
  /** Why it failed, as shown to the client. */
  readonly error: string | null;
  /** The first 1 KiB of the response. */
  readonly responseBody: string | null;
  readonly retryAfterSeconds: number | null;
  /** Whether the receiver answered 410: it wants no more deliveries. */
  readonly gone: boolean;
}

/** Posts to receivers. Never throws: errors are in the result. */
export interface Sender {
  send(delivery: Delivery): Promise<SendResult>;
}

/** Creates a sender. It does not follow redirects (contract §4, Webhooks). */
export function createSender(agent: Dispatcher): Sender {
  return { send: (delivery) => new Promise((resolve) => exchange(agent, delivery, resolve)) };
}

/** The part of a response that has arrived. */
interface Answer {
  readonly statusCode: number;
  readonly retryAfter: string | string[] | undefined;
  readonly chunks: Buffer[];
  bytes: number;
}

/**
 * Runs one exchange and settles once. The timeout starts here, so that it includes the time until undici has a connection.
 * The response is read in undici's callbacks, so that none of it stays unread at a timeout.
 */
function exchange(agent: Dispatcher, delivery: Delivery, settle: (result: SendResult) => void): void {
  const startedMs = performance.now();
  let controller: Dispatcher.DispatchController | undefined;
  let answer: Answer | undefined;
  let hasEnded = false;
  const end = (error?: unknown): void => {
    if (hasEnded) return;
    hasEnded = true;
    clearTimeout(timer);
    const durationMs = Math.round(performance.now() - startedMs);
    settle(answer ? answered(answer, durationMs) : failed(error, durationMs, delivery.timeoutMs));
  };
  /** Ends the exchange and closes the connection. */
  const abort = (error: Error): void => {
    end(error);
    controller?.abort(error);
  };
  const timer = setTimeout(() => abort(timedOut), delivery.timeoutMs);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      // It timed out while it waited for a connection: it must not be sent late.
      if (hasEnded) started.abort(timedOut);
    },
    onResponseStart(_controller, statusCode, headers) {
      if (statusCode < 200) return;
      answer = { statusCode, retryAfter: headers['retry-after'], chunks: [], bytes: 0 };
    },
    onResponseData(_controller, chunk) {
      if (!answer) return;
      if (answer.bytes < limits.deliveryResponseBytes) answer.chunks.push(Buffer.from(chunk));
      answer.bytes += chunk.length;
      if (answer.bytes > limits.deliveryReadBytes) abort(new Error('The response exceeds the limit'));
    },
    onResponseEnd: () => end(),
    onResponseError: (_controller, error) => end(error),
  };
  try {
    agent.dispatch(requestOf(delivery), handler);
  } catch (error) {
    end(error);
  }
}

function requestOf({ body, headers, url }: Delivery): Dispatcher.DispatchOptions {
  const { origin, pathname, search } = new URL(url);
  return {
    origin,
    path: pathname + search,
    method: 'POST',
    headers: { 'content-type': 'application/json', 'user-agent': 'OpenLedger-Webhooks/1.0', ...headers },
    body,
    // The exchange has its own timeout.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

/** The status was received: an incomplete body does not change the result. */
function answered({ chunks, retryAfter, statusCode }: Answer, durationMs: number): SendResult {
  const success = statusCode >= 200 && statusCode < 300;
  return {
    httpStatus: statusCode,
    success,
    durationMs,
    error: success ? null : statusFault(statusCode),
    responseBody: toText(Buffer.concat(chunks)),
    retryAfterSeconds: retryAfterSeconds(retryAfter, Date.now()),
    gone: statusCode === 410,
  };
}

function failed(error: unknown, durationMs: number, timeoutMs: number): SendResult {
  return {
    httpStatus: null,
    success: false,
    durationMs,
    error: explainFault(error, timeoutMs),
    responseBody: null,
    retryAfterSeconds: null,
    gone: false,
  };
}

function statusFault(statusCode: number): string {
  if (statusCode >= 300 && statusCode < 400)
    return `The receiver answered ${statusCode}; redirects are not followed.`;
  return `The receiver answered ${statusCode}.`;
}

/** At most 1 KiB of text that the database can store, without an incomplete character at the end. */
function toText(bytes: Buffer): string {
  // The fast path for nearly every response; the code below gives the same result.
  if (bytes.length <= limits.deliveryResponseBytes && isAscii(bytes) && !bytes.includes(0)) {
    return bytes.toString('latin1');
  }
  const decode = (part: Buffer): string =>
    new TextDecoder().decode(part.subarray(0, limits.deliveryResponseBytes), { stream: true });
  // Cut twice, because a replacement character is longer than the byte it replaces.
  return decode(Buffer.from(decode(bytes).replaceAll('\0', '')));
}
