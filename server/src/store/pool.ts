import {
  Client,
  type ClientConfig,
  Pool as PgPool,
  type PoolClient,
  type QueryResult,
  type QueryResultRow,
  types,
} from 'pg';
import { toIsoTime } from '../platform/clock.ts';
import { limits } from '../platform/limits.ts';
import { closedGuard, type RowGuard } from './row-guard.ts';

export type { Client, PoolClient };

/** A pool, and how what is read over it is known to be ours. */
export type Pool = PgPool & {
  /** Set once the master key is there; until then nothing that is authenticated can be read or written. */
  guard: RowGuard;
};

/** Anything that runs a statement: the pool, one of its clients, or a lane's own client. */
export type Queryable = Pick<Client, 'query'>;

const oid = { int8: 20, json: 114, timestamptz: 1184 } as const;

/** How column values come into the program: see rows.ts. */
function parserFor(typeId: number, format?: 'text' | 'binary'): unknown {
  if (typeId === oid.int8) return (text: string) => BigInt(text);
  if (typeId === oid.json) return (text: string) => text;
  if (typeId === oid.timestamptz) return timeOf;
  return types.getTypeParser(typeId, format as 'text');
}

const ownTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;

/** Times that the server wrote have milliseconds at most: put together as text, in a fifth of the time. */
function timeOf(text: string): string {
  if (!ownTime.test(text)) return toIsoTime(Date.parse(isoText(text)));
  const milliseconds = text.slice(20, -3).padEnd(3, '0');
  return `${text.slice(0, 10)}T${text.slice(11, 19)}.${milliseconds}Z`;
}

/** PostgreSQL prints `2025-01-15 11:00:00.5+00` where ISO 8601 wants a `T` and a full offset. */
function isoText(text: string): string {
  return text.replace(' ', 'T').replace(/\+00$/, 'Z');
}

function clientConfig(
  databaseUrl: string,
  name: string,
  settings: Readonly<Record<string, string>> = {},
): ClientConfig {
  // The parsers depend on UTC; a kept plan spares planning the same set-based statement for every batch.
  const all = { timezone: 'UTC', plan_cache_mode: 'force_generic_plan', ...settings };
  return {
    connectionString: databaseUrl,
    application_name: name,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    // A connection can fall silent without being closed: then nobody else would ever say so.
    query_timeout: limits.databaseAnswerTimeoutMs,
    keepAlive: true,
    options: Object.entries(all)
      .map(([setting, value]) => `-c ${setting}=${value}`)
      .join(' '),
    types: { getTypeParser: parserFor as typeof types.getTypeParser },
  };
}

/**
 * A pool for reads and for what the workers keep for themselves.
 *
 * @param options how many connections at most, and settings of PostgreSQL for each of them
 */
export function createPool(
  databaseUrl: string,
  name: string,
  options: { readonly max?: number; readonly settings?: Readonly<Record<string, string>> } = {},
): Pool {
  const { max = limits.poolConnections, settings } = options;
  const pool = Object.assign(
    new PgPool({ ...clientConfig(databaseUrl, name, settings), max, idleTimeoutMillis: 30_000 }),
    { guard: closedGuard },
  );
  // A lost connection is replaced at the next use, and whoever was using it hears of it from the query. Without a listener
  // it would end the process: the pool listens to idle ones only, so each of them has one of its own.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * A single connection, for a writer lane. Not yet connected. Statements are sent without waiting for the answers to those
 * before them.
 *
 * @param answerTimeoutMs after it a query fails, and its connection counts as lost (`isConnectionLoss`)
 */
export function createClient(
  databaseUrl: string,
  name: string,
  answerTimeoutMs: number = limits.databaseAnswerTimeoutMs,
): Client {
  const client = new Client({
    ...clientConfig(databaseUrl, name),
    query_timeout: answerTimeoutMs,
    pipeline: true,
  });
  client.on('error', () => undefined);
  return client;
}

/**
 * Runs a statement that reads everything, in a transaction whose `statement_timeout` is as long: it may take hours.
 */
export function queryPatiently<Row extends QueryResultRow>(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<QueryResult<Row>> {
  const config = { text, values, query_timeout: limits.verifyTimeoutMs };
  return client.query<Row>(config);
}
