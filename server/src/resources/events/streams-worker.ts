import { chosenTypes, eventTypes, typePatterns } from '../../events/types.ts';
import type { EnvironmentBudgets } from '../../http/environment-budgets.ts';
import type { StreamRequest, StreamRoute } from '../../http/stream.ts';
import { validationFailed } from '../../http/validate.ts';
import type { EnvironmentKind, ForEachKind } from '../../platform/environments.ts';
import { ApiError, rateLimited, unauthorized } from '../../platform/errors.ts';
import { limits } from '../../platform/limits.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Vault } from '../../platform/seal.ts';
import { startWorker } from '../../platform/worker-loop.ts';
import type { Pool } from '../../store/pool.ts';
import type { Positions } from './positions.ts';
import { parseCursor } from './request.ts';
import { type EndReason, type EventStream, type StreamSource, startStream } from './stream.ts';

/** The event streams of one process. */
export interface EventStreams {
  readonly route: StreamRoute;
  /** Ends all streams. Their readers reconnect, to another server or later. */
  stop(): Promise<void>;
}

/** A stream, with its environment and key. */
interface Reader {
  readonly stream: EventStream;
  readonly environmentId: string;
  readonly kind: EnvironmentKind;
  /** The id of the environment's own row, which a reset does not change. */
  readonly rowId: string;
  readonly keyId: string;
  readonly readmit: StreamRequest['readmit'];
  /** How many events the environment had at the last poll. */
  eventCount: bigint | undefined;
}

interface StreamDeps {
  /** Polls for new events. */
  readonly pool: Pool;
  /** Read events, for each kind of environment. */
  readonly pools: ForEachKind<Pool>;
  readonly vault: Vault;
  readonly budgets: EnvironmentBudgets;
  readonly logger: Logger;
}

/**
 * Creates the streams of one process. One query for all of them polls for new events of any process; only then are events
 * read, for each stream at the pace of its reader.
 */
export function createEventStreams(deps: StreamDeps): EventStreams {
  const { logger, pool, pools } = deps;
  const readers = new Set<Reader>();
  const checkKeys = createKeyCheck(readers);
  let isStopped = false;

  const worker = startWorker('event streams', logger, limits.eventStreamPollMs, async () => {
    if (readers.size === 0) return false;
    await wakeReaders(pool, readers);
    await checkKeys();
    return false;
  });

  const requireCapacity = (environmentId: string, kind: EnvironmentKind): void => {
    const ofKind = [...readers].filter((reader) => reader.kind === kind);
    const own = ofKind.filter((reader) => reader.environmentId === environmentId).length;
    const hasCapacity = ofKind.length < limits.eventStreams && own < limits.eventStreamsPerEnvironment;
    if (!isStopped && hasCapacity) return;
    const text = 'There are too many event streams; close one, or try again shortly.';
    throw new ApiError(rateLimited('too_many_streams', text, 1));
  };

  const open = async (request: StreamRequest): Promise<void> => {
    const { caller, readmit } = request;
    const { id: environmentId, kind, rowId } = caller.environment;
    const types = typesOf(request.query);
    const from = await positionsOf(request, pools[kind]);
    // The caller may have been authenticated from the cache: a stream starts with a key that is valid now.
    if (!(await readmit())) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
    requireCapacity(environmentId, kind);
    const stream = startStream(sourceOf(environmentId, kind, deps), types, from, request.start());
    const reader: Reader = {
      stream,
      environmentId,
      kind,
      rowId,
      keyId: caller.keyId,
      readmit,
      eventCount: undefined,
    };
    readers.add(reader);
    stream.ended
      .catch((error: unknown) =>
        logger.error({ err: error }, 'an event stream failed; its reader reconnects'),
      )
      .finally(() => readers.delete(reader));
  };

  return {
    route: { path: '/v1/events/stream', open },
    async stop() {
      isStopped = true;
      await worker.stop();
      await Promise.allSettled([...readers].map(({ stream }) => stream.end('server_stopping')));
    },
  };
}

function sourceOf(
  environmentId: string,
  kind: EnvironmentKind,
  { budgets, pools, vault }: StreamDeps,
): StreamSource {
  const runInBudget = <Result>(work: () => Promise<Result>) => budgets.run(kind, work);
  return { db: pools[kind], vault, environmentId, runInBudget };
}

/** The positions that a stream starts from: behind the last event of a reader that resumes, or else at its cursor. */
function positionsOf({ caller, lastEventId, query }: StreamRequest, pool: Pool): Promise<Positions> {
  const [cursor, path] =
    lastEventId === undefined
      ? [query.cursor ?? 'end', 'query.cursor']
      : [lastEventId, 'header.Last-Event-ID'];
  return parseCursor(pool, caller.environment.id, cursor, path);
}

function end(reader: Reader, reason: EndReason): void {
  // A failed read is logged where the stream was started.
  void reader.stream.end(reason).catch(() => undefined);
}

/** Wakes the streams of environments with new events, and ends those of environments that were reset. */
async function wakeReaders(pool: Pool, readers: ReadonlySet<Reader>): Promise<void> {
  const found = await countEvents(pool, [...new Set([...readers].map(({ rowId }) => rowId))]);
  for (const reader of readers) {
    const now = found.get(reader.rowId);
    if (now?.current_id !== reader.environmentId) end(reader, 'environment_reset');
    else if (now.events !== reader.eventCount) {
      reader.eventCount = now.events;
      reader.stream.wake();
    }
  }
}

/**
 * Makes the periodic check of the keys that have opened streams. Each key is looked up once, however many streams it has,
 * and the streams of a revoked key are ended.
 */
function createKeyCheck(readers: ReadonlySet<Reader>): () => Promise<void> {
  let checkedAtMs = performance.now();
  return async () => {
    if (performance.now() - checkedAtMs < limits.eventStreamKeyMs) return;
    checkedAtMs = performance.now();
    const open = [...readers];
    const check = async ({ keyId, readmit }: Reader): Promise<void> => {
      if (await readmit()) return;
      for (const reader of open) if (reader.keyId === keyId) end(reader, 'key_revoked');
    };
    const oneOfEachKey = new Map(open.map((reader) => [reader.keyId, reader]));
    await Promise.all([...oneOfEachKey.values()].map(check));
  };
}

/** Counts the events of each environment's current data. */
async function countEvents(pool: Pool, rowIds: readonly string[]) {
  const { rows } = await pool.query<{ id: string; current_id: string; events: bigint }>({
    name: 'count_events',
    text: `select e.id, e.current_id, coalesce((select sum(h.event_seq) from journal_heads h
        where h.environment_id = e.current_id), 0)::int8 as events
      from environments e where e.id = any ($1)`,
    values: [rowIds],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** The event types that the query selects, by names and patterns such as `customer.*`; undefined for all. */
function typesOf({ types }: Readonly<Record<string, string>>): readonly string[] | undefined {
  if (types === undefined) return undefined;
  const chosen = chosenTypes(types.split(','));
  if (chosen.ok) return chosen.types;
  const known = ['*', ...typePatterns, ...eventTypes].join(', ');
  const message = `${JSON.stringify(chosen.unknown)} must be one of: ${known}.`;
  throw new ApiError(validationFailed([{ path: 'query.types', message }]));
}
