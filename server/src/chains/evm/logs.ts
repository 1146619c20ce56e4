import { limits } from '../../platform/limits.ts';
import { type Node, RpcError, TooMuchError } from '../node.ts';
import { type Log, logs as readLogs } from './answers.ts';

/** What is asked for: contracts (all when undefined) and topics. */
export interface LogFilter {
  readonly address: readonly string[] | undefined;
  readonly topics: readonly (string | null | readonly string[])[];
}

/**
 * Fetches the logs of a range of blocks. Nodes limit how much they answer, each in its own way and words, some by
 * leaving out the rest: whatever is refused, takes too long or is suspiciously much is asked for again in halves.
 *
 * @throws ChainError when a single block cannot be had
 */
export async function fetchLogs(node: Node, filter: LogFilter, from: number, to: number): Promise<Log[]> {
  const found = await ask(node, filter, from, to);
  if (found !== undefined) return found;
  const middle = Math.floor((from + to) / 2);
  return [
    ...(await fetchLogs(node, filter, from, middle)),
    ...(await fetchLogs(node, filter, middle + 1, to)),
  ];
}

/** @returns undefined when less must be asked for */
async function ask(node: Node, filter: LogFilter, from: number, to: number): Promise<Log[] | undefined> {
  const query = { ...filter, fromBlock: `0x${from.toString(16)}`, toBlock: `0x${to.toString(16)}` };
  try {
    const found = await node.call('eth_getLogs', [query], readLogs);
    return found.length >= limits.logsPerAnswer && from < to ? undefined : found;
  } catch (error) {
    if (from < to && (error instanceof RpcError || error instanceof TooMuchError)) return undefined;
    throw error;
  }
}
