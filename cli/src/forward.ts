import { signatureHeaders } from '@openledger/server/webhooks/signature.ts';
import { type Dispatcher, request } from 'undici';
import { faultOf } from './api.ts';
import type { StreamedEvent } from './event-stream.ts';

/** The result of forwarding an event. */
export interface Forwarded {
  /** The receiver's status, or the error. */
  readonly answer: string;
  readonly success: boolean;
  readonly durationMs: number;
}

/** The timeout of the server's deliveries. */
const timeoutMs = 15_000;
const answerBytes = 64 * 1024;

/** Posts an event as the server would: the same body, headers and signatures. Never throws. */
export async function forwardEvent(
  dispatcher: Dispatcher,
  url: string,
  secret: string,
  event: StreamedEvent,
  signal: AbortSignal,
): Promise<Forwarded> {
  const startedMs = performance.now();
  const ended = (answer: string, success: boolean): Forwarded => ({
    answer,
    success,
    durationMs: Math.round(performance.now() - startedMs),
  });
  try {
    const { body, statusCode } = await request(url, {
      dispatcher,
      method: 'POST',
      body: event.body,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'OpenLedger-Webhooks/1.0',
        ...signatureHeaders({
          eventId: event.id,
          eventType: event.type,
          rawBody: event.body,
          secrets: [secret],
          timestampSeconds: Math.floor(Date.now() / 1000),
        }),
      },
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
    });
    await body.dump({ limit: answerBytes }).catch(() => undefined);
    return ended(String(statusCode), statusCode >= 200 && statusCode < 300);
  } catch (error) {
    const isLate = (error as Error).name === 'TimeoutError';
    return ended(isLate ? `no answer in ${timeoutMs / 1000} s` : faultOf(error), false);
  }
}
