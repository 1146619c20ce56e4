import { type Dispatcher, errors, request } from 'undici';
import { limits } from '../platform/limits.ts';
import { ForbiddenTargetError } from './connector.ts';

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
  return {
    async send(delivery) {
      const { timeoutMs } = delivery;
      const startedMs = performance.now();
      const signal = AbortSignal.timeout(timeoutMs);
      const elapsedMs = (): number => Math.round(performance.now() - startedMs);
      try {
        // undici hears the signal only once the request has a connection, not while it resolves the name or waits for
        // one to be free. What is given up here is not sent later: undici drops it when its turn comes.
        const answer = await Promise.race([post(agent, delivery, signal), aborted(signal)]);
        const responseBody = await readStart(answer.body);
        const { statusCode } = answer;
        const success = statusCode >= 200 && statusCode < 300;
        return {
          httpStatus: statusCode,
          success,
          durationMs: elapsedMs(),
          error: success ? null : statusFault(statusCode),
          responseBody,
          retryAfterSeconds: retryAfter(answer.headers['retry-after']),
          gone: statusCode === 410,
        };
      } catch (error) {
        return {
          httpStatus: null,
          success: false,
          durationMs: elapsedMs(),
          error: explain(error, signal, timeoutMs),
          responseBody: null,
          retryAfterSeconds: null,
          gone: false,
        };
      }
    },
  };
}

function post(
  agent: Dispatcher,
  { body, headers, timeoutMs, url }: Delivery,
  signal: AbortSignal,
): Promise<Dispatcher.ResponseData> {
  return request(url, {
    method: 'POST',
    dispatcher: agent,
    headers: { 'content-type': 'application/json', 'user-agent': 'OpenLedger-Webhooks/1.0', ...headers },
    body,
    signal,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
}

/** Rejects when the signal fires. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

function statusFault(statusCode: number): string {
  if (statusCode >= 300 && statusCode < 400)
    return `The receiver answered ${statusCode}; redirects are not followed.`;
  return `The receiver answered ${statusCode}.`;
}

/**
 * Reads the first bytes of a body as text and leaves the rest unread. The status has been received: a body that breaks
 * off or never ends changes nothing about it.
 */
async function readStart(body: Dispatcher.ResponseData['body']): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk as Buffer);
      length += (chunk as Buffer).length;
      // Leaving the loop destroys the stream.
      if (length >= limits.deliveryResponseBytes) break;
    }
  } catch {
    body.destroy();
  }
  return toText(Buffer.concat(chunks));
}

/** As much of the bytes as makes 1 KiB of text that the database can hold; a character cut off at the end is left out. */
function toText(bytes: Buffer): string {
  const decode = (part: Buffer): string =>
    new TextDecoder().decode(part.subarray(0, limits.deliveryResponseBytes), { stream: true });
  // Cut twice: a replacement character is longer than the byte it stands for.
  return decode(Buffer.from(decode(bytes).replaceAll('\0', '')));
}

/** `Retry-After` as whole seconds from now (RFC 9110 §10.2.3: seconds or a date). */
function retryAfter(header: string | string[] | undefined): number | null {
  const text = Array.isArray(header) ? header[0] : header;
  if (text === undefined) return null;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const dateMs = Date.parse(text);
  return Number.isNaN(dateMs) ? null : Math.max(0, Math.ceil((dateMs - Date.now()) / 1000));
}

function explain(error: unknown, signal: AbortSignal, timeoutMs: number): string {
  if (error instanceof ForbiddenTargetError) return 'The target leads to an address that is not public.';
  if (
    signal.aborted ||
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError
  ) {
    return `The receiver did not answer within ${timeoutMs / 1000} s.`;
  }
  if (error instanceof errors.HTTPParserError) return "The receiver's answer is not valid HTTP.";
  const code = (error as { code?: string }).code ?? '';
  if (code === 'EPROTO' || code.startsWith('ERR_SSL_')) return 'No TLS connection could be made.';
  return faults[code] ?? 'The connection broke off before the answer was complete.';
}

const faults: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'The receiver refused the connection.',
  EHOSTUNREACH: 'The receiver could not be reached.',
  ENETUNREACH: 'The receiver could not be reached.',
  EADDRNOTAVAIL: 'The receiver could not be reached.',
  ETIMEDOUT: 'The receiver could not be reached in time.',
  UND_ERR_HEADERS_OVERFLOW: "The headers of the receiver's answer are too long.",
  ENOTFOUND: "The receiver's name cannot be resolved.",
  EAI_AGAIN: "The receiver's name cannot be resolved at the moment.",
  UND_ERR_CONNECT_TIMEOUT: 'The receiver could not be reached in time.',
  DEPTH_ZERO_SELF_SIGNED_CERT: "The receiver's certificate is not trusted.",
  SELF_SIGNED_CERT_IN_CHAIN: "The receiver's certificate is not trusted.",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "The receiver's certificate is not trusted.",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "The receiver's certificate is not trusted.",
  UNABLE_TO_GET_ISSUER_CERT: "The receiver's certificate is not trusted.",
  CERT_NOT_YET_VALID: "The receiver's certificate is not valid yet.",
  CERT_HAS_EXPIRED: "The receiver's certificate has expired.",
  ERR_TLS_CERT_ALTNAME_INVALID: "The receiver's certificate is for another name.",
};
