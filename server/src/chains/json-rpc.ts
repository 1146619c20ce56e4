import { limits } from '../platform/limits.ts';
import { BusyError, connectNode, type Node, RpcError } from './node.ts';
import { ChainError } from './port.ts';

/** Speaks JSON-RPC to one node over HTTP. */
export function createRpcNode(url: string): Node {
  const connection = connectNode(url);
  let nextId = 1;
  return {
    name: connection.name,
    async call(method, params, read) {
      const id = nextId++;
      const body = JSON.stringify({ jsonrpc: '2.0', id, method, params });
      const { json } = await connection.post('', body, method);
      const answer = json as Readonly<Record<string, unknown>>;
      const isRefused = answer.error !== undefined && answer.error !== null;
      // What a node refuses before it looks at it has no id.
      if (answer.id !== id && !(isRefused && (answer.id ?? null) === null)) {
        throw new ChainError(`The node's answer to ${method} belongs to another call.`);
      }
      if (isRefused) throw refusal(method, answer.error);
      if (answer.result === undefined) throw new ChainError(`The node's answer to ${method} has no result.`);
      return read(answer.result);
    },
    close: () => connection.close(),
  };
}

/** How nodes say in JSON-RPC that they are asked too often; there is no code that means nothing else. */
const busyWords = /too many requests|rate.?limit|request limit|request count|per second|out of credits/i;

function refusal(method: string, error: unknown): ChainError {
  const { code, message } = (typeof error === 'object' ? error : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message.slice(0, limits.shortTextLength) : 'no reason';
  if (code === 429 || busyWords.test(text)) return new BusyError(`The node is asked too often: ${text}`);
  return new RpcError(typeof code === 'number' ? code : 0, `The node refused ${method}: ${text}`);
}
