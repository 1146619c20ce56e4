import { request } from 'undici';
import type { Connection } from './connection.ts';

/** The error of a failure envelope. */
interface Refusal {
  readonly message: string;
  readonly reason?: string;
}

/** The server refused the request. The message is the one of the envelope. */
export class ApiRefusedError extends Error {
  override readonly name = 'ApiRefusedError';
  readonly status: number;
  readonly reason: string | undefined;
  /** Milliseconds to wait before a retry; undefined if the server gives no time. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, refusal: Refusal, retryAfterSeconds: number) {
    super(refusal.message);
    this.status = status;
    this.reason = refusal.reason;
    this.retryAfterMs = retryAfterSeconds > 0 ? retryAfterSeconds * 1000 : undefined;
  }
}

/** No OpenLedger server answers at the URL. */
export class NoServerError extends Error {
  override readonly name = 'NoServerError';
}

const timeoutMs = 30_000;

/** The parts of a response body that commands use. */
export interface ApiData {
  readonly id: string;
  readonly [field: string]: unknown;
}

type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

/** The contents of a success envelope. */
interface Envelope<Data> {
  readonly data: Data;
  /** Of lists only. */
  readonly nextCursor?: string | null;
}

/**
 * Calls the API.
 *
 * @returns `data` of the response
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

/** The error of a response without success. */
export function refused(
  url: string,
  status: number,
  retryAfter: string | string[] | undefined,
  text: string,
): ApiRefusedError | NoServerError {
  const error = parseEnvelope(text)?.error;
  if (error === undefined)
    return new NoServerError(`The server at ${url} is not an OpenLedger server (it answered ${status}).`);
  return new ApiRefusedError(status, error, Number(retryAfter ?? 0));
}

/** The error of a failed or closed connection. */
export function noServer(url: string, error: unknown): NoServerError {
  return new NoServerError(
    `No server answers at ${url} (${faultOf(error)}); start one with npm start, or give --url.`,
  );
}

/** A short description of a connection error. */
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
