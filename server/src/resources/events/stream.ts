import type { ServerResponse } from 'node:http';
import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Queryable } from '../../store/pool.ts';
import { encodePositions, type PlacedEvent, type Positions } from './positions.ts';
import { type EventFilter, readEventsAfter } from './queries.ts';
import { eventJson, prepareEvents } from './schema.ts';

/** Why the server ends a stream. The last comment of the stream names it: `: closing key_revoked`. */
export type EndReason = 'key_revoked' | 'environment_reset' | 'server_stopping' | 'time_limit';

/** A running stream. */
export interface EventStream {
  /** Announces that there may be new events. */
  wake(): void;
  /** Ends it. Resolves once it reads nothing more. */
  end(reason: EndReason): Promise<void>;
  /** Resolves when it has ended. Rejects with the error of a failed read. */
  readonly ended: Promise<void>;
}

/** The source of a stream. */
export interface StreamSource {
  readonly db: Queryable;
  readonly vault: Vault;
  readonly environmentId: string;
  /** Runs work within the budget of the environment's kind. */
  runInBudget<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** Text that is sent to a client, with backpressure. */
function createOutput(response: ServerResponse) {
  let isClosed = false;
  let resume = (): void => undefined;
  response.on('drain', () => resume());
  return {
    isClosed: (): boolean => isClosed,
    /** Resolves once more may be written, or the output is closed. Writes nothing to a closed one. */
    async write(text: string): Promise<void> {
      if (isClosed || response.write(text)) return;
      await new Promise<void>((resolve) => {
        resume = resolve;
      });
    },
    close(): void {
      isClosed = true;
      resume();
    },
  };
}

/** Tells a stream that there may be new events. */
function createNews() {
  let isPending = true;
  let wakeUp = (): void => undefined;
  return {
    isPending: (): boolean => isPending,
    clear(): void {
      isPending = false;
    },
    announce(): void {
      isPending = true;
      wakeUp();
    },
    /** Ends a wait without announcing anything. */
    interrupt: (): void => wakeUp(),
    /** Resolves immediately if news is pending, else when it is announced, at an interrupt, or after `mostMs`. */
    wait: (mostMs: number): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, mostMs);
        wakeUp = () => {
          clearTimeout(timer);
          resolve();
        };
        if (isPending) wakeUp();
      }),
  };
}

/**
 * Streams an environment's events from a position on as server-sent events. The id of each event is the cursor behind it,
 * from which a reader resumes. At most one page of events is held for a slow reader.
 */
export function startStream(
  source: StreamSource,
  types: readonly string[] | undefined,
  from: Positions,
  response: ServerResponse,
): EventStream {
  const output = createOutput(response);
  const news = createNews();
  let positions = from;
  let reason: EndReason | undefined;

  const finish = (): void => {
    output.close();
    news.interrupt();
  };
  const close = (why: EndReason): void => {
    reason ??= why;
    finish();
  };
  // Of the connection: a response that is gone before it has started emits no `close`.
  const { socket } = response.req;
  socket.once('close', finish);
  if (socket.destroyed) finish();
  const lifetime = setTimeout(() => close('time_limit'), limits.eventStreamMs);
  const idLine = (): string => `id: ${encodePositions(source.environmentId, positions)}\n`;

  const sendNews = async (): Promise<void> => {
    for (let hasMoved = true; hasMoved && !output.isClosed(); ) {
      const { texts, upTo } = await source.runInBudget(() => readPage(source, types, positions));
      hasMoved = !samePositions(positions, upTo);
      for (const text of texts) await output.write(text);
      positions = upTo;
    }
  };

  const run = async (): Promise<void> => {
    try {
      await output.write(`retry: ${limits.eventStreamRetryMs}\n${idLine()}\n`);
      while (!output.isClosed()) {
        news.clear();
        await sendNews();
        if (output.isClosed()) break;
        await news.wait(limits.eventStreamHeartbeatMs);
        // An id without data moves the reader's cursor past events that the filter excludes.
        if (!news.isPending()) await output.write(`: still here\n${idLine()}\n`);
      }
    } finally {
      clearTimeout(lifetime);
      socket.off('close', finish);
      output.close();
      // A client that does not read must not delay the end.
      if (response.writableNeedDrain) response.destroy();
      else response.end(reason === undefined ? undefined : `: closing ${reason}\n\n`);
    }
  };

  const ended = run();
  return {
    wake: news.announce,
    ended,
    end(why) {
      close(why);
      return ended;
    },
  };
}

/** Reads the next page of events, as the texts of the stream and the positions behind it. */
async function readPage(
  { db, environmentId, vault }: StreamSource,
  types: readonly string[] | undefined,
  from: Positions,
): Promise<{ readonly texts: readonly string[]; readonly upTo: Positions }> {
  const filter: EventFilter = {
    types,
    customerId: undefined,
    objectId: undefined,
    createdAfter: undefined,
    createdBefore: undefined,
  };
  const page = await readEventsAfter(db, environmentId, filter, from, limits.eventStreamPage);
  await prepareEvents(
    page.events.map(({ row }) => row),
    vault,
  );
  return { texts: page.events.map((event) => eventText(event, environmentId, vault)), upTo: page.positions };
}

function eventText({ positions, row }: PlacedEvent, environmentId: string, vault: Vault): string {
  return `id: ${encodePositions(environmentId, positions)}\nevent: ${row.type}\ndata: ${eventJson(row, vault)}\n\n`;
}

function samePositions(a: Positions, b: Positions): boolean {
  return a.size === b.size && [...a].every(([lane, seq]) => b.get(lane) === seq);
}
