import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { Agent, request } from 'undici';
import { assertEvent } from './events.ts';

/** An answer of the API. `data` and `error` are what the envelope holds. */
export interface ApiAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  // Tests reach into answers of every shape; the contract check has looked at them already.
  // biome-ignore lint/suspicious/noExplicitAny: see above
  readonly data: any;
  readonly nextCursor: string | null | undefined;
  readonly error: {
    code: string;
    message: string;
    reason: string;
    details?: { path: string; message: string }[];
  };
}

/**
 * Calls the API over HTTP and checks every answer against the document that the server itself serves, and every event that
 * is read against the schema of its type.
 */
export interface ApiClient {
  get(path: string, headers?: Record<string, string>): Promise<ApiAnswer>;
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<ApiAnswer>;
  patch(path: string, body?: unknown): Promise<ApiAnswer>;
  delete(path: string): Promise<ApiAnswer>;
  /** Sends a body as it is. */
  raw(
    method: string,
    path: string,
    body: string | Buffer,
    headers?: Record<string, string>,
  ): Promise<ApiAnswer>;
}

/** Where events are read. */
const eventPath = /^\/v1\/events(\/evt_\w+)?(\?|$)/;

interface Operation {
  readonly pattern: RegExp;
  readonly method: string;
  readonly path: string;
  readonly checks: ResponseChecks;
}

/** Thrown when an answer is not what the document promises. */
class ContractError extends Error {}

export async function createClient(baseUrl: string, key: string): Promise<ApiClient> {
  const agent = new Agent({ connections: 256, keepAliveTimeout: 4000 });
  const operations = await loadOperations(baseUrl, agent);
  const send = async (
    method: string,
    path: string,
    body?: string | Buffer,
    headers: Record<string, string> = {},
  ): Promise<ApiAnswer> => {
    const answer = await request(baseUrl + path, {
      method: method as 'GET',
      dispatcher: agent,
      headers: { authorization: `Bearer ${key}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.body.text();
    assertContract(operations, method, path, answer.statusCode, text);
    const parsed = JSON.parse(text);
    if (method === 'GET' && answer.statusCode === 200 && eventPath.test(path))
      for (const event of [parsed.data].flat()) assertEvent(event);
    return {
      status: answer.statusCode,
      headers: answer.headers,
      text,
      data: parsed.data,
      nextCursor: parsed.nextCursor,
      error: parsed.error,
    };
  };
  const json = (method: string, path: string, body: unknown, headers: Record<string, string> = {}) =>
    body === undefined
      ? send(method, path, undefined, headers)
      : send(method, path, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
  return {
    get: (path, headers) => send('GET', path, undefined, headers),
    post: (path, body, headers) => json('POST', path, body, headers),
    patch: (path, body) => json('PATCH', path, body),
    delete: (path) => send('DELETE', path),
    raw: send,
  };
}

type PathsOf = { paths: Readonly<Record<string, Readonly<Record<string, { responses: object }>>>> };

/** Of the last document that was read: the clients of a test file read the same one. */
let latest: { readonly text: string; readonly operations: readonly Operation[] } | undefined;

async function loadOperations(baseUrl: string, agent: Agent): Promise<readonly Operation[]> {
  const answer = await request(`${baseUrl}/openapi.json`, { dispatcher: agent });
  // The server's own address is all that differs from server to server.
  const text = (await answer.body.text()).replaceAll(baseUrl, '');
  if (latest?.text === text) return latest.operations;
  const document = JSON.parse(text) as PathsOf;
  const checksOf = createResponseChecks(document);
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      path,
      method: method.toUpperCase(),
      pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]*')}$`),
      checks: checksOf(path, method),
    })),
  );
  latest = { text, operations };
  return operations;
}

/** The check of each status that an operation declares; undefined for any other status. */
export interface ResponseChecks {
  get(status: number): ValidateFunction | undefined;
}

/** Makes the checks of a document's answers. A check is compiled when it is first needed: there are hundreds of them. */
export function createResponseChecks(document: PathsOf): (path: string, method: string) => ResponseChecks {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  formats.default(ajv);
  ajv.addSchema(document as object, 'openapi');
  return (path, method) => {
    const declared = document.paths[path]?.[method]?.responses ?? {};
    const compiled = new Map<number, ValidateFunction>();
    return {
      get(status) {
        if (!(status in declared)) return undefined;
        const check =
          compiled.get(status) ??
          ajv.compile({ $ref: `openapi#${responsePointer(document, path, method, String(status))}` });
        compiled.set(status, check);
        return check;
      },
    };
  };
}

/** Where the schema of a response lies in the document, as a URI fragment. */
function responsePointer(document: object, path: string, method: string, status: string): string {
  const own = ['paths', path, method, 'responses', status];
  const response = own.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
  const { $ref } = response as { $ref?: string };
  const base = $ref
    ? $ref.slice(1)
    : `/${own.map((key) => encodeURIComponent(key.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
  return `${base}/content/application~1json/schema`;
}

function assertContract(
  operations: readonly Operation[],
  method: string,
  path: string,
  status: number,
  text: string,
): void {
  const pathname = path.split('?', 1)[0] as string;
  const operation = operations.find((known) => known.method === method && known.pattern.test(pathname));
  if (!operation) return;
  const validate = operation.checks.get(status);
  if (!validate) {
    throw new ContractError(`${method} ${operation.path} answered the undeclared status ${status}: ${text}`);
  }
  if (!validate(JSON.parse(text))) {
    const faults = JSON.stringify(validate.errors);
    throw new ContractError(
      `${method} ${operation.path} ${status} does not match its schema: ${faults} ${text}`,
    );
  }
}
