import { Agent, request } from 'undici';
import { limits } from '../platform/limits.ts';
import { ChainError } from './port.ts';

/** One node of a chain. */
export interface Node {
  /** How the node is named in logs: its host alone, for the rest of its URL may hold a key. */
  readonly name: string;
  /**
   * @param method what is asked for, in the family's own terms
   * @param read reads the result, and throws ChainError when it is malformed
   * @throws RpcError when the node refuses; ChainError when it cannot be reached or answers nonsense
   */
  call<Result>(method: string, params: NodeParams, read: (result: unknown) => Result): Promise<Result>;
  close(): Promise<void>;
}

/** A list for JSON-RPC, an object for a node with paths of its own. */
export type NodeParams = readonly unknown[] | Readonly<Record<string, unknown>>;

/** The node understood and refused. */
export class RpcError extends ChainError {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** The node is asked too often, or by too many: asking for less does not help, asking later may. */
export class BusyError extends ChainError {}

/** The node is not so far yet, or the chain changes at this moment: nobody's fault. */
export class UnsettledError extends ChainError {}

/** The answer was too much for us or for the node, or took too long: asking for less may help. */
export class TooMuchError extends ChainError {}

/** The connections to one node. */
export interface NodeConnection {
  /** Its host. */
  readonly name: string;
  /**
   * Posts JSON to the node.
   *
   * @param path below the node's URL; the URL itself when empty
   * @param method how the call is named in errors
   * @returns what it answered, and the status
   * @throws ChainError when it cannot be reached or answers no JSON object or list; TooMuchError when that is too large or late
   */
  post(path: string, body: string, method: string): Promise<NodeAnswer>;
  close(): Promise<void>;
}

export interface NodeAnswer {
  readonly status: number;
  /** An object or a list. */
  readonly json: object;
}

/**
 * Opens the connections to a node. Nothing is sent yet.
 *
 * @param headers sent with everything, such as a provider's key; never logged
 */
export function connectNode(url: string, headers: Readonly<Record<string, string>> = {}): NodeConnection {
  const agent = new Agent({
    connections: limits.nodeConnections,
    connect: { timeout: limits.nodeTimeoutMs },
  });
  return {
    name: new URL(url).host,
    post: (path, body, method) => post(below(url, path), agent, headers, body, method),
    close: () => agent.destroy(),
  };
}

/** The path goes before the query, which may hold a key. */
function below(base: string, path: string): string {
  if (path === '') return base;
  const url = new URL(base);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/${path}`;
  return url.href;
}

async function post(
  url: string,
  agent: Agent,
  headers: Readonly<Record<string, string>>,
  body: string,
  method: string,
): Promise<NodeAnswer> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), limits.nodeTimeoutMs);
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { ...headers, 'content-type': 'application/json', accept: 'application/json' },
      body,
      signal: controller.signal,
    });
    const text = await readLimited(answer.body, method);
    const { statusCode: status } = answer;
    if (status === 413) throw new TooMuchError(`The node finds ${method} too large.`);
    if (status === 429) throw new BusyError('The node is asked too often.');
    // Some send their refusals with 400; what comes with another status is not about the question.
    if (status !== 200 && status !== 400) throw new ChainError(`The node answered ${method} with ${status}.`);
    return { status, json: parse(text, status, method) };
  } catch (error) {
    if (error instanceof ChainError) throw error;
    if (controller.signal.aborted) throw new TooMuchError(`The node did not answer ${method} in time.`);
    const { code } = error as NodeJS.ErrnoException;
    throw new ChainError(`The node cannot be reached (${code ?? 'no connection'}).`);
  } finally {
    clearTimeout(timer);
  }
}

async function readLimited(body: AsyncIterable<Buffer>, method: string): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > limits.nodeAnswerBytes) throw new TooMuchError(`The node's answer to ${method} is too large.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string, status: number, method: string): object {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ChainError(`The node answered ${method} with ${status} and no JSON.`);
  }
  if (typeof answer !== 'object' || answer === null) {
    throw new ChainError(`The node answered ${method} with ${status} and no object.`);
  }
  return answer;
}
