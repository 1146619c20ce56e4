import { Agent, request } from 'undici';
import { limits } from '../platform/limits.ts';
import { ChainError } from './errors.ts';

/** One node of a chain. */
export interface Node {
  /** The node's host, which names it in logs. The rest of its URL may contain a key. */
  readonly name: string;
  /**
   * Sends a request.
   *
   * @param method the method in the family's own terms
   * @param read decodes the result; throws ChainError if it is malformed
   * @throws ChainError `rejected` if the node rejects the request; otherwise as `post`
   */
  call<Result>(method: string, params: NodeParams, read: (result: unknown) => Result): Promise<Result>;
  close(): Promise<void>;
}

/** A list for JSON-RPC, an object for Tron's HTTP API. */
export type NodeParams = readonly unknown[] | Readonly<Record<string, unknown>>;

/** The HTTP connections to one node. */
export interface NodeConnection {
  /** The node's host. */
  readonly name: string;
  /**
   * Posts JSON to the node.
   *
   * @param path relative to the node's URL; empty for the URL itself
   * @param method names the request in error messages
   * @param maxBytes the largest response that is read
   * @throws ChainError `too_large` if the response is too large or too late, `rate_limited` on 429, `failed` if the node is
   *   unreachable or its response is not a JSON object or list
   */
  post(path: string, body: string, method: string, maxBytes?: number): Promise<NodeResponse>;
  close(): Promise<void>;
}

export interface NodeResponse {
  readonly status: number;
  /** An object or a list. */
  readonly json: object;
}

/**
 * Prepares the connections to a node; sends nothing yet.
 *
 * @param headers sent with every request, such as a provider's key; never logged
 */
export function connectNode(url: string, headers: Readonly<Record<string, string>> = {}): NodeConnection {
  const agent = new Agent({
    connections: limits.nodeConnections,
    connect: { timeout: limits.nodeTimeoutMs },
  });
  return {
    name: new URL(url).host,
    post: (path, body, method, maxBytes = limits.nodeAnswerBytes) =>
      post(urlOf(url, path), agent, headers, { body, method, maxBytes }),
    close: () => agent.destroy(),
  };
}

/** Appends the path before the query string, which may contain a key. */
function urlOf(base: string, path: string): string {
  if (path === '') return base;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url.href;
}

async function post(
  url: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  { body, maxBytes, method }: { readonly body: string; readonly method: string; readonly maxBytes: number },
): Promise<NodeResponse> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), limits.nodeTimeoutMs);
  try {
    const response = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
      body,
      signal: controller.signal,
    });
    const text = await readLimited(response.body, method, maxBytes);
    const { statusCode: status } = response;
    if (status === 413) throw new ChainError(`The node rejected ${method} as too large.`, 'too_large');
    if (status === 429) throw new ChainError("The node's rate limit is exceeded.", 'rate_limited');
    // Some nodes reject requests with 400; any other status is not about the request.
    if (status !== 200 && status !== 400)
      throw new ChainError(`The node responded to ${method} with ${status}.`);
    return { status, json: parse(text, status, method) };
  } catch (error) {
    if (error instanceof ChainError) throw error;
    if (controller.signal.aborted) {
      throw new ChainError(`The node did not respond to ${method} in time.`, 'too_large');
    }
    const { code } = error as NodeJS.ErrnoException;
    throw new ChainError(`The node is unreachable (${code ?? 'no connection'}).`);
  } finally {
    clearTimeout(timer);
  }
}

async function readLimited(body: AsyncIterable<Buffer>, method: string, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new ChainError(`The node's response to ${method} is too large.`, 'too_large');
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, status: number, method: string): object {
  let response: unknown;
  try {
    response = JSON.parse(text);
  } catch {
    throw new ChainError(`The node responded to ${method} with ${status} and invalid JSON.`);
  }
  if (typeof response !== 'object' || response === null) {
    throw new ChainError(
      `The node responded to ${method} with ${status}, but without a JSON object or list.`,
    );
  }
  return response;
}
