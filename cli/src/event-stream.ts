import { setTimeout as sleep } from 'node:timers/promises';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { request } from 'undici';
import { ApiRefusedError, callForPage, NoServerError, noServer, refused } from './api.ts';
import type { Connection } from './connection.ts';

/** One event as the server streams it. */
export interface StreamedEvent {
  readonly id: string;
  readonly type: string;
  /** The body of a delivery to a webhook, byte for byte. */
  readonly body: string;
}

/** Callbacks for the state of the stream. */
export interface FollowHooks {
  /** The stream is open. */
  onOpen(): void;
  /** The stream closed and will be reopened after a pause. @param why a short description */
  onLost(why: string): void;
}

/** The server sends a comment every 15 s: a stream that is silent for longer is lost. */
const silenceMs = 40_000;
const waitsMs = [250, 500, 1000, 2000, 5000];

/** The cursor behind the last event. */
export async function endOfEvents(connection: Connection): Promise<string> {
  const { nextCursor } = await callForPage(connection, '/v1/events?order=oldest&cursor=end');
  return nextCursor ?? 'start';
}

/**
 * Follows the events of an environment and reconnects when the connection closes. It resumes after the last handled event, so
 * that each event is handled once. The next event is read when `handle` has ended.
 *
 * @param from a cursor, or `start`
 * @param signal ends it
 * @throws ApiRefusedError if the server refuses, NoServerError if there is no server at the start
 */
export async function followEvents(
  connection: Connection,
  { from, types }: { readonly from: string; readonly types: string | undefined },
  handle: (event: StreamedEvent) => Promise<void>,
  hooks: FollowHooks,
  signal: AbortSignal,
): Promise<void> {
  let cursor = from;
  let failures = 0;
  let hasBegun = false;
  while (!signal.aborted) {
    try {
      const query = new URLSearchParams({ cursor, ...(types === undefined ? {} : { types }) });
      for await (const message of readStream(connection, `?${query}`, signal)) {
        if (message === 'open') {
          hooks.onOpen();
          [hasBegun, failures] = [true, 0];
        } else if ('closing' in message) {
          if (message.closing === 'key_revoked') throw keyRevoked();
        } else {
          await handle(eventOf(message));
          cursor = message.id ?? cursor;
        }
      }
      // The server ends each stream after a time limit.
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error, hasBegun)) throw error;
      if (error instanceof ApiRefusedError && error.reason === 'cursor_outdated') {
        hooks.onLost('the sandbox was reset');
        cursor = 'start';
        continue;
      }
      hooks.onLost((error as Error).message);
      const waitMs = waitsMs[Math.min(failures, waitsMs.length - 1)] as number;
      failures += 1;
      const asked = error instanceof ApiRefusedError ? error.retryAfterMs : undefined;
      await sleep(asked ?? waitMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

function keyRevoked(): ApiRefusedError {
  const message = 'The server ended the event stream: the API key was revoked.';
  return new ApiRefusedError(401, { message, reason: 'key_revoked' }, 0);
}

/** Errors that a retry would not change. */
function isFinal(error: unknown, hasBegun: boolean): boolean {
  if (error instanceof ApiRefusedError) {
    return error.status < 500 && error.status !== 429 && error.reason !== 'cursor_outdated';
  }
  return !(error instanceof NoServerError && hasBegun);
}

function eventOf({ data, event = '' }: EventSourceMessage): StreamedEvent {
  const { id } = JSON.parse(data) as { id: string };
  return { id, type: event, body: data };
}

/** Why the server ends the stream. */
interface Closing {
  readonly closing: string;
}

async function* readStream(
  { key, url }: Connection,
  query: string,
  signal: AbortSignal,
): AsyncGenerator<EventSourceMessage | Closing | 'open'> {
  const answer = await request(`${url}/v1/events/stream${query}`, {
    headers: { authorization: `Bearer ${key}`, accept: 'text/event-stream' },
    headersTimeout: silenceMs,
    bodyTimeout: silenceMs,
    signal,
  }).catch((error: unknown) => {
    throw noServer(url, error);
  });
  if (answer.statusCode !== 200) {
    const text = await answer.body.text();
    throw refused(url, answer.statusCode, answer.headers['retry-after'], text);
  }
  yield 'open';
  let messages: (EventSourceMessage | Closing)[] = [];
  const parser = createParser({
    onEvent: (message) => messages.push(message),
    onComment(comment) {
      const reason = /^closing (\w+)$/.exec(comment)?.[1];
      if (reason !== undefined) messages.push({ closing: reason });
    },
  });
  const decoder = new TextDecoder();
  for await (const chunk of chunksOf(url, answer.body)) {
    parser.feed(decoder.decode(chunk, { stream: true }));
    const whole = messages;
    messages = [];
    yield* whole;
  }
}

/** The body as it arrives. @throws NoServerError if it is incomplete */
async function* chunksOf(url: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* body;
  } catch (error) {
    throw noServer(url, error);
  }
}
