import { limits } from '../platform/limits.ts';
import { connectNode, type Node, RpcError } from './node.ts';
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
      if (answer.id !== id) throw new ChainError(`The node's answer to ${method} belongs to another call.`);
      if (answer.error !== undefined && answer.error !== null) throw refusal(method, answer.error);
      if (answer.result === undefined) throw new ChainError(`The node's answer to ${method} has no result.`);
      return read(answer.result);
    },
    close: () => connection.close(),
  };
}

function refusal(method: string, error: unknown): ChainError {
  const { code, message } = (typeof error === 'object' ? error : {}) as { code?: unknown; message?: unknown };
  const text = typeof message === 'string' ? message.slice(0, limits.shortTextLength) : 'no reason';
  return new RpcError(typeof code === 'number' ? code : 0, `The node refused ${method}: ${text}`);
}
