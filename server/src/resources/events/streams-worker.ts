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
import { positionsAt } from './request.ts';
import { type EndReason, type EventStream, startStream } from './stream.ts';

/** Streams of events to clients that keep a connection open. */
export interface EventStreams {
  readonly route: StreamRoute;
  /** Ends all of them: their readers come back, to another server or later. */
  stop(): Promise<void>;
}

/** A stream, and what it is a stream of. */
interface Reader {
  readonly stream: EventStream;
  readonly environmentId: string;
  readonly kind: EnvironmentKind;
  /** The id of the environment's own row, which a reset does not change. */
  readonly rowId: string;
  readonly keyId: string;
  readonly readmit: StreamRequest['readmit'];
  /** How many events there were when somebody last looked. */
  seen: bigint | undefined;
}

/**
 * Makes the streams of one process. One query for all of them looks where there is something new, whichever process wrote
 * it; only then are events read, for each stream at the pace of its reader.
 */
export function createEventStreams(options: {
  /** For looking where there is something new. */
  pool: Pool;
  /** For reading it. */
  pools: ForEachKind<Pool>;
  vault: Vault;
  budgets: EnvironmentBudgets;
  logger: Logger;
}): EventStreams {
  const { budgets, logger, pool, pools, vault } = options;
  const readers = new Set<Reader>();
  let stopped = false;
  let keysCheckedMs = performance.now();

  const end = (reader: Reader, reason: EndReason): void => {
    void reader.stream.end(reason).catch(() => undefined);
  };

  /** A key is looked up once, however many streams it has opened. */
  const checkKeys = async (): Promise<void> => {
    if (performance.now() - keysCheckedMs < limits.eventStreamKeyMs) return;
    keysCheckedMs = performance.now();
    const open = [...readers];
    const oneOfEachKey = new Map(open.map((reader) => [reader.keyId, reader]));
    const check = async ({ keyId, readmit }: Reader): Promise<void> => {
      if (await readmit()) return;
      for (const reader of open) if (reader.keyId === keyId) end(reader, 'key_revoked');
    };
    await Promise.all([...oneOfEachKey.values()].map(check));
  };

  const look = async (): Promise<boolean> => {
    if (readers.size === 0) return false;
    const found = await countEvents(pool, [...new Set([...readers].map(({ rowId }) => rowId))]);
    for (const reader of readers) {
      const now = found.get(reader.rowId);
      // After a reset nothing more can come of what it reads.
      if (now?.current_id !== reader.environmentId) end(reader, 'environment_reset');
      else if (now.events !== reader.seen) {
        reader.seen = now.events;
        reader.stream.wake();
      }
    }
    await checkKeys();
    return false;
  };
  const worker = startWorker('event streams', logger, limits.eventStreamPollMs, look);

  const requirePlace = (environmentId: string, kind: EnvironmentKind): void => {
    const ofKind = [...readers].filter((reader) => reader.kind === kind);
    const own = ofKind.filter((reader) => reader.environmentId === environmentId).length;
    if (!stopped && ofKind.length < limits.eventStreams && own < limits.eventStreamsPerEnvironment) return;
    const text = 'There are too many event streams; close one, or try again shortly.';
    throw new ApiError(rateLimited('too_many_streams', text, 1));
  };

  const open = async ({ caller, lastEventId, query, readmit, start }: StreamRequest): Promise<void> => {
    const { id: environmentId, kind, rowId } = caller.environment;
    const types = typesOf(query);
    const [cursor, path] =
      lastEventId === undefined
        ? [query.cursor ?? 'end', 'query.cursor']
        : [lastEventId, 'header.Last-Event-ID'];
    const from = await positionsAt(pools[kind], environmentId, cursor, path);
    // The caller may have been admitted by what was cached: a stream begins with a key that is valid now.
    if (!(await readmit())) throw new ApiError(unauthorized('invalid_api_key', 'Invalid API key'));
    requirePlace(environmentId, kind);
    const inTurn = <Result>(work: () => Promise<Result>) => budgets.run(kind, work);
    const source = { db: pools[kind], vault, environmentId, inTurn };
    const stream = startStream(source, types, from, start());
    const { keyId } = caller;
    const reader: Reader = { stream, environmentId, kind, rowId, keyId, readmit, seen: undefined };
    readers.add(reader);
    stream.ended
      .catch((error: unknown) =>
        logger.error({ err: error }, 'an event stream failed; its reader comes back'),
      )
      .finally(() => readers.delete(reader));
  };

  return {
    route: { path: '/v1/events/stream', open },
    async stop() {
      stopped = true;
      await worker.stop();
      await Promise.allSettled([...readers].map(({ stream }) => stream.end('server_stopping')));
    },
  };
}

/** How many events there are under what each environment's data lies under now. */
async function countEvents(pool: Pool, rowIds: readonly string[]) {
  const { rows } = await pool.query<{ id: string; current_id: string; events: bigint }>({
    name: 'count_events',
    text: `select e.id, e.current_id, coalesce((select sum(h.event_seq) from chain_heads h
        where h.environment_id = e.current_id), 0)::int8 as events
      from environments e where e.id = any ($1)`,
    values: [rowIds],
  });
  return new Map(rows.map((row) => [row.id, row]));
}

/** The types that the query names, with patterns such as `customer.*`; undefined for all. */
function typesOf({ types }: Readonly<Record<string, string>>): readonly string[] | undefined {
  if (types === undefined) return undefined;
  const chosen = chosenTypes(types.split(','));
  if (chosen.ok) return chosen.types;
  const known = ['*', ...typePatterns, ...eventTypes].join(', ');
  const message = `There is no event ${JSON.stringify(chosen.unknown)}; there are: ${known}.`;
  throw new ApiError(validationFailed([{ path: 'query.types', message }]));
}
