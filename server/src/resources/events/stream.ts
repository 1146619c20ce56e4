import type { ServerResponse } from 'node:http';
import { limits } from '../../platform/limits.ts';
import type { Vault } from '../../platform/seal.ts';
import type { Queryable } from '../../store/pool.ts';
import { encodePositions, type PlacedEvent, type Positions } from './positions.ts';
import { type EventFilter, readEventsAfter } from './queries.ts';
import { eventJson, prepareEvents } from './schema.ts';

/** Why the server ends a stream; the last comment of the stream tells it: `: closing key_revoked`. */
export type EndReason = 'key_revoked' | 'environment_reset' | 'server_stopping' | 'time_limit';

/** A stream that has begun. */
export interface EventStream {
  /** There is something new to read. */
  wake(): void;
  /** Ends it; resolves when nothing is read any more. */
  end(reason: EndReason): Promise<void>;
  /** Resolves when it has ended, whoever ended it. @throws what went wrong with reading */
  readonly ended: Promise<void>;
}

/** What is streamed. */
export interface StreamSource {
  readonly db: Queryable;
  readonly vault: Vault;
  readonly environmentId: string;
  /** Runs work as part of what its kind of environment may use of the server. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result>;
}

/**
 * Writes an environment's events from a position on as server-sent events. Each has the cursor behind it as its id, so
 * that a reader who comes back goes on there. The reader's pace is ours: one page at most lies between the two.
 */
export function startStream(
  source: StreamSource,
  types: readonly string[] | undefined,
  from: Positions,
  response: ServerResponse,
): EventStream {
  const { db, environmentId, vault } = source;
  const filter: EventFilter = {
    types,
    customerId: undefined,
    objectId: undefined,
    createdAfter: undefined,
    createdBefore: undefined,
  };
  let positions = from;
  let isOver = false;
  let reason: EndReason | undefined;
  let news = true;
  let wakeUp = (): void => undefined;
  let writeOn = (): void => undefined;

  const wake = (): void => {
    news = true;
    wakeUp();
  };
  const finish = (): void => {
    isOver = true;
    wakeUp();
    writeOn();
  };
  const close = (why: EndReason): void => {
    reason ??= why;
    finish();
  };
  response.once('close', finish);
  response.on('drain', () => writeOn());
  const lifetime = setTimeout(() => close('time_limit'), limits.eventStreamMs);

  const write = async (text: string): Promise<void> => {
    if (isOver || response.write(text)) return;
    await new Promise<void>((resolve) => {
      writeOn = resolve;
    });
  };
  const place = (): string => `id: ${encodePositions(environmentId, positions)}\n`;

  const sendNews = async (): Promise<void> => {
    for (let moved = true; moved && !isOver; ) {
      const [page, texts] = await source.inTurn(async () => {
        const read = await readEventsAfter(db, environmentId, filter, positions, limits.eventStreamPage);
        await prepareEvents(
          read.events.map(({ row }) => row),
          vault,
        );
        return [read, read.events.map((event) => eventText(event, environmentId, vault))] as const;
      });
      moved = !samePositions(positions, page.positions);
      for (const text of texts) await write(text);
      positions = page.positions;
    }
  };

  const rest = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, limits.eventStreamHeartbeatMs);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if (news || isOver) wakeUp();
    });
    // An id without data moves the reader's place past what the filter has left out.
    if (!news) await write(`: still here\n${place()}\n`);
  };

  const run = async (): Promise<void> => {
    try {
      await write(`retry: ${limits.eventStreamRetryMs}\n${place()}\n`);
      while (!isOver) {
        news = false;
        await sendNews();
        if (!isOver) await rest();
      }
    } finally {
      clearTimeout(lifetime);
      isOver = true;
      // Who does not read must not hold up the end.
      if (response.writableNeedDrain) response.destroy();
      else response.end(reason === undefined ? undefined : `: closing ${reason}\n\n`);
    }
  };

  const ended = run();
  return {
    wake,
    ended,
    end(why) {
      close(why);
      return ended;
    },
  };
}

function eventText({ positions, row }: PlacedEvent, environmentId: string, vault: Vault): string {
  return `id: ${encodePositions(environmentId, positions)}\nevent: ${row.type}\ndata: ${eventJson(row, vault)}\n\n`;
}

function samePositions(a: Positions, b: Positions): boolean {
  return a.size === b.size && [...a].every(([lane, seq]) => b.get(lane) === seq);
}
