import { ChainError } from '../errors.ts';
import { connectNode, type Node } from '../node.ts';
import { text } from './responses.ts';

/**
 * Connects to a full node over HTTP. The method is the path below `wallet/`.
 *
 * @param url a user name in it is the TronGrid API key (`https://KEY@api.trongrid.io`), which is sent as a header
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
        const message = `The node rejected ${method} with ${status}: ${text(fault)}`;
        throw new ChainError(message, 'rejected', status);
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
