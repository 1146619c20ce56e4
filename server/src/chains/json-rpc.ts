import { limits } from '../platform/limits.ts';
import { ChainError } from './errors.ts';
import { connectNode, type Node } from './node.ts';

/** The largest response of a method, where it is smaller than `limits.nodeAnswerBytes`. */
const maxBytesOf: Readonly<Record<string, number>> = { eth_getLogs: limits.logAnswerBytes };

/** Connects to a node that speaks JSON-RPC 2.0 over HTTP. */
export function createRpcNode(url: string): Node {
  const connection = connectNode(url);
  let nextId = 1;
  return {
    name: connection.name,
    async call(method, params, read) {
      const id = nextId++;
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      const { json } = await connection.post('', body, method, maxBytesOf[method]);
      const response = json as Readonly<Record<string, unknown>>;
      const isError = response.error !== undefined && response.error !== null;
      // A request that the node rejects before it parses it has no id.
      if (response.id !== id && !(isError && (response.id ?? null) === null)) {
        throw new ChainError(`The node's response to ${method} belongs to another request.`);
      }
      if (isError) throw rejection(method, response.error);
      if (response.result === undefined)
        throw new ChainError(`The node's response to ${method} has no result.`);
      return read(response.result);
    },
    close: () => connection.close(),
  };
}

/** How providers report their rate limit in JSON-RPC; no error code is reserved for it. */
const rateLimitWords = /too many requests|rate.?limit|request limit|request count|per second|out of credits/i;

function rejection(method: string, error: unknown): ChainError {
  const { code, message } = (typeof error === 'object' ? error : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message.slice(0, limits.shortTextLength) : 'no reason';
  if (code === 429 || rateLimitWords.test(text)) {
    return new ChainError(`The node's rate limit is exceeded: ${text}`, 'rate_limited');
  }
  const number = typeof code === 'number' ? code : 0;
  return new ChainError(`The node rejected ${method}: ${text}`, 'rejected', number);
}
