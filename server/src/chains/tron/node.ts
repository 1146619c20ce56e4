import { connectNode, type Node, RpcError } from '../node.ts';
import { text } from './responses.ts';

/**
 * Speaks to a full node over HTTP. The method is the path below `wallet/`.
 *
 * @param url where the node is; a name before its host is the key of TronGrid (`https://KEY@api.trongrid.io`), which goes
 *   into a header
 */
export function createTronNode(url: string): Node {
  const { address, headers } = splitKey(url);
  const connection = connectNode(address, headers);
  return {
    name: connection.name,
    async call(method, params, read) {
      const { json, status } = await connection.post(`wallet/${method}`, JSON.stringify(params), method);
      const fault = 'Error' in json ? json.Error : undefined;
      if (status !== 200 || fault !== undefined) {
        throw new RpcError(status, `The node refused ${method} with ${status}: ${text(fault)}`);
      }
      return read(json);
    },
    close: () => connection.close(),
  };
}

function splitKey(url: string): { address: string; headers: Record<string, string> } {
  const parsed = new URL(url);
  const key = decodeURIComponent(parsed.username);
  parsed.username = '';
  parsed.password = '';
  return { address: parsed.href, headers: key === '' ? {} : { 'TRON-PRO-API-KEY': key } };
}
