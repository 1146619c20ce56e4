import { Agent, request } from 'undici';
import { limits } from '../../platform/limits.ts';
import { ChainError } from '../port.ts';

/** One node, spoken to by JSON-RPC over HTTP. */
export interface Node {
  /** How the node is named in logs: its host alone, for the rest of its URL may hold a key. */
  readonly name: string;
  /**
   * @param read reads the result, and throws ChainError when it is malformed
   * @throws RpcError when the node refuses; ChainError when it cannot be reached or answers nonsense
   */
  call<Result>(
    method: string,
    params: readonly unknown[],
    read: (result: unknown) => Result,
  ): Promise<Result>;
  close(): Promise<void>;
}

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

/** Speaks to one node. */
export function createNode(url: string): Node {
  const agent = new Agent({
    connections: limits.nodeConnections,
    connect: { timeout: limits.nodeTimeoutMs },
  });
  const { host } = new URL(url);
  let nextId = 1;
  return {
    name: host,
    async call(method, params, read) {
      const id = nextId++;
      const answer = await post(url, agent, JSON.stringify({ jsonrpc: '2.0', id, method, params }), method);
      const isRefused = answer.error !== undefined && answer.error !== null;
      // What a node refuses before it looks at it has no id.
      if (answer.id !== id && !(isRefused && (answer.id ?? null) === null)) {
        throw new ChainError(`The node's answer to ${method} belongs to another call.`);
      }
      if (isRefused) throw refusal(method, answer.error);
      if (answer.result === undefined) throw new ChainError(`The node's answer to ${method} has no result.`);
      return read(answer.result);
    },
    close: () => agent.destroy(),
  };
}

interface Envelope {
  readonly id?: unknown;
  readonly result?: unknown;
  readonly error?: unknown;
}

async function post(url: string, agent: Agent, body: string, method: string): Promise<Envelope> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), limits.nodeTimeoutMs);
  try {
    const answer = await request(url, {
      method: 'POST',
      dispatcher: agent,
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body,
      signal: controller.signal,
    });
    const text = await readLimited(answer.body, method);
    const { statusCode: status } = answer;
    if (status === 413) throw new TooMuchError(`The node finds ${method} too large.`);
    if (status === 429) throw new BusyError('The node is asked too often.');
    // Some send their refusals with 400; what comes with another status is not about the question.
    if (status !== 200 && status !== 400) throw new ChainError(`The node answered ${method} with ${status}.`);
    return parse(text, answer.statusCode, method);
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

function parse(text: string, status: number, method: string): Envelope {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new ChainError(`The node answered ${method} with ${status} and no JSON.`);
  }
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) {
    throw new ChainError(`The node answered ${method} with ${status} and no JSON-RPC.`);
  }
  return answer;
}

/** How nodes say in JSON-RPC that they are asked too often; there is no code that means nothing else. */
const busyWords = /too many requests|rate.?limit|request limit|request count|per second|out of credits/i;

function refusal(method: string, error: unknown): ChainError {
  const { code, message } = (typeof error === 'object' ? error : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message.slice(0, limits.shortTextLength) : 'no reason';
  if (code === 429 || busyWords.test(text)) return new BusyError(`The node is asked too often: ${text}`);
  return new RpcError(typeof code === 'number' ? code : 0, `The node refused ${method}: ${text}`);
}
