import { request } from 'undici';
import type { Connection } from './connection.ts';

/** What the API says of its refusals. */
interface Refusal {
  readonly message: string;
  readonly reason?: string;
}

/** The server refused, in the words of its envelope. */
export class ApiRefusedError extends Error {
  override readonly name = 'ApiRefusedError';
  readonly status: number;
  readonly reason: string | undefined;
  /** How long to wait before another try, in milliseconds; undefined when it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, refusal: Refusal, retryAfterSeconds: number) {
    super(refusal.message);
    this.status = status;
    this.reason = refusal.reason;
    this.retryAfterMs = retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined;
  }
}

/** Nobody answers at the URL, or it is no such server. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';
}

const timeoutMs = 30_000;

/** An answer's body, as far as commands look into it. */
export interface ApiData {
  readonly id: string;
  readonly [field: string]: unknown;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** What an answer with success holds. */
interface Envelope<Data> {
  readonly data: Data;
  /** Of lists only. */
  readonly nextCursor?: string | null;
}

/**
 * Makes one call.
 *
 * @returns `data` of the answer
 * @throws ApiRefusedError, NoServerError
 */
export async function call<Data = ApiData>(
  connection: Connection,
  method: Method,
  path: string,
  body?: object,
): Promise<Data> {
  return (await exchange<Data>(connection, method, path, body)).data;
}

/** Gets a page of a list, with its cursor. @throws ApiRefusedError, NoServerError */
export function callForPage<Item = ApiData>(
  connection: Connection,
  path: string,
): Promise<Envelope<readonly Item[]>> {
  return exchange(connection, 'GET', path);
}

async function exchange<Data>(
  { key, url }: Connection,
  method: Method,
  path: string,
  body?: object,
): Promise<Envelope<Data>> {
  const answer = await request(url + path, {
    method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  }).catch((error: unknown) => {
    throw noServer(url, error);
  });
  const text = await answer.body.text();
  const parsed = parseEnvelope(text);
  if (parsed?.ok === true) return parsed as unknown as Envelope<Data>;
  throw refused(url, answer.statusCode, answer.headers['retry-after'], text);
}

/** The error that an answer without success means. */
export function refused(
  url: string,
  status: number,
  retryAfter: string | string[] | undefined,
  text: string,
): ApiRefusedError | NoServerError {
  const error = parseEnvelope(text)?.error;
  if (error === undefined)
    return new NoServerError(`What answers at ${url} (with ${status}) is no OpenLedger server.`);
  return new ApiRefusedError(status, error, Number(retryAfter ?? 0));
}

/** The error of a connection that could not be made, or broke off. */
export function noServer(url: string, error: unknown): NoServerError {
  return new NoServerError(
    `No server answers at ${url} (${faultOf(error)}); start one with npm start, or give --url.`,
  );
}

/** A word for what went wrong with a connection. */
export function faultOf(error: unknown): string {
  const { cause, code, message } = error as { cause?: unknown; code?: string; message?: string };
  return code ?? (cause === undefined ? undefined : faultOf(cause)) ?? message ?? String(error);
}

function parseEnvelope(text: string): { ok: boolean; error?: Refusal } | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && 'ok' in parsed
      ? (parsed as { ok: boolean })
      : undefined;
  } catch {
    return undefined;
  }
}
