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

/** A pool, with the guard that checks the rows which are read over it. */
export type Pool = PgPool & {
  /** Set once the master key is known; until then no authenticated row can be read or written. */
  guard: RowGuard;
};

/** Anything that runs a statement: the pool, one of its clients, or a lane's own client. */
export type Queryable = Pick<Client, 'query'>;

const oid = { int8: 20, json: 114, timestamptz: 1184 } as const;

/** How column values are parsed: see tables/table.ts. */
function parserFor(typeId: number, format?: 'text' | 'binary'): unknown {
  if (typeId === oid.int8) return (text: string) => BigInt(text);
  if (typeId === oid.json) return (text: string) => text;
  if (typeId === oid.timestamptz) return timeOf;
  return types.getTypeParser(typeId, format as 'text');
}

const ownTime = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,3})?\+00$/;

/** Times that the server wrote have at most milliseconds: converting them as text takes a fifth of the time. */
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
  // The parsers depend on UTC. With generic plans a set-based statement is planned once instead of for every batch.
  const all = { timezone: 'UTC', plan_cache_mode: 'force_generic_plan', ...settings };
  return {
    connectionString: databaseUrl,
    application_name: name,
    connectionTimeoutMillis: limits.connectTimeoutMs,
    statement_timeout: limits.statementTimeoutMs,
    // A connection can stop responding without being closed: only this timeout detects it.
    query_timeout: limits.databaseAnswerTimeoutMs,
    keepAlive: true,
    options: Object.entries(all)
      .map(([setting, value]) => `-c ${setting}=${value}`)
      .join(' '),
    types: { getTypeParser: parserFor as typeof types.getTypeParser },
  };
}

/**
 * A pool for reads, and for the tables that workers write.
 *
 * @param options.max how many connections at most
 * @param options.settings settings of PostgreSQL for each connection
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
  // The next use replaces a lost connection, and a running query fails. Without a listener the error would end the process.
  // The pool itself listens to idle connections only.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
}

/**
 * A single connection for a lane of the writer, not connected yet. Statements are sent without waiting for the results of
 * earlier ones.
 *
 * @param answerTimeoutMs after this time a query fails, and its connection counts as lost (`isConnectionLoss`)
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
 * Runs a statement that reads whole tables, and may take hours. The transaction needs a `statement_timeout` of the same length.
 */
export function queryPatiently<Row extends QueryResultRow>(
  client: Queryable,
  text: string,
  values: unknown[] = [],
): Promise<QueryResult<Row>> {
  const config = { text, values, query_timeout: limits.verifyTimeoutMs };
  return client.query<Row>(config);
}
