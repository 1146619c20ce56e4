import { isAscii } from 'node:buffer';
import type { Dispatcher } from 'undici';
import { limits } from '../platform/limits.ts';
import { explainFault, timedOut } from './faults.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** One POST to a receiver. */
export interface Delivery {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** For the whole exchange: connecting, sending, and the answer with its body. */
  readonly timeoutMs: number;
}

/** How it went. */
export interface SendResult {
  readonly httpStatus: number | null;
  /** Whether the receiver answered 2xx. */
  readonly success: boolean;
  readonly durationMs: number;
  /** Why it failed, fit to be shown. */
  readonly error: string | null;
  /** The first 1 KiB of the answer. */
  readonly responseBody: string | null;
  readonly retryAfterSeconds: number | null;
  /** Whether the receiver answered 410: it wants no more deliveries. */
  readonly gone: boolean;
}

/** Posts to receivers. Never throws: what goes wrong is in the result. */
export interface Sender {
  send(delivery: Delivery): Promise<SendResult>;
}

/** Makes a sender. Redirects are not followed (contract §4, Webhooks). */
export function createSender(agent: Dispatcher): Sender {
  return { send: (delivery) => new Promise((resolve) => exchange(agent, delivery, resolve)) };
}

/** What has come of an answer so far. */
interface Answer {
  readonly statusCode: number;
  readonly retryAfter: string | string[] | undefined;
  readonly chunks: Buffer[];
  bytes: number;
}

/**
 * One exchange, to its one end. The time runs from here, so that it also bounds what undici does before it has a
 * connection. The answer is taken from undici's own callbacks: nothing of it is ever left unread, whenever the time
 * runs out.
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
  /** Ends the exchange and hangs up. */
  const give = (error: Error): void => {
    end(error);
    controller?.abort(error);
  };
  const timer = setTimeout(() => give(timedOut), delivery.timeoutMs);
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(started) {
      controller = started;
      // It was given up while it waited for its connection: it is not sent late.
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
      if (answer.bytes > limits.deliveryReadBytes) give(new Error('The answer is longer than what is read'));
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
    // The exchange has a time of its own.
    headersTimeout: 0,
    bodyTimeout: 0,
  };
}

/** The status has been received: a body that breaks off or never ends changes nothing about it. */
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

/** As much of the bytes as makes 1 KiB of text that the database can hold; a character cut off at the end is left out. */
function toText(bytes: Buffer): string {
  // Nearly every answer: what follows would give the same, and takes longer than all else here.
  if (bytes.length <= limits.deliveryResponseBytes && isAscii(bytes) && !bytes.includes(0)) {
    return bytes.toString('latin1');
  }
  const decode = (part: Buffer): string =>
    new TextDecoder().decode(part.subarray(0, limits.deliveryResponseBytes), { stream: true });
  // Cut twice: a replacement character is longer than the byte it stands for.
  return decode(Buffer.from(decode(bytes).replaceAll('\0', '')));
}
