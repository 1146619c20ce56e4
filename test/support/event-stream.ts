import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';

/** One message of a stream of server-sent events, as far as the server sends it. */
export interface StreamMessage {
  readonly id: string;
  readonly event: string | undefined;
  /** What the message's data says, parsed. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into events of every shape
  readonly data: any;
}

/** A reader of `GET /v1/events/stream`. */
export interface StreamReader {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Every message that had data, so far. */
  readonly events: readonly StreamMessage[];
  /** The id of the last message, with or without data: where to go on. */
  lastId(): string;
  /** All text so far. */
  text(): string;
  /** Waits until so many events have come. @throws Error when they do not in time */
  until(count: number): Promise<readonly StreamMessage[]>;
  /** Resolves when the server has ended the stream. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

const patienceMs = 15_000;

/** Opens a stream of events and reads it until it is closed. */
export async function openStream(
  baseUrl: string,
  key: string,
  query = '',
  headers: Record<string, string> = {},
): Promise<StreamReader> {
  const agent = new Agent({ bodyTimeout: 0 });
  const answer = await request(`${baseUrl}/v1/events/stream${query}`, {
    dispatcher: agent,
    headers: { authorization: `Bearer ${key}`, ...headers },
  });
  const events: StreamMessage[] = [];
  let text = '';
  let read = 0;
  let id = '';
  answer.body.setEncoding('utf8');
  const ended = (async () => {
    for await (const chunk of answer.body) {
      text += chunk;
      for (let end = text.indexOf('\n\n', read); end >= 0; end = text.indexOf('\n\n', read)) {
        const fields = fieldsOf(text.slice(read, end));
        read = end + 2;
        id = fields.get('id') ?? id;
        const data = fields.get('data');
        if (data !== undefined) events.push({ id, event: fields.get('event'), data: JSON.parse(data) });
      }
    }
  })().catch(() => undefined);
  return {
    status: answer.statusCode,
    headers: answer.headers,
    events,
    ended,
    lastId: () => id,
    text: () => text,
    async until(count) {
      const deadline = Date.now() + patienceMs;
      while (events.length < count) {
        if (Date.now() > deadline) throw new Error(`${events.length} of ${count} events came: ${text}`);
        await sleep(10);
      }
      return events;
    },
    async close() {
      await agent.destroy();
      await ended;
    },
  };
}

function fieldsOf(message: string): Map<string, string> {
  return new Map(
    message.split('\n').map((line) => {
      const at = line.indexOf(':');
      return [line.slice(0, at), line.slice(at + 1).trimStart()];
    }),
  );
}
